"""Uploads hang on the options, the day and the people; a shift changes looks from its day."""

import io
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ucu_mlops.errors import ConfigurationError, SchemaError
from ucu_mlops.simulation.pictures.encoding import FAULTS
from ucu_mlops.simulation.pictures.upload_options import UploadOptions
from ucu_mlops.simulation.pictures.uploads import (
    ALL_FAULTS,
    MISSING,
    OUTSIDE,
    DayOfUploads,
    upload_day,
)
from ucu_mlops.simulation.platform import Platform, PlatformOptions

END = date(2026, 3, 31)
LABELS = ["qr_code", "matrix_code", "linear_barcode"]


def few(**changes) -> UploadOptions:
    """Make options for 40 small pictures a day over three days."""
    small = {"end": END, "days": 3, "per_day": 40, "smallest_side": 64, "largest_side": 96}
    return UploadOptions(**small | changes)


def play_past(options: UploadOptions, folder: str) -> list[DayOfUploads]:
    """Play the days of the past."""
    return [upload_day(options, folder, day) for day in options.past()]


def test_a_day_made_by_itself_equals_its_part_of_the_past():
    """Tables and bytes are the same whether the days before were played or not."""
    days = play_past(few(), "objects")
    alone = upload_day(few(), "objects", END)
    pd.testing.assert_frame_equal(days[-1].uploads, alone.uploads)
    pd.testing.assert_frame_equal(days[-1].truth, alone.truth)
    assert days[-1].objects == alone.objects
    ids = pd.concat([day.uploads["image_id"] for day in days])
    assert (len(ids), ids.is_unique, ids.is_monotonic_increasing) == (120, True, True)
    assert [day.uploads["uploaded_at"].dt.date.unique().tolist() for day in days] == [
        [END - timedelta(days=back)] for back in (2, 1, 0)
    ]


def test_the_tables_have_the_columns_they_promise():
    """Also on a day without uploads, whose tables are empty, names and types are the same."""
    moment = "datetime64[us, UTC]"
    uploads = dict.fromkeys(["image_id", "user_id"], "str")
    uploads |= {"uploaded_at": moment, "ingested_at": moment, "uri": "str", "group": "str"}
    truth = {"image_id": "str", "uploaded_at": moment, "fault": "str", "look": "str"}
    truth |= {"repeats": "str", **dict.fromkeys(LABELS, "bool")}
    for per_day in (10, 0):
        made = upload_day(few(per_day=per_day), "objects", END)
        assert made.uploads.dtypes.astype(str).to_dict() == uploads
        assert made.truth.dtypes.astype(str).to_dict() == truth


def test_an_upload_is_known_after_it_happened_and_on_its_day():
    """Nothing is ingested before it is uploaded, nor after midnight."""
    uploads = upload_day(few(per_day=100), "objects", END).uploads
    assert (uploads["ingested_at"] > uploads["uploaded_at"]).all()
    assert (uploads["ingested_at"].dt.date == END).all()


def test_every_uri_has_its_object_but_the_missing_and_those_outside():
    """Objects lie below the folder under the names that the URIs end with."""
    made = upload_day(few(per_day=150, faulty=0.6), "store/objects", END)
    fault = made.truth["fault"]
    assert set(fault) == {"", *ALL_FAULTS}
    uris = made.uploads["uri"]
    assert uris[fault != OUTSIDE].str.startswith("store/objects/2026-03-31/i").all()
    assert not uris[fault == OUTSIDE].str.startswith("store").any()
    stored = uris[~fault.isin([MISSING, OUTSIDE])].str.removeprefix("store/objects/")
    assert set(made.objects) == set(stored)


def test_flawless_objects_open_and_the_default_has_a_few_faulty_ones():
    """A few per cent are faulty; all others load."""
    made = upload_day(few(per_day=150), "o", END)
    is_flawless = ~made.truth["fault"].isin(ALL_FAULTS)
    assert 0.9 < is_flawless.mean() < 1
    for uri in made.uploads["uri"][is_flawless]:
        with Image.open(io.BytesIO(made.objects[uri.removeprefix("o/")])) as opened:
            opened.load()
            assert 38 <= max(opened.size) <= 96


def test_near_duplicates_repeat_an_earlier_flawless_picture():
    """Each names an earlier picture of the day, shows the same and is stored in other bytes."""
    made = upload_day(few(per_day=150, near_duplicates=0.3), "o", END)
    truth = made.truth.assign(group=made.uploads["group"]).set_index("image_id")
    content = made.uploads.set_index("image_id")["uri"].str.removeprefix("o/").map(made.objects)
    repeats = truth[truth["repeats"] != ""]
    assert len(repeats) >= 10
    for image_id, row in repeats.iterrows():
        original = truth.loc[row["repeats"]]
        assert row["repeats"] < image_id
        assert (original["fault"], original["repeats"]) == ("", "")
        assert original[[*LABELS, "group"]].tolist() == row[[*LABELS, "group"]].tolist()
        assert content[image_id] != content[row["repeats"]]
        greys = [
            np.asarray(Image.open(io.BytesIO(content[each])).convert("L").resize((9, 8)), float)
            for each in (image_id, row["repeats"])
        ]
        assert np.corrcoef(*(grey.ravel() for grey in greys))[0, 1] > 0.9


def test_the_shift_changes_looks_from_its_day_on():
    """Before its day nothing changes by a byte; from it on most QR codes have the new look."""
    shift = END - timedelta(days=1)
    plain, shifted = (
        play_past(few(per_day=60, new_look_day=day, near_duplicates=0), "o")
        for day in (None, shift)
    )
    assert plain[0].objects == shifted[0].objects
    for before, after in zip(plain[1:], shifted[1:], strict=True):
        pd.testing.assert_frame_equal(before.uploads, after.uploads)
        is_new = after.truth["look"] == "new"
        assert is_new[after.truth["qr_code"]].mean() > 0.5
        assert not is_new[~after.truth["qr_code"]].any()
        assert (before.truth["look"] == "usual").all()
        for uri, new in zip(after.uploads["uri"], is_new, strict=True):
            name = uri.removeprefix("o/")
            if name in after.objects and not new:
                assert before.objects[name] == after.objects[name]


def test_scammers_upload_more_and_show_more_qr_codes():
    """Images with a QR code tell something about who uploaded them."""
    platform = Platform(PlatformOptions(start=END, users=300, prevalence=0.3, horizon_days=3))
    people = platform.people(END)
    share = people["is_scammer"].mean()
    made = upload_day(few(per_day=300, largest_side=64), "o", END, people)
    by_scammer = made.uploads["user_id"].isin(people["user_id"][people["is_scammer"]])
    shows_qr = made.truth["qr_code"]
    assert by_scammer.mean() > 1.5 * share
    assert shows_qr[by_scammer].mean() > 2 * shows_qr[~by_scammer].mean()
    assert set(made.uploads["user_id"]) <= set(people["user_id"])


def test_nobody_there_uploads_nothing():
    """Without people there are no uploads; without their columns an error names these."""
    nobody = pd.DataFrame({"user_id": pd.array([], "str"), "is_scammer": np.array([], bool)})
    assert upload_day(few(), "o", END, nobody).uploads.empty
    with pytest.raises(SchemaError, match="is_scammer"):
        upload_day(few(), "o", END, nobody[["user_id"]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": "soon"},
        {"days": 0},
        {"labels": ("face",)},
        {"faulty": 2},
        {"new_look_day": "soon"},
        {"largest_side": 10},
    ],
    ids=str,
)
def test_refuses_options_out_of_range(wrong):
    """The error names the option."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        few(**wrong)


def test_each_fault_that_has_bytes_is_made_by_a_function():
    """Two kinds of fault are about where an object is, the others about its bytes."""
    assert set(ALL_FAULTS) - set(FAULTS) == {MISSING, OUTSIDE}
