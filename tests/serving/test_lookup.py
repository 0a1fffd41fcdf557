"""Users who come without features: a real server looks them up in what is published."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.adapters.test_sqlite_features import snapshot
from tests.serving.sites import FEATURES, Site, scam_draft, serving
from ucu_mlops.adapters.sqlite_features import SqliteFeatures
from ucu_mlops.features.online import OnlineFeature, Update

DAY = date(2026, 3, 31)
# In another order than the model's, and one that it does not take.
ONLINE = (
    OnlineFeature("more", "numeric", "c3"),
    OnlineFeature("place", "categorical", FEATURES[1].definition),
    OnlineFeature("x", "numeric", FEATURES[0].definition),
)
ASKED = {"instances": [{"user_id": "u1"}]}


def site_with(tmp_path, **features) -> Site:
    """A site with a champion, which looks users up."""
    made = Site(tmp_path, options={"features": features})
    path = tmp_path / "conf/base/globals.yml"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"online": "data/online.db"}))
    made.publish("1", scam_draft())
    return made


def online_of(site: Site) -> SqliteFeatures:
    """Where the site's users are looked up."""
    return SqliteFeatures(site.folder / "data/online.db")


def test_a_user_is_answered_like_their_features(tmp_path):
    """By id the answer is the one for the published features, in both protocols, and recorded."""
    site = site_with(tmp_path, max_age_days=None)
    online_of(site).publish(snapshot(DAY, ONLINE, u1=(9.0, "UA", -1.0), u2=(9.0, None, None)))
    with serving(site) as server:
        given = server.ask({"instances": [{"features": {"x": -1.0, "place": "UA"}}]})
        found = server.ask({"instances": [{"user_id": "u1"}, {"user_id": "u2"}]})
        first, second = found.body["predictions"]
        assert first["labels"] == given.body["predictions"][0]["labels"]
        assert first["features_as_of"] == "2026-04-01T00:00:00+00:00"
        assert second["labels"]["scam"]["probability"] == 0.5
        tensor = {"name": "user_id", "shape": [2], "datatype": "BYTES", "data": ["u2", "u1"]}
        inferred = server.ask({"inputs": [tensor]}, "/v2/models/scam/infer")
        probabilities = inferred.body["outputs"][0]["data"]
        assert probabilities == [0.5, first["labels"]["scam"]["probability"]]
        metrics = server.get("/metrics").body["text"]
    assert 'ucu_serving_feature_lookups_total{outcome="found"} 4' in metrics
    assert "ucu_serving_features_timestamp_seconds 1.775" in metrics
    record = next(each for each in site.records() if each["entity_id"] == "u1")
    assert record["reference"] == "online"
    assert record["inputs"] == {"x": -1.0, "place": "UA"}


def test_a_new_snapshot_and_an_update_are_seen_at_once(tmp_path):
    """The next request after a publish, or an update, is answered by it; no restart is needed."""
    site = site_with(tmp_path, max_age_days=None)
    with serving(site) as server:
        refused = server.ask(ASKED)
        assert refused.status == 503
        assert "no features are published" in refused.body["error"]
        online = online_of(site)
        online.publish(snapshot(DAY, ONLINE, u1=(9.0, "UA", 0.0)))
        assert server.ask(ASKED).body["predictions"][0]["labels"]["scam"]["probability"] == 0.5
        moment = datetime(2026, 4, 1, 9, tzinfo=UTC)
        online.update([Update("u1", "x", moment, 1.0)])
        (changed,) = server.ask(ASKED).body["predictions"]
        assert changed["labels"]["scam"]["probability"] == pytest.approx(0.7310586)
        assert changed["features_as_of"] == moment.isoformat()
        online.publish(snapshot(DAY + timedelta(1), ONLINE, u1=(9.0, "UA", -1.0)))
        (next_day,) = server.ask(ASKED).body["predictions"]
        assert next_day["labels"]["scam"]["probability"] == pytest.approx(0.26894143)


@pytest.mark.parametrize(("missing", "status"), [("refuse", 404), ("unknown", 200)])
def test_the_policy_says_what_a_missing_user_gets(tmp_path, missing, status):
    """Refused in one line, or answered as somebody of whom nothing is known; both are counted."""
    site = site_with(tmp_path, max_age_days=None, missing=missing)
    online_of(site).publish(snapshot(DAY, ONLINE, u2=(9.0, "UA", -1.0)))
    with serving(site) as server:
        answer = server.ask(ASKED)
        assert answer.status == status
        metrics = server.get("/metrics").body["text"]
    if status == 404:
        assert "nothing is published of user 'u1'" in answer.body["error"]
    else:
        assert answer.body["predictions"][0]["labels"]["scam"]["probability"] == 0.5
    assert 'feature_lookups_total{outcome="missing"} 1' in metrics


def test_features_that_are_too_old_are_not_used(tmp_path):
    """Beyond the limit a look-up is refused with the age; given features are answered as before."""
    site = site_with(tmp_path, max_age_days=2)
    old = datetime.now(UTC).date() - timedelta(days=5)
    online = online_of(site)
    online.publish(snapshot(old, ONLINE, u1=(9.0, "UA", 0.0)))
    with serving(site) as server:
        refused = server.ask(ASKED)
        assert refused.status == 503
        assert "days old, 2 are allowed" in refused.body["error"]
        assert server.ask({"instances": [{"features": {"x": 0, "place": "UA"}}]}).status == 200
        online.publish(snapshot(datetime.now(UTC).date(), ONLINE, u1=(9.0, "UA", 0.0)))
        assert server.ask(ASKED).status == 200


def test_features_of_another_declaration_are_not_used(tmp_path):
    """A feature that means something else than in training is named, and not used."""
    site = site_with(tmp_path, max_age_days=None)
    changed = (*ONLINE[:2], OnlineFeature("x", "numeric", "another"))
    online_of(site).publish(snapshot(DAY, changed, u1=(9.0, "UA", 0.0)))
    with serving(site) as server:
        refused = server.ask(ASKED)
    assert refused.status == 503
    assert "another declaration of ['x']" in refused.body["error"]
