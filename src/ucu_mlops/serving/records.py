"""Answers as they are kept: what was asked of whom, which version said what, how long it took."""

from collections.abc import Sequence

from ucu_mlops.quality.hashing import hash_share
from ucu_mlops.serving.answers import Answer, Model
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

    def record(
        self, model: Model, answers: Sequence[tuple[str, Answer]], caller: str, took: float
    ) -> None:
        """Write answers down; when it returns they survive a kill of the process.

        Args:
            model: The version that answered.
            answers: With the id of each.
            caller: Who asked.
            took: Seconds from the request's first byte.
        """
        at = now()
        records = []
        for request_id, answer in answers:
            labels = {}
            for label, probability, decision in zip(
                model.manifest.labels, answer.probabilities, answer.decisions, strict=True
            ):
                self._metrics.decisions.add(model.version, label.name, str(decision).lower())
                labels[label.name] = {
                    "probability": probability,
                    "threshold": label.threshold,
                    "decision": decision,
                }
            records.append(
                {
                    "request_id": request_id,
                    "at": at,
                    "model": model.manifest.model,
                    "version": model.version,
                    "variant": CHAMPION,
                    "entity_id": answer.entity_id,
                    "reference": answer.reference,
                    "inputs": answer.inputs if self._keeps(request_id) else None,
                    "labels": labels,
                    "latency_ms": round(took * 1_000, 3),
                    "caller": caller,
                }
            )
        self._spool.append(at, records)

    def _keeps(self, request_id: str) -> bool:
        share = self._options.inputs
        return share >= 1 or bool(hash_share([request_id], SAMPLING_SALT)[0] < share)
