"""What happened on each day, in figures; the true ones need the simulation's hidden truth."""

import pandas as pd


def day_figures(
    cases: pd.DataFrame, verdicts: pd.DataFrame, population: pd.DataFrame, truth: pd.DataFrame
) -> pd.DataFrame:
    """Tell for each day how many cases were right and how many scammers they reached.

    Args:
        cases: One row per case: ``case_id``, ``entity_id``, ``as_of``, ``source``,
            ``first_case_id``.
        verdicts: One row per case, as ``counted_verdicts`` gives them: ``case_id``,
            ``is_violation``, ``decided_at`` (UTC; undecided cases are left out).
        population: One row per active entity and day: ``entity_id``, ``as_of``.
        truth: One row per user of the simulated platform: ``user_id``, ``is_scammer``,
            ``active_from``.

    Returns:
        One row per day of ``population``: ``as_of`` (date), ``active``, ``cases``, ``decided``,
        ``confirmed``, ``precision`` (confirmed of decided first looks), ``reachable`` (scammers
        active, neither confirmed nor waiting for a verdict at the day's start), ``caught`` (of
        them, among the day's cases) and ``recall`` (caught of reachable).
    """
    first_looks = cases[cases["first_case_id"].isna()]
    decided = verdicts.dropna(subset="decided_at")[["case_id", "is_violation", "decided_at"]]
    looked = first_looks.merge(decided, on="case_id", how="left")
    scammers = truth.loc[truth["is_scammer"]].set_index("user_id")["active_from"]
    days = sorted(population["as_of"].unique())
    rows = [
        _figures_of(day, population.loc[population["as_of"] == day, "entity_id"], looked, scammers)
        for day in days
    ]
    return pd.DataFrame(rows).assign(
        cases=lambda figures: figures["as_of"].map(cases.groupby("as_of").size()).fillna(0)
    )


def _figures_of(
    day: pd.Timestamp,
    here: pd.Series,
    looked: pd.DataFrame,
    scammers: pd.Series,
) -> dict[str, object]:
    todays = looked[looked["as_of"] == day]
    decided = todays["is_violation"].dropna().astype(bool)
    night = pd.Timestamp(day).tz_localize("UTC") + pd.Timedelta(days=1)
    earlier = looked[looked["as_of"] < day]
    waiting = earlier["decided_at"].isna() | (earlier["decided_at"] >= night)
    confirmed = earlier["is_violation"].fillna(value=False).astype(bool)
    scamming = set(scammers.index[scammers < night])
    reachable = scamming & set(here) - set(earlier.loc[waiting | confirmed, "entity_id"])
    caught = reachable & set(todays["entity_id"])
    return {
        "as_of": day,
        "active": len(here),
        "decided": len(decided),
        "confirmed": int(decided.sum()),
        "precision": decided.mean() if len(decided) else float("nan"),
        "reachable": len(reachable),
        "caught": len(caught),
        "recall": len(caught) / len(reachable) if reachable else float("nan"),
    }
