"""A rule book to play with: small versions, people, and the way from a draft to live in one call."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from triggers.lifecycle import approve, backtest, check, publish, submit
from triggers.lifecycle_values import (
    Act,
    Backtested,
    Book,
    Checkup,
    Contents,
    LifecyclePolicy,
    Moved,
    Outcome,
    Person,
    RuleText,
    RuleVersion,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = LifecyclePolicy()
ANNA, BEN, CLEO = Person("user:anna", "local"), Person("key:ben", "supervisor"), Person("S1", "supervisor")
REFERENCE = "reference: trial\nversion: 1\nowner: analysts\nlists:\n  sharp_things: [sharp]\n"
RULE = """rule_set: {name}
version: 1
owner: somebody
rules:
  - id: {rule}
    version: {version}
    owner: somebody
    why: {why}
    sources: [a page]
    when: {{event: {{kinds: [ed.*], where: {{intent: assault}}}}}}
    then: {{priority: P2, headline: Something happened, message_key: trial.one}}
"""
TEST = """name: it fires
start: 2026-03-02T09:00:00Z
cohort: [{member_id: M1, status: at_risk, date_of_birth: 2009-05-04}]
timeline: [{at: 0h, kind: ed.arrival, member: M1, attributes: {intent: assault, visit_key: V1}}]
expect: [{at: 0h, member: M1, rule: TRIAL_ONE}]
"""


def text(version: int = 1, *, why: str = "To see it work.", rule: str = "TRIAL_ONE", name: str = "trial") -> str:
    return RULE.format(version=version, why=why, rule=rule, name=name)


def contents(version: int = 1, *, why: str = "To see it work.", tests: str = TEST) -> Contents:
    return Contents(
        (RuleText("trial", text(version, why=why)),), REFERENCE, (RuleText("trial.yaml", tests),) if tests else ()
    )


def forecast(
    rules_digest: str, now: datetime = NOW, *, days: int = 365, firings: int = 12, **figures: int
) -> Backtested:
    """A backtest of a time that was full of history to its end."""
    span = timedelta(days=days)
    return Backtested(rules_digest, now - span, now, firings, figures, judged=1_000, covered=span, vouched=True)


def good(*rules: str, passed: int = 1) -> Checkup:
    return Checkup(NOW, (), rules or ("TRIAL_ONE",), 1, passed)


@dataclass
class Trial:
    """A book that keeps what its transitions say, and the versions that it was given."""

    book: Book = field(default_factory=Book)
    now: datetime = NOW
    versions: dict[int, RuleVersion] = field(default_factory=dict)

    def act(self, by: Person = ANNA, reason: str = "because") -> Act:
        return Act(by, self.now, reason)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def do(self, outcome: Outcome) -> Outcome:
        """Keep what a transition says, as a store would."""
        if isinstance(outcome, Moved) and outcome.change is not None:
            change = outcome.change
            assert change.before == self.book.head.revision
            if change.version is not None:
                assert change.version.number not in self.versions
                self.versions[change.version.number] = change.version
            moved = {standing.number: standing for standing in change.standings}
            self.book = Book(change.head, {**self.book.standings, **moved})
        return outcome

    def draft(self, version: int = 1, by: Person = ANNA, *, author: str = "", why: str = "To see it work.") -> int:
        done = self.do(submit(self.book, contents(version, why=why), self.act(by, "a note"), author=author))
        assert isinstance(done, Moved), done
        assert done.standing is not None
        return done.standing.number

    def report(self, number: int) -> Backtested:
        standing = self.book.standings[number]
        return forecast(standing.digest, self.now)

    def tested(self, number: int) -> None:
        self.do(check(self.book, number, replace(good(), at=self.now), self.act()))
        self.do(backtest(self.book, number, self.report(number), self.act(), POLICY))

    def approved(self, number: int, by: Person = BEN) -> None:
        self.tested(number)
        done = self.do(approve(self.book, number, self.act(by, ""), POLICY))
        assert isinstance(done, Moved), done

    def live(self, version: int = 1) -> int:
        """A new version, all the way."""
        number = self.draft(version)
        self.approved(number)
        done = self.do(publish(self.book, number, self.act(), POLICY))
        assert isinstance(done, Moved), done
        return number
