"""The life of rules under anything that four people may ask, in any order, at any time: what must hold always holds."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.trials import trials
from tests.unit.triggers.book import POLICY, Trial, contents, forecast, good
from triggers.lifecycle import approve, backtest, check, end_shadow, missing, publish, shadow, submit, withdraw
from triggers.lifecycle_emergency import confirm_kill, kill, revive, roll_back
from triggers.lifecycle_values import Act, Checkup, Did, Outcome, Person, Refused, State

PEOPLE = st.sampled_from([Person(f"user:{name}", "local") for name in ("anna", "ben", "cleo", "dan")])
BACK = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5])
SPANS = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=25), timedelta(days=31)])
FOUND = st.sampled_from(["good", "faults", "failing", "no tests"])


class Lives(RuleBasedStateMachine):
    """A book, and what was ever true of its versions."""

    def __init__(self) -> None:
        super().__init__()
        self.trial = Trial()
        self.texts: dict[int, object] = {}

    @initialize(versions=st.integers(0, 3))
    def a_book_with_a_past(self, versions: int) -> None:
        """None, or some versions that went live one after the other."""
        for version in range(11, 11 + versions):
            self.trial.live(version)

    def _do(self, outcome: Outcome) -> Outcome:
        before = self.trial.book
        self.trial.do(outcome)
        if isinstance(outcome, Refused):
            assert self.trial.book == before
        return outcome

    def _near(self, back: int) -> int:
        """The version so many before the last; one that is not there, now and then."""
        return max(self.trial.book.head.last - back, 1) if back < 5 else 99

    def _act(self, by: Person, reason: str = "because") -> Act:
        return Act(by, self.trial.now, reason)

    @rule(by=PEOPLE, text=st.integers(1, 4), author=st.sampled_from(["", "user:anna", "cleo"]))
    def somebody_submits(self, by: Person, text: int, author: str) -> None:
        self._do(submit(self.trial.book, contents(text), self._act(by), author=author))

    @rule(by=PEOPLE, back=BACK, found=FOUND)
    def somebody_checks(self, by: Person, back: int, found: str) -> None:
        number = self._near(back)
        told = {
            "good": good(),
            "faults": Checkup(self.trial.now, ("no",)),
            "failing": replace(good(), failed=("no",)),
            "no tests": good(passed=0),
        }[found]
        self._do(check(self.trial.book, number, replace(told, at=self.trial.now), self._act(by)))

    @rule(by=PEOPLE, back=BACK, right=st.booleans(), firings=st.integers(0, 2))
    def somebody_brings_a_backtest(self, by: Person, back: int, right: bool, firings: int) -> None:
        number = self._near(back)
        standing = self.trial.book.standing(number)
        digest = standing.digest if standing and right else "0" * 32
        told = forecast(digest, self.trial.now, days=9, firings=firings)
        self._do(backtest(self.trial.book, number, told, self._act(by), POLICY))

    @rule(by=PEOPLE, other=PEOPLE, text=st.integers(1, 4))
    def two_people_bring_one_far(self, by: Person, other: Person, text: int) -> None:
        """A short cut, so that chance gets past the draft often enough."""
        self.somebody_submits(by, text, "")
        self.somebody_checks(by, 0, "good")
        self.somebody_brings_a_backtest(by, 0, right=True, firings=1)
        self.somebody_approves(other, 0)

    @rule(by=PEOPLE)
    def somebody_publishes_the_last(self, by: Person) -> None:
        self.somebody_publishes(by, 0)

    @rule(by=PEOPLE, back=BACK)
    def somebody_runs_it_in_shadow(self, by: Person, back: int) -> None:
        number = self._near(back)
        self._do(shadow(self.trial.book, number, self._act(by)))

    @rule(by=PEOPLE)
    def somebody_ends_the_shadow(self, by: Person) -> None:
        self._do(end_shadow(self.trial.book, self._act(by)))

    @rule(by=PEOPLE, back=BACK)
    def somebody_approves(self, by: Person, back: int) -> None:
        number = self._near(back)
        self._do(approve(self.trial.book, number, self._act(by), POLICY))

    @rule(by=PEOPLE, back=BACK)
    def somebody_publishes(self, by: Person, back: int) -> None:
        number = self._near(back)
        lacks = (
            missing(self.trial.book, self.trial.book.standings[number], self.trial.now, POLICY)
            if number in self.trial.book.standings
            else ("no version",)
        )
        was_live = self.trial.book.head.live == number
        done = self._do(publish(self.trial.book, number, self._act(by), POLICY))
        assert isinstance(done, Refused) or was_live or not lacks

    @rule(by=PEOPLE, back=BACK)
    def somebody_withdraws(self, by: Person, back: int) -> None:
        number = self._near(back)
        self._do(withdraw(self.trial.book, number, self._act(by)))

    @rule(by=PEOPLE, back=BACK)
    def somebody_rolls_back(self, by: Person, back: int) -> None:
        number = self._near(back)
        self._do(roll_back(self.trial.book, number, self._act(by)))

    @rule(by=PEOPLE, name=st.sampled_from(["TRIAL_ONE", "TRIAL_ONE", "NOT_THERE"]))
    def somebody_switches_off(self, by: Person, name: str) -> None:
        self._do(kill(self.trial.book, name, self._act(by), POLICY))

    @rule(by=PEOPLE)
    def somebody_confirms(self, by: Person) -> None:
        self._do(confirm_kill(self.trial.book, "TRIAL_ONE", self._act(by), POLICY))

    @rule(by=PEOPLE)
    def somebody_switches_on(self, by: Person) -> None:
        self._do(revive(self.trial.book, "TRIAL_ONE", self._act(by)))

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.trial.now += span

    @invariant()
    def one_version_is_live_and_the_head_says_which(self) -> None:
        live = [each.number for each in self.trial.book.standings.values() if each.state is State.LIVE]
        assert live == ([self.trial.book.head.live] if self.trial.book.head.live else [])

    @invariant()
    def whatever_was_ever_live_was_approved_by_a_second_person_and_is_kept(self) -> None:
        for standing in self.trial.book.standings.values():
            if standing.live_since is None:
                continue
            assert standing.number in self.trial.versions
            (approval,) = [step for step in standing.steps if step.did is Did.APPROVED][-1:]
            assert approval.by not in {standing.author, standing.submitted_by, f"user:{standing.author}"}
            assert standing.check is not None
            assert standing.check.passed
            assert not standing.check.failed
            assert standing.backtest is not None
            assert standing.backtest.rules_digest == standing.digest

    @invariant()
    def texts_never_change_and_numbers_are_given_once(self) -> None:
        for number, version in self.trial.versions.items():
            assert self.texts.setdefault(number, version) == version
            assert version.digest == version.contents.digest == self.trial.book.standings[number].digest
        assert sorted(self.trial.versions) == list(range(1, self.trial.book.head.last + 1))

    @invariant()
    def the_shadow_is_no_draft_and_not_live(self) -> None:
        running = self.trial.book.standing(self.trial.book.head.shadow)
        assert running is None or running.state in {State.SHADOW, State.APPROVED}
        shadows = [each for each in self.trial.book.standings.values() if each.state is State.SHADOW]
        assert len(shadows) <= 1
        assert all(each.number == self.trial.book.head.shadow for each in shadows)

    @invariant()
    def no_silence_outlives_its_end_and_one_person_alone_keeps_none_for_long(self) -> None:
        for each in self.trial.book.head.kills:
            held = timedelta(days=30) + timedelta(hours=24) if each.confirmed_by else POLICY.kill_for
            assert each.until - each.at <= held
            assert each.confirmed_by != each.by

    @invariant()
    def every_step_is_written_down_once(self) -> None:
        for standing in self.trial.book.standings.values():
            assert standing.revision == len(standing.steps)
            assert [step.at for step in standing.steps] == sorted(step.at for step in standing.steps)


Lives.TestCase.settings = settings(max_examples=trials(1_000), stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
