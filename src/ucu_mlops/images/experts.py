"""The expert beside the network: a reader of codes, exact where it decodes.

image → zxing-cpp, once as it is and, where that gives nothing, once enlarged and sharpened → labels
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.images.labels import LabelSet

Pixels = NDArray[np.uint8]
Answers = NDArray[np.bool_]


@dataclass(frozen=True)
class ReaderOptions:
    """How hard the reader tries.

    Attributes:
        threads: Images read at a time; decoding frees Python's lock.
        enlarge_up_to: Longest side in pixels up to which an image that gave nothing is tried once
            more, enlarged and sharpened; 0 for never. A larger image has the pixels already.
    """

    threads: int = 2
    enlarge_up_to: int = 800

    def __post_init__(self) -> None:
        """Refuse what cannot be tried."""
        if self.threads < 1 or self.enlarge_up_to < 0:
            raise ConfigurationError(
                "images.reader: threads must be at least 1 and enlarge_up_to at least 0, "
                f"got {self.threads}, {self.enlarge_up_to}"
            )


def read_codes(
    pixels: Sequence[Pixels] | Pixels, label_set: LabelSet, options: ReaderOptions | None = None
) -> Answers:
    """Ask the reader which labels it finds in each image.

    Args:
        pixels: Images, uint8, each of shape (height, width), (height, width, 1) or
            (height, width, 3) in RGB; the larger the better.
        label_set: The labels; those without an expert are never found.
        options: How hard to try.

    Returns:
        What was decoded, shape ``(n, n_labels)``.

    Raises:
        ConfigurationError: A label names an unknown symbology, or zxing-cpp is not installed.
        DataError: An image is no such array.
    """
    return _read_each(pixels.__getitem__, range(len(pixels)), label_set, options)


def read_stored(
    image_ids: Sequence[str],
    load: Callable[[str], Pixels],
    label_set: LabelSet,
    options: ReaderOptions | None = None,
) -> Answers:
    """Ask the reader about stored images, which are loaded in its threads and let go again.

    Args:
        image_ids: Which images.
        load: Gives an image's largest pixels at hand, as :func:`read_codes` takes them: the
            original decoded, or the shard's.
        label_set: The labels.
        options: How hard to try.

    Returns:
        What was decoded, shape ``(n, n_labels)``.

    Raises:
        ConfigurationError: As :func:`read_codes` raises it.
        DataError: As there.
    """
    return _read_each(load, image_ids, label_set, options)


def _read_each(
    load: Callable[..., Pixels],
    keys: Sequence[object],
    label_set: LabelSet,
    options: ReaderOptions | None,
) -> Answers:
    answers = np.zeros((len(keys), len(label_set.labels)), np.bool_)
    if not any(label.expert for label in label_set.labels):
        return answers
    chosen = options or ReaderOptions()
    read = _reader(label_set, chosen)
    with ThreadPoolExecutor(chosen.threads) as pool:
        for place, found in enumerate(pool.map(lambda key: read(load(key)), keys)):
            answers[place] = found
    return answers


def _reader(label_set: LabelSet, options: ReaderOptions) -> Callable[[Pixels], Answers]:
    try:
        from ucu_mlops.images.code_reader import CodeReader  # noqa: PLC0415 (an extra)
    except ImportError as error:
        raise ConfigurationError(
            f"a label names an expert, and {error.name} is not installed: "
            "pip install 'ucu-mlops[images]', or take `expert` from the labels"
        ) from error
    return CodeReader(label_set, options.enlarge_up_to)
