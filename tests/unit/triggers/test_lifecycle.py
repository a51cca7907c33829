"""How a version goes live, and everything that keeps it from going there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.unit.triggers.book import ANNA, BEN, CLEO, NOW, POLICY, Trial, contents, good
from triggers.lifecycle import approve, backtest, check, end_shadow, missing, publish, shadow, submit, withdraw
from triggers.lifecycle_emergency import confirm_kill, kill, revive, roll_back
from triggers.lifecycle_values import (
    REFUSALS,
    Backtested,
    Checkup,
    Did,
    Head,
    Kill,
    Moved,
    Outcome,
    Person,
    Refusal,
    Refused,
    State,
)


def why(outcome: Outcome) -> Refusal:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


def state(trial: Trial, number: int) -> State:
    return trial.book.standings[number].state


def test_the_whole_way_of_a_version() -> None:
    trial = Trial()
    first = trial.live(1)
    number = trial.draft(2)
    seen = [state(trial, number)]
    trial.do(check(trial.book, number, good(), trial.act()))
    seen.append(state(trial, number))
    trial.do(backtest(trial.book, number, trial.report(number), trial.act(), POLICY))
    seen.append(state(trial, number))
    trial.do(shadow(trial.book, number, trial.act()))
    seen.append(state(trial, number))
    trial.do(approve(trial.book, number, trial.act(BEN), POLICY))
    seen.append(state(trial, number))
    assert trial.book.head.shadow == number  # it may run on beside the live one until it is live itself
    trial.do(publish(trial.book, number, trial.act(), POLICY))
    seen.append(state(trial, number))
    assert seen == [State.DRAFT, State.CHECKED, State.BACKTESTED, State.SHADOW, State.APPROVED, State.LIVE]
    assert state(trial, first) is State.RETIRED
    assert (trial.book.head.live, trial.book.head.live_since, trial.book.head.shadow) == (number, NOW, None)
    steps = [step.did for step in trial.book.standings[number].steps]
    assert steps == [Did.SUBMITTED, Did.CHECKED, Did.BACKTESTED, Did.SHADOWED, Did.APPROVED, Did.PUBLISHED]


APPROVALS: list[tuple[Person, str, Refusal | None, str]] = [
    (BEN, "", None, "somebody else"),
    (ANNA, "", Refusal.SAME_PERSON, "who submitted it"),
    (Person("key:Anna", "supervisor"), "", Refusal.SAME_PERSON, "the same name by another door is no second person"),
    (BEN, "Ben", Refusal.SAME_PERSON, "who wrote it, though somebody else brought it"),
    (CLEO, "ben", None, "neither wrote nor brought it"),
]


@pytest.mark.parametrize(("approver", "author", "refused", "reason"), APPROVALS, ids=[row[3] for row in APPROVALS])
def test_only_another_person_approves(approver: Person, author: str, refused: Refusal | None, reason: str) -> None:
    trial = Trial()
    number = trial.draft(author=author)
    trial.tested(number)
    done = trial.do(approve(trial.book, number, trial.act(approver), POLICY))
    assert (done.reason if isinstance(done, Refused) else None) is refused, reason
    assert (state(trial, number) is State.APPROVED) == (refused is None)


CHECKS: list[tuple[Checkup | None, Refusal]] = [
    (None, Refusal.NOT_CHECKED),
    (Checkup(NOW, faults=("line 3: no",)), Refusal.HAS_FAULTS),
    (good(passed=0), Refusal.NO_RULE_TESTS),
    (replace(good(passed=3), failed=("it fires\nmissing",)), Refusal.RULE_TESTS_FAIL),
]


@pytest.mark.parametrize(("found", "reason"), CHECKS, ids=[row[1].value for row in CHECKS])
def test_what_is_not_in_order_goes_no_further_than_a_draft(found: Checkup | None, reason: Refusal) -> None:
    trial = Trial()
    number = trial.draft()
    if found is not None:
        trial.do(check(trial.book, number, found, trial.act()))
    assert state(trial, number) is State.DRAFT
    assert why(backtest(trial.book, number, trial.report(number), trial.act(), POLICY)) is Refusal.NOT_CHECKED
    assert why(shadow(trial.book, number, trial.act())) is Refusal.NOT_CHECKED
    told = publish(trial.book, number, trial.act(), POLICY)
    assert isinstance(told, Refused)
    assert told.missing == (reason, Refusal.NO_BACKTEST, Refusal.NOT_APPROVED)
    assert why(approve(trial.book, number, trial.act(BEN), POLICY)) is reason


def test_a_backtest_must_be_of_these_rules_and_recent() -> None:
    trial = Trial()
    number = trial.draft()
    trial.do(check(trial.book, number, good(), trial.act()))
    right = trial.report(number)
    cases = [
        (replace(right, rules_digest="0" * 32), Refusal.BACKTEST_OF_OTHER_RULES),
        (replace(right, rules_digest=f"part of {right.rules_digest}"), Refusal.BACKTEST_OF_A_PART),
        (replace(right, since=right.until), Refusal.BACKTEST_UNREADABLE),
        (replace(right, judged=0), Refusal.BACKTEST_OF_NOTHING),
        (replace(right, judged=None), Refusal.BACKTEST_OF_EARLIER_RELEASE),
        (replace(right, covered=None), Refusal.BACKTEST_OF_EARLIER_RELEASE),
        (replace(right, covered=timedelta(days=6)), Refusal.BACKTEST_TOO_SHORT),
        (replace(right, made_at=NOW - timedelta(days=31)), Refusal.BACKTEST_TOO_OLD),
    ]
    for told, reason in cases:
        assert why(backtest(trial.book, number, told, trial.act(), POLICY)) is reason
    by_part = replace(right, rules_digest=trial.book.standings[number].parts[0])
    assert isinstance(trial.do(backtest(trial.book, number, by_part, trial.act(), POLICY)), Moved)
    trial.later(days=31)
    assert why(approve(trial.book, number, trial.act(BEN), POLICY)) is Refusal.BACKTEST_TOO_OLD


def test_a_version_backtested_by_an_earlier_release_is_told_to_be_so() -> None:
    """As that release kept it: nothing of what was judged, and no word on whose it is."""
    trial = Trial()
    number = trial.draft()
    trial.do(check(trial.book, number, good(), trial.act()))
    trial.do(backtest(trial.book, number, trial.report(number), trial.act(), POLICY))
    kept = msgspec.json.decode(msgspec.json.encode(trial.book.standings[number].backtest))
    for later in ("judged", "covered", "seal", "vouched"):
        del kept[later]
    told = msgspec.convert(kept, Backtested)
    assert (told.judged, told.covered, told.vouched) == (None, None, None)
    trial.book.standings[number] = replace(trial.book.standings[number], backtest=told)
    refused = approve(trial.book, number, trial.act(BEN), POLICY)
    assert isinstance(refused, Refused) and refused.reason is Refusal.BACKTEST_OF_EARLIER_RELEASE
    assert "made by an earlier release; make it again" in refused.words


def test_the_days_of_a_backtest_are_kept_as_they_were_asked() -> None:
    """The first of June in London begins on the last of May in UTC."""
    trial = Trial()
    number = trial.draft()
    trial.do(check(trial.book, number, good(), trial.act()))
    june, july = (datetime(2025, month, day, 23, tzinfo=UTC) for month, day in ((5, 31), (6, 30)))
    trial.do(backtest(trial.book, number, replace(trial.report(number), since=june, until=july), trial.act(), POLICY))
    assert trial.book.standings[number].steps[-1].reason == "12 firings from 2025-06-01 to 2025-07-01"


def test_a_new_forecast_must_be_looked_at_again() -> None:
    trial = Trial()
    number = trial.draft()
    trial.approved(number)
    trial.later(hours=1)
    again = replace(trial.report(number), firings=400)
    trial.do(backtest(trial.book, number, again, trial.act(), POLICY))
    assert state(trial, number) is State.BACKTESTED
    assert why(publish(trial.book, number, trial.act(), POLICY)) is Refusal.NOT_APPROVED


def test_what_was_made_on_another_live_version_is_made_again() -> None:
    trial = Trial()
    trial.live(1)
    left, right = trial.draft(2), trial.draft(3)
    trial.approved(left)
    trial.approved(right)
    trial.do(publish(trial.book, left, trial.act(), POLICY))
    assert why(publish(trial.book, right, trial.act(), POLICY)) is Refusal.NOT_ON_LIVE
    trial.do(roll_back(trial.book, left, trial.act()))  # now what it was made on is live again
    assert isinstance(publish(trial.book, right, trial.act(), POLICY), Moved)


AGAIN: list[tuple[str, Callable[[Trial, int], Outcome]]] = [
    ("submit", lambda t, n: submit(t.book, contents(2), t.act(ANNA, "a note"))),
    ("check", lambda t, n: check(t.book, n, replace(good(), at=t.now), t.act())),
    ("backtest", lambda t, n: backtest(t.book, n, t.report(n), t.act(), POLICY)),
    ("shadow", lambda t, n: shadow(t.book, n, t.act())),
    ("approve", lambda t, n: approve(t.book, n, t.act(BEN), POLICY)),
    ("publish", lambda t, n: publish(t.book, n, t.act(), POLICY)),
    ("kill", lambda t, n: kill(t.book, "TRIAL_ONE", t.act(), POLICY)),
    ("confirm", lambda t, n: confirm_kill(t.book, "TRIAL_ONE", t.act(BEN), POLICY)),
    ("roll back", lambda t, n: roll_back(t.book, n, t.act())),
]


def test_the_same_asked_for_twice_is_done_once() -> None:
    trial = Trial()
    trial.live(1)
    for name, ask in AGAIN:
        number = 2
        first = trial.do(ask(trial, number))
        assert isinstance(first, Moved), name
        assert first.change is not None, name
        before = trial.book
        again = trial.do(ask(trial, number))
        assert isinstance(again, Moved), name
        assert again.change is None, name
        assert trial.book == before, name


def test_rolling_back_goes_one_step_at_a_time() -> None:
    trial = Trial()
    one, two, three = trial.live(1), trial.live(2), trial.live(3)
    assert why(roll_back(trial.book, two, trial.act())) is Refusal.IS_NOT_LIVE
    trial.do(roll_back(trial.book, three, trial.act(BEN, "too many")))
    assert trial.book.head.live == two
    assert state(trial, three) is State.RETIRED
    assert why(publish(trial.book, three, trial.act(), POLICY)) is Refusal.IS_RETIRED
    trial.do(roll_back(trial.book, two, trial.act(BEN, "still too many")))
    assert trial.book.head.live == one
    assert why(roll_back(trial.book, one, trial.act())) is Refusal.NOTHING_BEFORE
    assert [step.did for step in trial.book.standings[one].steps][-2:] == [Did.REPLACED, Did.RESTORED]


def test_a_rule_that_is_switched_off_comes_back_unless_a_second_person_confirms() -> None:
    trial = Trial()
    trial.live(1)
    assert why(kill(trial.book, "NO_SUCH", trial.act(), POLICY)) is Refusal.NO_SUCH_RULE
    assert why(kill(trial.book, "TRIAL_ONE", trial.act(reason=" "), POLICY)) is Refusal.BAD_WORDS
    trial.do(kill(trial.book, "TRIAL_ONE", trial.act(ANNA, "it floods"), POLICY))
    head = trial.book.head
    assert head.killed(NOW) == {"TRIAL_ONE"}
    assert head.killed(NOW + POLICY.kill_for - timedelta(microseconds=1)) == {"TRIAL_ONE"}
    assert head.killed(NOW + POLICY.kill_for) == frozenset()
    assert why(confirm_kill(trial.book, "TRIAL_ONE", trial.act(Person("key:anna", "x")), POLICY)) is Refusal.SAME_PERSON
    trial.do(confirm_kill(trial.book, "TRIAL_ONE", trial.act(BEN), POLICY))
    assert trial.book.head.killed(NOW + timedelta(days=29)) == {"TRIAL_ONE"}
    assert trial.book.head.killed(NOW + timedelta(days=30)) == frozenset()  # no silence outlives its end
    trial.do(revive(trial.book, "TRIAL_ONE", trial.act()))
    assert trial.book.head.kills == ()
    assert why(revive(trial.book, "TRIAL_ONE", trial.act())) is Refusal.NOT_KILLED


def test_one_shadow_at_a_time() -> None:
    trial = Trial()
    trial.live(1)
    left, right = trial.draft(2), trial.draft(3)
    trial.tested(left)
    trial.tested(right)
    trial.do(shadow(trial.book, left, trial.act()))
    trial.do(shadow(trial.book, right, trial.act()))
    assert (state(trial, left), state(trial, right)) == (State.BACKTESTED, State.SHADOW)
    trial.do(end_shadow(trial.book, trial.act()))
    assert (state(trial, right), trial.book.head.shadow) == (State.BACKTESTED, None)
    assert why(end_shadow(trial.book, trial.act())) is Refusal.NOT_IN_SHADOW
    trial.do(shadow(trial.book, right, trial.act()))
    trial.do(withdraw(trial.book, right, trial.act()))
    assert (state(trial, right), trial.book.head.shadow) == (State.RETIRED, None)


NOTES = ["", "  ", "two\nlines", "bell \x07", "x" * 501, "esc \x1b[31m"]


@pytest.mark.parametrize("note", NOTES, ids=["none", "blank", "lines", "control", "long", "escape"])
def test_words_that_a_terminal_or_a_log_might_obey_are_refused(note: str) -> None:
    trial = Trial()
    assert why(submit(trial.book, contents(), trial.act(ANNA, note))) is Refusal.BAD_WORDS
    trial.live()
    for ask in (
        kill(trial.book, "TRIAL_ONE", trial.act(ANNA, note), POLICY),
        roll_back(trial.book, 1, trial.act(ANNA, note)),
    ):
        assert why(ask) is Refusal.BAD_WORDS


def test_what_is_live_already_is_nothing_new() -> None:
    trial = Trial()
    trial.live(1)
    assert why(submit(trial.book, contents(1), trial.act())) is Refusal.NOTHING_NEW


def test_a_version_that_is_none_is_told() -> None:
    trial = Trial()
    asks = [
        check(trial.book, 9, good(), trial.act()),
        shadow(trial.book, 9, trial.act()),
        approve(trial.book, 9, trial.act(), POLICY),
        publish(trial.book, 9, trial.act(), POLICY),
        withdraw(trial.book, 9, trial.act()),
        roll_back(trial.book, 9, trial.act()),
    ]
    assert {why(each) for each in asks} == {Refusal.NO_SUCH_VERSION}


def test_every_refusal_has_its_words() -> None:
    assert set(REFUSALS) == set(Refusal)
    refused = Refused(Refusal.NO_BACKTEST, (Refusal.NO_BACKTEST, Refusal.NOT_APPROVED))
    assert refused.words == "it has not been backtested yet; and no second person has approved it yet"


def test_nothing_is_missing_from_what_may_go_live() -> None:
    trial = Trial()
    number = trial.draft()
    trial.approved(number)
    assert missing(trial.book, trial.book.standings[number], trial.now, POLICY) == ()


def test_what_a_clock_far_ahead_switched_off_is_not_off_for_years() -> None:
    wrong = NOW + timedelta(days=3650)
    head = Head(1, kills=(Kill("ED_ASSAULT", "user:anna", wrong, "it floods", wrong + timedelta(hours=24)),))
    assert head.killed(NOW) == frozenset()
    assert head.killed(wrong - timedelta(hours=1)) == {"ED_ASSAULT"}  # one that is somewhat ahead says what it means
