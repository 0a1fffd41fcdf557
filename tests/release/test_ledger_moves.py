"""The rules of the ledger hold whatever store keeps it."""

from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ucu_mlops.errors import BundleError, ConfigurationError, ReleaseError, StaleRevisionError
from ucu_mlops.release.ledger import Move, champions, check_follows
from ucu_mlops.release.moves import Proposal, cold_start, override, promote, rollback

AT = datetime(2026, 1, 2, tzinfo=UTC)


class MemoryLedger:
    """The port filled by a list."""

    def __init__(self):
        self.kept = []

    def head(self, model):
        """Return the last move."""
        moves = self.moves(model)
        return moves[-1] if moves else None

    def moves(self, model):
        """Return the model's moves."""
        return [move for move in self.kept if move.model == model]

    def append(self, move):
        """Add a move behind its head."""
        check_follows(self.head(move.model), move)
        self.kept.append(move)


def started():
    ledger = MemoryLedger()
    cold_start(ledger, "scam", "1", who="ann", why="begin", at=AT)
    return ledger


def to(version, action="promote"):
    return Proposal("scam", version, action, "better by 0.1", decision_id=f"d{version}")


def back(ledger):
    return rollback(ledger, "scam", "ann", "complaints", AT)


def test_a_promotion_says_all_that_is_asked_later():
    """From where, to where, who, why, on which decision, when."""
    assert promote(started(), to("2"), "bob", AT) == Move(
        "scam", 2, "1", "2", "promote", "bob", "better by 0.1", "d2", AT
    )


def test_a_second_cold_start_changes_nothing():
    """A model that has a champion keeps it."""
    ledger = started()
    assert cold_start(ledger, "scam", "9", who="ann", why="again", at=AT).to_version == "1"
    assert len(ledger.moves("scam")) == 1


def test_promoting_the_champion_again_changes_nothing():
    """A run that is repeated leaves one move."""
    ledger = started()
    first = promote(ledger, to("2"), "bob", AT)
    assert promote(ledger, to("2"), "bob", AT) == first
    assert len(ledger.moves("scam")) == 2


def test_a_proposal_to_keep_is_no_promotion():
    """Whoever promotes against the gate is told what the gate said."""
    with pytest.raises(ReleaseError, match=r"keep the champion.*better by 0\.1"):
        promote(started(), to("2", action="keep"), "bob", AT)


def test_rolling_back_twice_goes_back_two_versions():
    """A rollback never returns to the version that was just taken off."""
    ledger = started()
    for version in ("2", "3"):
        promote(ledger, to(version), "bob", AT)
    assert [back(ledger).to_version, back(ledger).to_version] == ["2", "1"]


@pytest.mark.parametrize(
    ("ledger", "reason"),
    [(MemoryLedger(), "it has no champion yet"), (started(), "version 1 is the first")],
    ids=["no champion", "first version"],
)
def test_nothing_to_roll_back_to_is_one_line(ledger, reason):
    """The message says why there is no version to go to."""
    with pytest.raises(
        ReleaseError, match=f"^scam: there is no version to roll back to; {reason}$"
    ):
        back(ledger)


def test_a_version_that_does_not_load_is_not_rolled_back_to():
    """The check comes before the move."""
    ledger = started()
    promote(ledger, to("2"), "bob", AT)
    asked = []

    def damaged(version):
        asked.append(version)
        raise BundleError("damaged")

    with pytest.raises(BundleError):
        rollback(ledger, "scam", "ann", "complaints", AT, loads=damaged)
    assert (asked, ledger.head("scam").to_version) == (["1"], "2")


def test_an_override_reinstates_what_was_rolled_back():
    """It is one move of its own kind, and saying it twice adds no second."""
    ledger = started()
    promote(ledger, to("2"), "bob", AT)
    back(ledger)
    first = override(ledger, "scam", "2", "eve", "an exercise", AT)
    assert (first.kind, first.from_version, first.to_version) == ("override", "1", "2")
    assert override(ledger, "scam", "2", "eve", "again", AT) == first


def test_models_do_not_share_revisions():
    """Each model's moves count from 1."""
    ledger = started()
    assert cold_start(ledger, "images", "1", who="ann", why="begin", at=AT).revision == 1


def test_a_move_for_another_head_is_stale():
    """The message names both heads."""
    ledger = started()
    late = Move("scam", 2, "7", "8", "override", "bob", "hurry", None, AT)
    with pytest.raises(StaleRevisionError, match=r"from version 7.*revision 1 with version 1"):
        ledger.append(late)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "swap"}, "kind must be one of"),
        ({"revision": 0}, "revision must be at least 1"),
        ({"at": datetime(2026, 1, 2)}, "at must have a time zone"),  # noqa: DTZ001 (the mistake)
        ({"who": " "}, "who must not be empty"),
    ],
    ids=["kind", "revision", "time zone", "who"],
)
def test_a_senseless_move_is_refused(change, message):
    """The parameter is named."""
    sound = asdict(Move("m", 1, None, "1", "promote", "ann", "begin", None, AT))
    with pytest.raises(ConfigurationError, match=message):
        Move(**sound | change)


def test_a_proposal_knows_two_actions():
    """Anything else is refused."""
    with pytest.raises(ConfigurationError, match="action must be one of"):
        to("2", action="maybe")


@given(st.lists(st.sampled_from(["promote", "back"]), max_size=12))
def test_a_rollback_undoes_what_it_follows(steps):
    """Whatever was done before, the champion is the top of promotions less rollbacks."""
    ledger, expected = started(), ["1"]
    for number, step in enumerate(steps, start=2):
        if step == "promote":
            promote(ledger, to(str(number)), "bob", AT)
            expected.append(str(number))
        elif len(expected) > 1:
            back(ledger)
            expected.pop()
    assert champions(ledger.moves("scam")) == expected
    assert ledger.head("scam").to_version == expected[-1]


def test_a_decision_is_acted_on_once():
    """The same decision promotes nothing a second time, also after a rollback."""
    ledger = started()
    promote(ledger, to("2"), "bob", AT)
    undone = back(ledger)
    assert promote(ledger, to("2"), "bob", AT) == undone
    assert ledger.head("scam") == undone


def test_what_was_rolled_back_is_promoted_by_no_other_decision():
    """Only a person reinstates it."""
    ledger = started()
    promote(ledger, to("2"), "bob", AT)
    undone = back(ledger)
    with pytest.raises(ReleaseError, match="version 2 was rolled back at revision 3"):
        promote(ledger, Proposal("scam", "2", "promote", "better again", "d9"), "bob", AT)
    assert ledger.head("scam") == undone
    assert override(ledger, "scam", "2", "eve", "an exercise", AT).to_version == "2"


def test_a_clock_that_went_back_keeps_the_order_of_revisions(caplog):
    """The move counts, and one line says that it is dated before the one it follows."""
    ledger = started()
    move = promote(ledger, to("2"), "bob", AT.replace(year=2020))
    assert ledger.head("scam") == move
    assert "revision 2 is dated 2020-01-02" in caplog.text
