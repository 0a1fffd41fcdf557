"""A model of features: rows as they are given, answered in the turn of the loop they came in."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ucu_mlops.bundle.predict import Predictor
from ucu_mlops.bundle.rows import ordered, row_inputs
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.errors import BundleError, SchemaError
from ucu_mlops.serving.answers import Answer, check_probabilities
from ucu_mlops.serving.batching import TurnBatcher
from ucu_mlops.serving.lookup import Found, Lookup, Row
from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.outside import Outside
from ucu_mlops.serving.problems import BadRequestProblem
from ucu_mlops.serving.schemas import Instance

LARGEST_BATCH = 256


class TabularModel:
    """A version of a model of features.

    Args:
        bundle: The version.
        metrics: Where batches and values outside of what training saw are counted.
        lookup: Finds the features of users who come without; None: they are refused.

    Raises:
        BundleError: The network cannot be loaded, or takes other features than the bundle's.
    """

    is_slow = False

    def __init__(self, bundle: Bundle, metrics: Metrics, lookup: Lookup | None = None) -> None:
        self._lookup = lookup
        self.version, self.manifest = str(bundle.version), bundle.manifest
        self._bundle, self._predictor = bundle, Predictor(bundle)
        self._features = bundle.manifest.features
        self._names = [spec.name for spec in self._features]
        self._thresholds = [label.threshold for label in bundle.manifest.labels]
        self._outside = Outside(bundle.manifest, metrics.outside)
        self._batcher = TurnBatcher(
            self._run, LARGEST_BATCH, lambda size: metrics.batches.observe("features", size)
        )

    @property
    def depth(self) -> int:
        """Nothing waits longer than a turn of the loop."""
        return 0

    async def answer(self, instance: Instance, *, reasons: bool) -> Answer:
        """Answer for a user.

        Raises:
            BadRequestProblem: No features, or not the model's; or reasons are asked for of a
                version that can give none.
            NoFeaturesProblem: Somebody of whom nothing is published comes without features.
            OnlineProblem: They cannot be looked up now.
        """
        moment, features = None, instance.features
        if features is not None:
            row: Row = self._ordered(features)
        else:
            found = await self._looked_up(instance.user_id)
            row, moment = found.row, found.moment
            features = dict(zip(self._names, row, strict=True))
        probabilities = await self._batcher.submit(row)
        return Answer(
            entity_id=instance.user_id,
            probabilities=probabilities,
            decisions=self._decide(probabilities),
            reference="given" if moment is None else "online",
            inputs=features,
            reasons=await self._reasons(row) if reasons else None,
            features_as_of=moment,
        )

    async def probe(self) -> None:
        """Answer for somebody of whom nothing is known.

        Raises:
            BundleError: It cannot.
        """
        try:
            (probabilities,) = self._probabilities([[None] * len(self._features)])
        except Exception as error:  # ONNX Runtime's errors share no base
            raise BundleError(f"version {self.version} fails its probe: {error}") from error
        if (wrong := check_probabilities(self.manifest, probabilities)) is not None:
            raise BundleError(f"version {self.version} fails its probe: {wrong}")

    async def close(self) -> None:
        """Nothing is open; a batch under way holds the model until it is answered."""

    def _ordered(self, features: Mapping[str, Any]) -> Row:
        try:
            return ordered(features, self._features)
        except SchemaError as error:
            raise BadRequestProblem(str(error)) from error

    async def _looked_up(self, user_id: str | None) -> Found:
        if user_id is None or self._lookup is None:
            raise BadRequestProblem(f"{self.manifest.model} needs features")
        return await self._lookup.find(user_id, self.version, self._features)

    async def _reasons(self, row: Row) -> list[str]:
        """Say in words what raised the probability: beside the loop, for it takes a while."""
        inputs = row_inputs([row], self._features)
        try:
            return await asyncio.to_thread(_explained, self._bundle, inputs)
        except BundleError as error:
            raise BadRequestProblem(
                f"version {self.version} carries nothing to give reasons by"
            ) from error

    def _run(self, rows: Sequence[Row]) -> list[list[float]]:
        self._outside.count(rows)
        return self._probabilities(rows)

    def _probabilities(self, rows: Sequence[Row]) -> list[list[float]]:
        inputs = row_inputs(rows, self._features)
        found: list[list[float]] = self._predictor.predict_inputs(inputs).tolist()
        return found

    def _decide(self, probabilities: Sequence[float]) -> list[bool]:
        return [each >= at for each, at in zip(probabilities, self._thresholds, strict=True)]


def _explained(bundle: Bundle, inputs: dict[str, Any]) -> list[str]:
    # What explains a row takes a second to import: not before somebody asks for reasons.
    import pandas as pd  # noqa: PLC0415

    from ucu_mlops.scam.reasons import explain  # noqa: PLC0415

    frame = pd.DataFrame({name: values[:, 0] for name, values in inputs.items()})
    (reasons,) = explain(bundle, frame, {})
    return reasons
