"""Moderators label pictures late, hardly ever wrongly, and never what nobody could see."""

from datetime import date, timedelta

import pandas as pd
import pytest

from ucu_mlops.errors import ConfigurationError, DataError
from ucu_mlops.simulation.pictures.verdicts import LabellingOptions, give_labels, shows

DAY = date(2026, 3, 1)
LABELS = ("qr_code", "linear_barcode")


def truth(n: int = 1_000, fault: str = "") -> pd.DataFrame:
    """Say of n pictures of one day what they show: QR codes on every other one."""
    return pd.DataFrame(
        {
            "image_id": [f"i{number}" for number in range(n)],
            "uploaded_at": pd.Timestamp(DAY, tz="UTC") + pd.Timedelta(hours=20),
            "fault": fault,
            "qr_code": [number % 2 == 0 for number in range(n)],
            "linear_barcode": False,
        }
    )


def given(rows: pd.DataFrame, options: LabellingOptions, days: int = 8) -> pd.DataFrame:
    """Collect what is given over some days."""
    return pd.concat(
        [give_labels(rows, LABELS, DAY + timedelta(days=n), options) for n in range(days)]
    )


def test_every_picture_gets_every_label_once_within_the_delays():
    """Over the days each picture has one row per label, one to three days after its own."""
    labels = given(truth(), LabellingOptions(), days=8)
    assert not labels.duplicated(["image_id", "label"]).any()
    assert len(labels) == 2_000
    late = (labels["given_at"].dt.normalize() - pd.Timestamp(DAY, tz="UTC")).dt.days
    assert set(late) == {1, 2, 3}
    assert labels["given_by"].nunique() == 4


def test_few_answers_are_wrong():
    """The share of wrong answers is the one asked for; with none asked for there is none."""
    rows = truth()
    for rate, low, high in ((0.0, 0, 0), (0.05, 0.03, 0.07)):
        labels = given(rows, LabellingOptions(error_rate=rate))
        said = labels[labels["label"] == "qr_code"].set_index("image_id")["shown"]
        is_wrong = said != rows.set_index("image_id")["qr_code"].loc[said.index]
        assert low <= is_wrong.mean() <= high


@pytest.mark.parametrize("fault", ["truncated", "not_an_image", "bomb", "missing", "outside"])
def test_what_nobody_can_see_is_not_labelled(fault):
    """A picture that does not open has no label; one in printers' colours has."""
    assert given(truth(50, fault), LabellingOptions()).empty
    assert len(given(truth(50, "cmyk"), LabellingOptions())) == 100


def test_some_pictures_are_never_looked_at():
    """A share of the pictures has no row at all: unknown, not negative."""
    labels = given(truth(), LabellingOptions(looked_at=0.6))
    assert 0.55 < labels["image_id"].nunique() / 1_000 < 0.65


def test_types_are_the_same_on_a_day_without_labels():
    """Names and types of the columns do not hang on whether there are rows."""
    some, none = (
        give_labels(truth(), LABELS, DAY + timedelta(days=n), LabellingOptions()) for n in (1, 90)
    )
    assert none.empty
    assert some.dtypes.to_dict() == none.dtypes.to_dict()


@pytest.mark.parametrize(
    "wrong", [{"looked_at": 2}, {"error_rate": -1}, {"max_delay_days": 0}], ids=str
)
def test_refuses_options_out_of_range(wrong):
    """The error names the option."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        LabellingOptions(**wrong)


def test_only_the_past_is_labelled_unasked():
    """Pictures after the last day of the past get a verdict where they are queued, no label."""
    until = DAY.isoformat()
    assert len(given(truth(10), LabellingOptions(until=until))) == 20
    later = truth(10).assign(uploaded_at=lambda rows: rows["uploaded_at"] + timedelta(days=1))
    assert given(later, LabellingOptions(until=until)).empty


def test_a_case_is_about_one_label_of_a_picture():
    """The same picture is a violation of the label that it shows, and of no other."""
    cases = pd.DataFrame(
        {"entity_id": ["i0", "i0", "i1"], "label": ["qr_code", "linear_barcode", "qr_code"]}
    )
    assert shows(cases, truth(2)).tolist() == [True, False, False]
    with pytest.raises(DataError, match="1 pictures unknown to the simulation, such as 'i1'"):
        shows(cases, truth(1))
