"""Answers as they are kept: what was asked of whom, which version said what, how long it took."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ucu_mlops.quality.hashing import hash_share
from ucu_mlops.serving.answers import Answered, Model, Place
from ucu_mlops.serving.metrics import Metrics
from ucu_mlops.serving.options import RecordOptions
from ucu_mlops.serving.spool import Spool, now

CHAMPION = "champion"
SAMPLING_SALT = "requests"


class Recorder:
    """Writes answers to the spool, and counts decisions.

    Args:
        spool: Where to.
        metrics: Where decisions are counted.
        options: What is kept.
    """

    def __init__(self, spool: Spool, metrics: Metrics, options: RecordOptions) -> None:
        self._spool, self._metrics, self._options = spool, metrics, options

    def record(self, answered: Sequence[Answered], caller: str, took: float) -> None:
        """Write answers down; when it returns they survive a kill of the process.

        Args:
            answered: The answers.
            caller: Who asked.
            took: Seconds from the request's first byte; of a shadow, its own.
        """
        at = now()
        head = {"at": at, "latency_ms": round(took * 1_000, 3), "caller": caller}
        self._spool.append(at, [head | self._record(each) for each in answered])

    def fail(
        self, request_id: str, model: Model, place: Place, error: str, caller: str, took: float
    ) -> None:
        """Write down that a shadow could not answer."""
        at = now()
        self._spool.append(
            at,
            [
                {
                    "request_id": request_id,
                    "at": at,
                    "model": model.manifest.model,
                    "version": model.version,
                    **asdict(place),
                    "error": error,
                    "latency_ms": round(took * 1_000, 3),
                    "caller": caller,
                }
            ],
        )

    def _record(self, answered: Answered) -> dict[str, Any]:
        model, answer, place = answered.model, answered.answer, answered.place
        is_shadow = place is not None and place.shadow
        labels = {}
        for label, probability, decision in zip(
            model.manifest.labels, answer.probabilities, answer.decisions, strict=True
        ):
            if not is_shadow:
                self._metrics.decisions.add(model.version, label.name, str(decision).lower())
            labels[label.name] = {
                "probability": probability,
                "threshold": label.threshold,
                "decision": decision,
            }
        return {
            "request_id": answered.request_id,
            "model": model.manifest.model,
            "version": model.version,
            **(asdict(place) if place else {"variant": CHAMPION}),
            "entity_id": answer.entity_id,
            "reference": answer.reference,
            # The answer that went out has them already.
            "inputs": answer.inputs if not is_shadow and self._keeps(answered.request_id) else None,
            "labels": labels,
            "error": answered.error,
        }

    def _keeps(self, request_id: str) -> bool:
        share = self._options.inputs
        return share >= 1 or bool(hash_share([request_id], SAMPLING_SALT)[0] < share)
