"""The loop serves models alike: what is each one's own is a row of a table."""

import pytest

from ucu_mlops.errors import ConfigurationError
from ucu_mlops.loop.judgement import RIGHT
from ucu_mlops.loop.judges import JUDGES, judge_of
from ucu_mlops.loop.stories import STORIES, story_of
from ucu_mlops.pipeline_registry import register_pipelines
from ucu_mlops.simulation.options import SHIFTS


def test_every_story_is_of_registered_pipelines():
    """A model's past, its days, its watch and its retraining are pipelines that there are."""
    registered = set(register_pipelines())
    for model, story in STORIES.items():
        own = {*story.past, story.day, f"{model}_daily", f"{model}_retrain"}
        assert own <= registered


def test_every_model_that_can_be_played_is_judged():
    """Each kind of shift is simulated, belongs to one model, and has a right answer."""
    kinds = [kind for judge in JUDGES.values() for kind in judge.kinds]
    assert JUDGES.keys() == STORIES.keys()
    assert sorted(kinds) == sorted(RIGHT) == sorted(set(SHIFTS) - {"none"})


@pytest.mark.parametrize("asked", [story_of, judge_of])
def test_an_unknown_model_is_named(asked):
    """The error says which models there are."""
    with pytest.raises(ConfigurationError, match=r"one of \['images', 'scam'\], got 'voices'"):
        asked("voices")
