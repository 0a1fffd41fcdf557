"""A day's scores from a bundle, batch by batch: memory does not grow with the number of rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import ibis
import pyarrow as pa

from ucu_mlops.bundle.predict import Predictor, check_columns
from ucu_mlops.bundle.store import Bundle
from ucu_mlops.features.period import Period

BATCH_ROWS = 4_096  # small enough to stay in the processor's caches between one step and the next
SCORES = pa.schema(
    {
        "model": pa.string(),
        "entity_id": pa.string(),
        "label": pa.string(),
        "as_of": pa.date32(),
        "variant": pa.string(),
        "probability": pa.float64(),
        "threshold": pa.float64(),
        "version": pa.string(),
        "definition": pa.string(),
        "scored_at": pa.timestamp("us", "UTC"),
    }
)


def score(champion: Bundle, inputs: ibis.Table, period: Period) -> pa.RecordBatchReader:
    """Give each active entity of the day the champion's probability, per label.

    Rows pass through in batches: memory does not grow with the number of entities. A row's
    probability does not depend on the others of its batch.

    Returns:
        One row per entity and label, in long form: ``model``, ``entity_id``, ``label``, ``as_of``,
        ``variant``, ``probability``, ``threshold``, ``version``, ``definition``, ``scored_at``
        (UTC: the end of the day, from when on the score counts as known).

    Raises:
        SchemaError: The inputs lack a feature.
    """
    predictor = Predictor(champion)
    names = [spec.name for spec in champion.manifest.features]
    check_columns(inputs.columns, champion.manifest.features)
    todays = inputs.filter(inputs["as_of"] == period.as_of).select("entity_id", *names)
    batches = todays.to_pyarrow_batches(chunk_size=BATCH_ROWS)
    scored = (part for batch in batches for part in _scored(predictor, champion, batch, period))
    return pa.RecordBatchReader.from_batches(SCORES, scored)


def _scored(
    predictor: Predictor, champion: Bundle, batch: pa.RecordBatch, period: Period
) -> Iterator[pa.RecordBatch]:
    manifest = champion.manifest
    probabilities = predictor.predict_batch(batch)
    for column, label in enumerate(manifest.labels):
        columns = {
            "model": manifest.model,
            "entity_id": batch["entity_id"],
            "label": label.name,
            "as_of": period.as_of,
            "variant": "champion",
            "probability": pa.array(probabilities[:, column]),
            "threshold": label.threshold,
            "version": str(champion.version),
            "definition": manifest.definition,
            "scored_at": datetime.combine(period.as_of + timedelta(days=1), time.min, UTC),
        }
        arrays = [
            value if isinstance(value, pa.Array) else pa.repeat(pa.scalar(value, kind), len(batch))
            for value, kind in zip(columns.values(), SCORES.types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(arrays, schema=SCORES)
