"""The page shows each label's worst mistakes with their pictures, and nothing that was right."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from ucu_mlops.images.evaluation import Judged, evaluate
from ucu_mlops.images.intervals import ImageEvaluationOptions
from ucu_mlops.images.labels import parse_labels
from ucu_mlops.images.mistakes_page import SHOWN, draw_mistakes_page, find_mistakes
from ucu_mlops.images.thresholds import choose_thresholds

FAST = ImageEvaluationOptions(resamples=20)


@pytest.fixture(scope="module")
def judged(made_up):
    """The made-up images."""
    return Judged(made_up.probabilities, made_up.reader, made_up.labels, made_up.groups)


@pytest.fixture(scope="module")
def thresholds(made_up, label_set):
    """Thresholds chosen on them."""
    rows = made_up.probabilities, made_up.labels, made_up.groups
    return choose_thresholds(*rows, label_set, made_up.reader)


def test_the_worst_come_first_and_are_those_of_the_row_that_decides(judged, thresholds, label_set):
    """Misses rise and false alarms fall in probability; there are as many as the report counts."""
    mistakes = find_mistakes(judged, thresholds, label_set)
    confusion = evaluate(judged, thresholds, label_set, FAST)["confusion"]
    for place, (label, found) in enumerate(mistakes.items()):
        missed = [each for each in found if each.missed]
        alarms = [each for each in found if not each.missed]
        counts = confusion[label]["union"]
        assert (len(missed), len(alarms)) == (counts["fn"], counts["fp"])
        lowest, highest = ([each.probability for each in kind] for kind in (missed, alarms))
        assert lowest == sorted(lowest)
        assert highest == sorted(highest, reverse=True)
        assert all(judged.labels[each.place, place] == each.missed for each in found)


def test_each_label_follows_its_own_policy(judged, thresholds):
    """Where the reader alone decides, what it did not read is missed, whatever the network says."""
    asked = {"expert": ["QRCode"]}
    names = ("qr_code", "matrix_code", "linear_barcode")
    policy = parse_labels({name: asked | {"decides": "reader"} for name in names})
    for place, found in enumerate(find_mistakes(judged, thresholds, policy).values()):
        shown = judged.labels[:, place] == 1
        assert {each.place for each in found} == set(
            np.flatnonzero(shown & ~judged.reader[:, place])
        )
        assert all(each.threshold is None for each in found)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_needs_nothing_from_elsewhere(judged, thresholds, label_set, channels):
    """Every picture lies in the page as a JPEG; names are escaped; only the worst are asked for."""
    asked = []

    def pixels_of(image_ids):
        asked.append(image_ids)
        return np.full((len(image_ids), 32, 32, channels), 200, np.uint8)

    mistakes = find_mistakes(judged, thresholds, label_set)
    evaluation = evaluate(judged, thresholds, label_set, FAST)
    image_ids = [f"<{place}>" for place in range(len(judged.labels))]
    page = draw_mistakes_page(mistakes, image_ids, pixels_of, evaluation, "images & more")
    assert "http" not in page
    assert "images &amp; more" in page
    assert "<0>" not in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    kinds = [
        [each.missed for each in found].count(kind)
        for found in mistakes.values()
        for kind in (True, False)
    ]
    assert len(pictures) == sum(min(each, SHOWN) for each in kinds) > 0
    assert Image.open(io.BytesIO(base64.b64decode(pictures[0]))).size == (32, 32)
    assert max(map(len, asked)) <= SHOWN


def test_a_model_without_mistakes_has_a_page_that_says_so(judged, thresholds, label_set):
    """No picture is asked for, and each label has its none."""
    perfect = Judged(judged.labels, judged.labels == 1, judged.labels, judged.groups)
    mistakes = find_mistakes(perfect, thresholds, label_set)
    page = draw_mistakes_page(
        mistakes, [], pytest.fail, evaluate(perfect, thresholds, label_set, FAST), "good"
    )
    assert page.count("<h3>0 missed</h3>") == page.count("<h3>0 false alarms</h3>") == 3
