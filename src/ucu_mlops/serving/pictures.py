"""A model of pictures: bytes or an allowed URI, decoded and classified beside the event loop."""

import asyncio
import base64
import binascii
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import BundleError
from ucu_mlops.images.decoding import RefusedError
from ucu_mlops.images.objects import ObjectOptions, read_object
from ucu_mlops.images.online import OnlinePictures, Prepared
from ucu_mlops.serving.answers import Answer, check_probabilities
from ucu_mlops.serving.batching import QueueBatcher
from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.options import ServingOptions
from ucu_mlops.serving.problems import BadRequestProblem, PictureProblem
from ucu_mlops.serving.schemas import Instance, Picture, UploadedPicture

PROBE_SIDE = 64


@dataclass(frozen=True)
class Answered:
    """One picture's scores, and which picture it was."""

    sha256: str
    scores: list[float]


class PictureModel:
    """A version of the image model; made within the event loop.

    Args:
        bundle: The version.
        options: How pictures are decoded and wait.
        metrics: Where stages and batches are counted.
        network: The opened version.
    """

    is_slow = True

    def __init__(
        self, bundle: Bundle, options: ServingOptions, metrics: Metrics, network: OnlinePictures
    ) -> None:
        self.version, self.manifest = str(bundle.version), bundle.manifest
        self._network = network
        self._thresholds = [label.threshold for label in bundle.manifest.labels]
        self._places, self._bytes = options.pictures.places, options.limits.body_bytes
        self._batcher = QueueBatcher(self._prepare, self._run, options.queue, metrics)

    @property
    def depth(self) -> int:
        """How many pictures wait or are worked on."""
        return self._batcher.depth

    async def answer(self, instance: Instance, *, reasons: bool) -> Answer:
        """Answer for a picture.

        Raises:
            BadRequestProblem: No picture, or a URI that may not be read.
            PictureProblem: The picture was refused.
            BusyProblem: There is no room.
        """
        if instance.image is None:
            raise BadRequestProblem(f"{self.manifest.model} needs image")
        if reasons:
            raise BadRequestProblem("reasons are given for users only")
        found: Answered = await self._batcher.submit(instance.image)
        return Answer(
            entity_id=found.sha256,
            probabilities=found.scores,
            decisions=self._decide(found.scores),
            reference=instance.image.uri or "bytes",
        )

    async def probe(self) -> None:
        """Answer for a grey picture, by the way that callers' pictures go.

        Raises:
            BundleError: It cannot.
        """
        picture = io.BytesIO()
        Image.new("RGB", (PROBE_SIDE, PROBE_SIDE), "grey").save(picture, "JPEG")
        try:
            prepared = await asyncio.to_thread(self._network.prepare, picture.getvalue())
            (scores,) = (await asyncio.to_thread(self._network.scores, [prepared])).tolist()
        except Exception as error:  # ONNX Runtime's errors share no base
            raise BundleError(f"version {self.version} fails its probe: {error}") from error
        if (wrong := check_probabilities(self.manifest, scores)) is not None:
            raise BundleError(f"version {self.version} fails its probe: {wrong}")

    async def close(self) -> None:
        """Let the threads go."""
        await self._batcher.close()

    def _prepare(self, image: Picture) -> Prepared:
        try:
            return self._network.prepare(self._content(image))
        except RefusedError as error:
            if error.reason == "place_not_allowed":
                raise BadRequestProblem(f"image.uri: {error}") from error
            raise PictureProblem(str(error)) from error

    def _content(self, image: Picture) -> bytes:
        if isinstance(image, UploadedPicture):
            return image.content
        if image.b64 is not None:
            try:
                return base64.b64decode(image.b64, validate=True)
            except (binascii.Error, ValueError) as error:
                raise BadRequestProblem(f"image.b64 is no base64: {error}") from error
        if not self._places:
            raise BadRequestProblem("pictures by URI are not allowed here; send b64")
        allowed = ObjectOptions(places=self._places, attempts=1, max_bytes=self._bytes)
        return read_object(str(image.uri), allowed)

    def _run(self, items: Sequence[Any]) -> list[Answered]:
        pairs = zip(items, self._network.scores(items).tolist(), strict=True)
        return [Answered(item.decoded.sha256, scores) for item, scores in pairs]

    def _decide(self, scores: Sequence[float]) -> list[bool]:
        return [each >= at for each, at in zip(scores, self._thresholds, strict=True)]
