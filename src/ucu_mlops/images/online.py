"""One picture from a caller → what the model and the reader see, and a batch of them → scores.

The way of a stored picture in short: decoded as the store decodes, read at full size, classified by
the same network and joined by the same rule.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.images.answers import joined
from ucu_mlops.images.decoding import FORMATS, Decoded, DecodingOptions, RefusedError, decode
from ucu_mlops.images.experts import ReaderOptions, read_codes
from ucu_mlops.images.model_files import label_set_of, predictor_of, thresholds_of


@dataclass(frozen=True)
class Prepared:
    """A caller's picture, decoded and read.

    Attributes:
        decoded: As the store would keep it.
        found: What the reader found, bool, shape ``(n_labels,)``.
    """

    decoded: Decoded
    found: NDArray[np.bool_]


class Predictor(Protocol):
    """A network, wherever it runs."""

    def probabilities(
        self, pixels: NDArray[np.uint8], boxes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Classify pictures of the store, each with its content's box."""
        ...


class OnlinePictures:
    """Scores pictures as a version of the image model, or the rule before it; shared by threads.

    Args:
        bundle: The version.
        decoding: How pictures of the store are decoded, which is what the network learned on.
        device: ``cpu``, by ONNX Runtime, or ``cuda``.
        largest: Most pictures of one call, which a GPU is prepared for.
        threads: Cores for one call of the network on a CPU.

    Raises:
        BundleError: It is no image model's, was not completed, or its network cannot be read.
        ConfigurationError: A GPU is asked for and there is none.
    """

    def __init__(
        self,
        bundle: Bundle,
        decoding: DecodingOptions,
        device: str = "cpu",
        largest: int = 1,
        threads: int = 1,
    ) -> None:
        self.manifest, self._decoding = bundle.manifest, decoding
        self._labels = label_set_of(bundle)
        self._is_rule = bundle.manifest.kind == "rule"
        if not self._is_rule:
            self._predictor: Predictor = (
                predictor_of(bundle, threads) if device == "cpu" else _on_gpu(bundle, largest)
            )
            self._thresholds = thresholds_of(bundle)
        self._needs_reader = any(each.decides != "network" for each in self._labels.labels)

    def prepare(self, content: bytes) -> Prepared:
        """Check, decode and read one picture.

        Raises:
            RefusedError: It is too large or small, no image, animated, truncated or damaged.
        """
        decoded = decode(content, self._decoding)
        if not (self._needs_reader or self._is_rule):
            return Prepared(decoded, np.zeros(len(self._labels.labels), np.bool_))
        found = read_codes([_grey(content)], self._labels, ReaderOptions(threads=1))
        return Prepared(decoded, found[0])

    def scores(self, pictures: Sequence[Prepared]) -> NDArray[np.float64]:
        """Give each picture a score per label, to be compared with the label's threshold.

        Args:
            pictures: At least one.

        Returns:
            Shape ``(n, n_labels)``: the network's probability, or 1 where a reader decides (or may
            decide, too) and found it.
        """
        reader = np.stack([each.found for each in pictures])
        if self._is_rule:
            return reader.astype(np.float64)
        pixels = np.stack([each.decoded.pixels for each in pictures])
        boxes = np.array([each.decoded.box for each in pictures], dtype=np.int64)
        network = self._predictor.probabilities(pixels, boxes)
        return joined(self._labels, self._thresholds, network, reader)


def _on_gpu(bundle: Bundle, largest: int) -> Predictor:
    from ucu_mlops.images.gpu_predictor import GpuPredictor  # noqa: PLC0415 (torch: seconds, 2 GB)

    return GpuPredictor(bundle, largest)


def _grey(content: bytes) -> NDArray[np.uint8]:
    """Decode at full size, as the reader of stored originals does."""
    try:
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(content), formats=FORMATS))
        pixels: NDArray[np.uint8] = np.asarray(image.convert("L"))
    except Exception as error:  # as in decode: each of Pillow's decoders fails in its own way
        raise RefusedError("unreadable", f"{type(error).__name__}: {error}") from error
    return pixels
