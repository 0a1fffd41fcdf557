"""Classify callers' pictures on a GPU: the bundle's weights in bf16, each size a recorded graph."""

import numpy as np
import torch
from numpy.typing import NDArray

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import BundleError, ConfigurationError
from ucu_mlops.images.inference import torch_look
from ucu_mlops.images.looks import classify
from ucu_mlops.images.network import load_network
from ucu_mlops.images.settings import LookOptions


class GpuPredictor:
    """A bundle's network on a GPU, ready to answer; one caller at a time.

    Inputs are filled up to the next power of two, so that few graphs serve all sizes; those up to
    ``largest`` are recorded here, which takes seconds, and no caller waits for one.

    Args:
        bundle: An image model's.
        largest: Most pictures of one call; more are no error, but slow the first time.
        device: Where to.

    Raises:
        BundleError: Its network cannot be read.
        ConfigurationError: There is no GPU.
    """

    def __init__(self, bundle: Bundle, largest: int, device: str = "cuda") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigurationError(
                "pictures.device is cuda, but no GPU is at hand; set it to cpu in serving.yml"
            )
        try:
            network, self.settings = load_network(bundle.folder)
        except ConfigurationError as error:
            raise BundleError(f"version {bundle.version}: {error}") from error
        self.options = LookOptions(**bundle.manifest.policy["looks"])
        network.set_attn_implementation("sdpa")
        network.to(device=device)  # type: ignore[call-arg]  # transformers' types lack it
        self._look = torch_look(network)
        settings = self.settings
        for size in sizes(largest):
            self._look(np.zeros((size, settings.channels, settings.side, settings.side), "float32"))

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
        return classify(pixels, boxes, self.look, self.settings, self.options)

    def look(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Classify inputs and their tokens once, shape ``(n, channels, side, side)``."""
        filled = np.zeros((sizes(len(inputs))[-1], *inputs.shape[1:]), np.float32)
        filled[: len(inputs)] = inputs
        pictures, tokens = self._look(filled)
        return pictures[: len(inputs)], tokens[: len(inputs)]


def sizes(largest: int) -> list[int]:
    """Give the powers of two up to the first that holds ``largest``."""
    return [1 << power for power in range((largest - 1).bit_length() + 1)]
