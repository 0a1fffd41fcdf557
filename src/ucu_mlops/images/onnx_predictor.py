"""Classify pictures with the exported network: ONNX Runtime and numpy, no torch."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ucu_mlops.errors import BundleError
from ucu_mlops.images.looks import classify
from ucu_mlops.images.settings import LookOptions, PreprocessingSettings

INPUT, OUTPUTS = "inputs", ("probabilities", "tokens")


class ImagePredictor:
    """The exported network, ready to answer.

    Args:
        model: ONNX, as bytes or as a file.
        settings: What the network is fed; from training.
        options: One look or two.
        threads: Cores for one call; 0: all.

    Raises:
        BundleError: The model cannot be read, or its inputs and outputs are another network's.
    """

    def __init__(
        self,
        model: bytes | Path,
        settings: PreprocessingSettings,
        options: LookOptions | None = None,
        threads: int = 0,
    ) -> None:
        self.settings, self.options = settings, options or LookOptions()
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads = threads
        content = model.read_bytes() if isinstance(model, Path) else model
        try:
            self._session = onnxruntime.InferenceSession(
                content, chosen, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise BundleError(f"the image network's ONNX cannot be read: {error}") from error
        self._check()

    @property
    def n_labels(self) -> int:
        """How many labels it answers for."""
        return int(self._session.get_outputs()[0].shape[1])

    def probabilities(
        self, pixels: NDArray[np.uint8], boxes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Classify pictures.

        Args:
            pixels: Shape ``(n, height, width, channels)``.
            boxes: Content of each: top, left, height, width in pixels, shape ``(n, 4)``.

        Returns:
            Shape ``(n, n_labels)``.

        Raises:
            DataError: Pixels or boxes of another shape, or a box beyond its picture.
        """
        answers = classify(pixels, boxes, self.look, self.settings, self.options)
        return answers.reshape(len(pixels), self.n_labels)

    def look(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify inputs and their tokens once, shape ``(n, channels, side, side)``."""
        pictures, tokens = self._session.run(list(OUTPUTS), {INPUT: inputs})
        return np.asarray(pictures), np.asarray(tokens)

    def _check(self) -> None:
        """Refuse a model that is fed otherwise than the settings say."""
        takes = [(each.name, list(each.shape[1:])) for each in self._session.get_inputs()]
        gives = [each.name for each in self._session.get_outputs()]
        side = self.settings.side
        wanted = [(INPUT, [self.settings.channels, side, side])]
        if takes != wanted or gives != list(OUTPUTS):
            raise BundleError(
                f"the image network's ONNX takes {takes} and gives {gives}, its settings need "
                f"{wanted} and {list(OUTPUTS)}; export it again"
            )
