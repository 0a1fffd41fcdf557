"""What the image model found in a user's uploads becomes features like any other event."""

from datetime import UTC, date, datetime
from pathlib import Path

import ibis
import pytest
from omegaconf import OmegaConf

from ucu_mlops.features.compile import group_table
from ucu_mlops.features.declarations import parse_declarations

GROUP = Path(__file__).parents[2] / "conf/base/features/images.yml"
SOURCE = {
    "image_findings": {"entity": "user_id", "occurred": "occurred_at", "ingested": "ingested_at"}
}
FINDINGS = {
    "user_id": "string",
    "image_id": "string",
    "label": "string",
    "shown": "boolean",
    "occurred_at": "timestamp('UTC', 6)",
    "ingested_at": "timestamp('UTC', 6)",
}
SPINE = {"entity_id": "string", "as_of": "date"}


def shipped():
    """The group that ships, with its source declared."""
    raw = OmegaConf.to_container(OmegaConf.load(GROUP))
    return parse_declarations({"sources": SOURCE, **raw})


def finding(user, image, label, day, known=None, *, shown=True):
    """One label of one image: uploaded and scored on days of March."""
    moments = [datetime(2026, 3, each, 12, tzinfo=UTC) for each in (day, known or day)]
    return dict(zip(FINDINGS, (user, image, label, shown, *moments), strict=True))


def test_counts_images_with_a_qr_code_of_the_last_seven_days():
    """Each image counts once; old, unknown, other and withheld labels do not count."""
    rows = [
        finding("ann", "a", "qr_code", 9),
        finding("ann", "a", "linear_barcode", 9),
        finding("ann", "b", "qr_code", 8),
        finding("ann", "c", "qr_code", 3),  # a week and a day ago
        finding("ann", "d", "qr_code", 9, known=11),  # scored only after the day
        finding("ann", "e", "qr_code", 9, shown=False),
        finding("bob", "f", "linear_barcode", 9),
    ]
    declared = shipped()
    (group,) = declared.groups
    spine = ibis.memtable(
        [{"entity_id": name, "as_of": date(2026, 3, 10)} for name in ("ann", "bob", "cat")],
        schema=SPINE,
    )
    found = group_table(
        group, declared, {"image_findings": ibis.memtable(rows, schema=FINDINGS)}, spine
    ).execute()
    counts = found.set_index("entity_id")
    assert counts["images_with_qr_code_7d"].to_dict() == {"ann": 2, "bob": 0, "cat": 0}
    assert counts["images_with_qr_code_28d"]["ann"] == 3
    assert counts["images_with_code_7d"].to_dict() == {"ann": 2, "bob": 1, "cat": 0}


@pytest.mark.parametrize("dialect", ["duckdb", "bigquery"])
def test_compiles_for_both_warehouses(dialect):
    """The group is one that both can compute."""
    declared = shipped()
    tables = {"image_findings": ibis.table(FINDINGS, name="image_findings")}
    table = group_table(declared.groups[0], declared, tables, ibis.table(SPINE, name="spine"))
    assert "images_with_qr_code_7d" in ibis.to_sql(table, dialect=dialect)
