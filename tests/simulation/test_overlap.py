"""No behaviour alone gives scammers away, yet all together tell more than reports do."""

from datetime import date, timedelta

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ucu_mlops.simulation.platform import SOURCE_TABLES, Platform, PlatformOptions

START = date(2026, 1, 1)
DAYS = 45
MEANS = {
    "messages": ("has_link", "is_reply", "sentiment", "n_chars"),
    "sessions": ("duration_s",),
}
DISTINCT = {"messages": ("recipient_id",), "sessions": ("ip_country", "device")}


def behaviour(tables: dict[str, pd.DataFrame], active: pd.Index, day: date) -> pd.DataFrame:
    """Compute some thirty features of the active users as of a day, one row per user."""
    end = pd.Timestamp(day + timedelta(days=1), tz="UTC")
    columns = {}
    for days in (1, 7, 28):
        for name in ("messages", "sessions", "reports"):
            rows = tables[name]
            recent = rows[(rows["ingested_at"] < end) & (rows["occurred_at"] < end)]
            recent = recent[recent["occurred_at"] >= end - pd.Timedelta(days=days)]
            users = recent.groupby("user_id")
            columns[f"{name}_{days}d"] = users.size().reindex(active, fill_value=0)
            for column in MEANS.get(name, ()):
                columns[f"{column}_mean_{days}d"] = users[column].mean().reindex(active)
            for column in DISTINCT.get(name, ()):
                columns[f"{column}s_{days}d"] = (
                    users[column].nunique().reindex(active, fill_value=0)
                )
    profile = tables["users"].set_index("user_id").loc[active]
    columns["age"] = (end - profile["signed_up_at"]).dt.total_seconds()
    columns["completeness"] = profile["profile_completeness"]
    columns["verified"] = profile["phone_verified"].astype(float)
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def examples():
    """Return features and truth of the users of two days, nobody ever sent away."""
    platform = Platform(
        PlatformOptions(start=START, users=3_000, prevalence=0.05, horizon_days=DAYS)
    )
    batches = [platform.day(START + timedelta(days=number)) for number in range(DAYS)]
    tables = {name: pd.concat([batch[name] for batch in batches]) for name in SOURCE_TABLES}
    truth = platform.truth().set_index("user_id")
    parts = []
    for day in (START + timedelta(days=DAYS - 12), START + timedelta(days=DAYS - 1)):
        sessions = tables["sessions"]
        week = pd.Timestamp(day - timedelta(days=6), tz="UTC")
        until = pd.Timestamp(day + timedelta(days=1), tz="UTC")
        is_recent = (sessions["occurred_at"] >= week) & (sessions["occurred_at"] < until)
        active = pd.Index(sessions.loc[is_recent, "user_id"].unique())
        scams = truth.loc[active, "active_from"] < until
        parts.append(behaviour(tables, active, day).assign(label=scams.astype(int), as_of=day))
    return parts


def test_no_single_feature_separates_well(examples):
    """Each feature alone, either way round, stays below an AUC of 0.87."""
    rows = examples[-1].drop(columns="as_of")
    known = rows.fillna(rows.median(numeric_only=True))
    areas = known.drop(columns="label").apply(lambda values: roc_auc_score(rows["label"], values))
    best = np.maximum(areas, 1 - areas)
    assert best.max() < 0.87, best.nlargest(5)
    assert len(best) >= 30


def test_a_model_beats_counting_reports(examples):
    """Trained on half of the users, LightGBM ranks the others far better than reports do."""
    earlier, later = examples
    features = [name for name in later if name not in ("label", "as_of")]
    model = lgb.LGBMClassifier(
        n_estimators=80, num_leaves=15, min_child_samples=10, n_jobs=1, verbose=-1, random_state=0
    )
    half = earlier[earlier.index.str[-1] < "8"]
    others = later[later.index.str[-1] >= "8"]
    model.fit(half[features], half["label"])
    by_model = roc_auc_score(others["label"], model.predict_proba(others[features])[:, 1])
    by_reports = roc_auc_score(others["label"], others["reports_7d"])
    assert by_model > 0.8
    assert by_model > by_reports + 0.08
