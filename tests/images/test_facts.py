"""Image facts go through the same reference, histograms and drift as any model's inputs."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from ucu_mlops.errors import DataError, NotEnoughDataError, SchemaError
from ucu_mlops.images.facts import EmbeddingAxes, fact_specs, find_axes, image_facts
from ucu_mlops.monitoring.drift import DriftOptions, measure_drift
from ucu_mlops.monitoring.histograms import day_histograms
from ucu_mlops.monitoring.reference import build_reference

FIRST = date(2026, 3, 2)
DAYS, PER_DAY = 15, 150


def images(seed, days, *, brighter=0.0, form="JPEG", turned=0.0):
    """Draw an index, its uploads and embeddings: so many images on each day."""
    rng = np.random.default_rng(seed)
    n = len(days) * PER_DAY
    image_ids = [f"{seed}-{place}" for place in range(n)]
    index = pd.DataFrame(
        {
            "image_id": image_ids,
            "brightness": (rng.normal(120, 20, n) + brighter).clip(0, 255),
            "width": rng.choice([640, 1024, 1280], n),
            "height": rng.choice([480, 768, 960], n),
            "format": np.where(rng.random(n) < 0.8, form, "PNG"),
        }
    )
    moments = [pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=13) for day in days]
    uploads = pd.DataFrame({"image_id": image_ids, "ingested_at": np.repeat(moments, PER_DAY)})
    embeddings = rng.normal(size=(n, 12)) * np.linspace(3, 0.2, 12)
    embeddings[:, 11] += turned
    return index, uploads.sample(frac=1, random_state=0), embeddings


@pytest.fixture(scope="module")
def reference():
    """Two quiet weeks and a day: the reference, and the axes of their embeddings."""
    index, uploads, embeddings = images(1, [FIRST + timedelta(days=day) for day in range(DAYS)])
    axes = find_axes(embeddings)
    facts = image_facts(index, uploads, embeddings, axes)
    scores = np.random.default_rng(0).random(len(facts))
    return build_reference(facts, scores, fact_specs(facts), {}), axes


def states(reference, **changes):
    """Measure the day after the reference, changed so."""
    profile, axes = reference
    day = FIRST + timedelta(days=DAYS)
    index, uploads, embeddings = images(2, [day], **changes)
    facts = image_facts(index, uploads, embeddings, axes)
    scores = pd.DataFrame({"probability": np.random.default_rng(3).random(len(facts))})
    counted = day_histograms(profile, ibis.memtable(facts), ibis.memtable(scores)).execute()
    drift = measure_drift(
        profile, counted, model="images", version="1", as_of=day, options=DriftOptions()
    )
    return drift.set_index("name")["state"].to_dict()


def test_a_day_like_the_others_is_quiet(reference):
    """Nothing moved, and every fact is watched: brightness, size, form, format, embedding."""
    found = states(reference)
    assert set(found.values()) == {"quiet"}
    assert set(found) == {
        *("brightness", "longest_side", "aspect_ratio", "format"),
        *("embedding_1", "embedding_2", "embedding_3", "embedding_4", "embedding_rest", "score"),
    }


@pytest.mark.parametrize(
    ("changes", "moved", "state"),
    [
        ({"brighter": 25}, "brightness", "drift"),
        ({"form": "WEBP"}, "format", "fault"),
        ({"turned": 6.0}, "embedding_rest", "drift"),
    ],
    ids=["brighter pictures", "a format never seen", "content in no known direction"],
)
def test_what_changes_is_what_moves(reference, changes, moved, state):
    """A change of the pictures moves its own fact, and no other."""
    found = states(reference, **changes)
    assert found.pop(moved) in {state, "fault"}
    assert set(found.values()) == {"quiet"}


def test_an_image_counts_on_the_day_it_became_known():
    """Facts follow the index's order, each with the UTC day of its upload; others stay out."""
    index, uploads, _ = images(5, [FIRST, FIRST + timedelta(days=1)])
    facts = image_facts(index, uploads[uploads["image_id"] != "5-0"])
    assert facts["entity_id"].tolist() == index["image_id"].tolist()[1:]
    assert facts["as_of"].value_counts().to_dict() == {
        FIRST: PER_DAY - 1,
        FIRST + timedelta(days=1): PER_DAY,
    }


def test_axes_are_the_same_everywhere_and_survive_the_bundle():
    """The sign of a direction is fixed, and what a bundle carries gives the same places."""
    embeddings = images(7, [FIRST])[2]
    axes = find_axes(embeddings)
    again = EmbeddingAxes.from_dict(find_axes(embeddings[::-1]).to_dict())
    assert np.allclose(axes.project(embeddings), again.project(embeddings))


def test_refuses_what_does_not_fit():
    """Missing columns, another model's embeddings and a single image are told."""
    index, uploads, embeddings = images(5, [FIRST])
    axes = find_axes(embeddings)
    with pytest.raises(SchemaError, match=r"uploads needs \['ingested_at'\]"):
        image_facts(index, uploads.drop(columns="ingested_at"))
    with pytest.raises(DataError, match="another model's"):
        image_facts(index, uploads, embeddings[:, :5], axes)
    with pytest.raises(DataError, match="do not fit"):
        image_facts(index, uploads, embeddings[:5], axes)
    with pytest.raises(NotEnoughDataError, match="at least 2 images"):
        find_axes(embeddings[:1])
