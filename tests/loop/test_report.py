"""The closing lines say what changed on the platform, and what that did to the figures."""

from datetime import date

import pandas as pd
import pytest

from ucu_mlops.loop.report import _shifted
from ucu_mlops.simulation.options import Shift

FIGURES = pd.DataFrame(
    {
        "as_of": pd.to_datetime(["2026-04-01", "2026-04-02", "2026-04-03"]),
        "decided": [10, 10, 10],
        "confirmed": [8, 2, 4],
        "reachable": [20, 40, 40],
        "caught": [8, 2, 4],
    }
)
LAST = date(2026, 4, 3)


def test_a_shift_is_told_with_the_recall_before_and_after():
    """The lines name day and kind, and part the days' figures there."""
    lines = list(_shifted(Shift("new_scam", date(2026, 4, 2)), FIGURES, LAST, capacity=10))
    assert "on 2026-04-02 a new kind of scammer began" in lines[0]
    assert "until then: precision 0.80 (8 of 10), true recall at capacity 0.40" in lines[1]
    assert "from then on: precision 0.30 (6 of 20), true recall at capacity 0.07" in lines[2]


@pytest.mark.parametrize("shift", [Shift(), Shift("growth", date(2026, 4, 4))], ids=str)
def test_no_shift_yet_is_nothing_to_tell(shift):
    """A platform on which nothing changed while it was played has no such lines."""
    assert list(_shifted(shift, FIGURES, LAST, capacity=10)) == []
