"""The rule book as values: versions that never change, where each of them stands, and what is in force now.

A version is the whole of what decides: every rule set, the reference lists and the rule tests that came with it, as
written. It is numbered once; only its standing moves on. Nothing here knows a store, a clock or a reader.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import digest


class State(StrEnum):
    """Where a version stands (issue 5): each state is reached from the one before; `shadow` may be left out."""

    DRAFT = "draft"
    CHECKED = "checked"
    BACKTESTED = "backtested"
    SHADOW = "shadow"
    APPROVED = "approved"
    LIVE = "live"
    RETIRED = "retired"


class Did(StrEnum):
    """What somebody did in the rule book; each is kept in the version's steps and in the audit log."""

    SUBMITTED = "submitted"
    CHECKED = "checked"
    BACKTESTED = "backtested"
    SHADOWED = "shadowed"
    SHADOW_ENDED = "shadow_ended"
    APPROVED = "approved"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"  # a version that will not go live
    REPLACED = "replaced"  # another one was published
    ROLLED_BACK = "rolled_back"  # it was live and was taken back
    RESTORED = "restored"  # it is live again, because the one after it was rolled back
    KILLED = "killed"
    KILL_CONFIRMED = "kill_confirmed"
    REVIVED = "revived"


class Refusal(StrEnum):
    """Why the rule book does not do it. A closed list: the command line, the API and the metric share it."""

    NO_SUCH_VERSION = "no_such_version"
    BAD_WORDS = "bad_words"
    NOTHING_NEW = "nothing_new"
    NOT_CHECKED = "not_checked"
    HAS_FAULTS = "has_faults"
    NO_RULE_TESTS = "no_rule_tests"
    RULE_TESTS_FAIL = "rule_tests_fail"
    NO_BACKTEST = "no_backtest"
    BACKTEST_OF_OTHER_RULES = "backtest_of_other_rules"
    BACKTEST_OF_A_PART = "backtest_of_a_part"
    BACKTEST_UNREADABLE = "backtest_unreadable"
    BACKTEST_TOO_OLD = "backtest_too_old"
    BACKTEST_OF_EARLIER_RELEASE = "backtest_of_earlier_release"
    BACKTEST_OF_NOTHING = "backtest_of_nothing"
    BACKTEST_TOO_SHORT = "backtest_too_short"
    NOT_ON_LIVE = "not_on_live"
    SAME_PERSON = "same_person"
    WHO_SWITCHED_OFF = "who_switched_off"
    NOT_APPROVED = "not_approved"
    NOT_IN_SHADOW = "not_in_shadow"
    IS_LIVE = "is_live"
    IS_NOT_LIVE = "is_not_live"
    IS_RETIRED = "is_retired"
    NOTHING_BEFORE = "nothing_before"
    NO_SUCH_RULE = "no_such_rule"
    NOT_KILLED = "not_killed"
    PINNED = "pinned"


REFUSALS: dict[Refusal, str] = {
    Refusal.NO_SUCH_VERSION: "there is no version of that number",
    Refusal.BAD_WORDS: "say why in one line of at most 500 characters",
    Refusal.NOTHING_NEW: "it says exactly what the live version says",
    Refusal.NOT_CHECKED: "it has not been checked yet",
    Refusal.HAS_FAULTS: "it has faults; mend the file and submit it again",
    Refusal.NO_RULE_TESTS: "it has no rule tests; submit it with --tests",
    Refusal.RULE_TESTS_FAIL: "its rule tests do not pass",
    Refusal.NO_BACKTEST: "it has not been backtested yet",
    Refusal.BACKTEST_OF_OTHER_RULES: "the backtest was made of other rules than these",
    Refusal.BACKTEST_OF_A_PART: "the backtest judged some of the rules alone (--only), and so says nothing of the "
    "others and of the alerts that all make together; make it again without --only",
    Refusal.BACKTEST_UNREADABLE: "this is not the result of a backtest",
    Refusal.BACKTEST_TOO_OLD: "the backtest is too old; make it again",
    Refusal.BACKTEST_OF_EARLIER_RELEASE: "the backtest does not say how much history it judged, as it was made by an "
    "earlier release; make it again",
    Refusal.BACKTEST_OF_NOTHING: "the backtest tells of no decision that it judged, and so is no forecast; make it "
    "again over a time for which there is history (--since and --until, or --history with a file)",
    Refusal.BACKTEST_TOO_SHORT: "the history in the backtest's time covers less than 7 days, and a forecast is told by "
    "the week; make it again over a longer time",
    Refusal.NOT_ON_LIVE: "another version has gone live since it was submitted; submit it again on top of that one",
    Refusal.SAME_PERSON: "another person than its author and than whoever submitted it must do that",
    Refusal.WHO_SWITCHED_OFF: "it was switched off without a key, so nobody can tell whether you are another person; "
    "switch it on, and let somebody switch it off with a key",
    Refusal.NOT_APPROVED: "no second person has approved it yet",
    Refusal.NOT_IN_SHADOW: "it does not run in shadow",
    Refusal.IS_LIVE: "it is live",
    Refusal.IS_NOT_LIVE: "it is not live",
    Refusal.IS_RETIRED: "it is retired; submit its text again as a new version",
    Refusal.NOTHING_BEFORE: "there is no version before it to go back to",
    Refusal.NO_SUCH_RULE: "the live version has no rule of that name",
    Refusal.NOT_KILLED: "that rule is not switched off",
    Refusal.PINNED: "the rules are pinned to a file by the setting rules.file; the rule book decides nothing here",
}
"""What each refusal means, for a supervisor."""

NOT_VOUCHED = "not made by this service, or changed since"
"""Of a backtest's result whose seal is not ours: it is taken, and everybody who looks at the version reads this."""

MADE_EARLIER = "made by an earlier release, which put no seal on it"
"""Of a result that the rule book took before there were seals: nobody can tell whether it is ours."""

MOST_WORDS = 500
"""Longest note or reason, in characters."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: as records name them (`user:anna`, `key:duty desk`, a navigator's id), and as what."""

    who: str
    role: str

    def is_same_as(self, name: str) -> bool:
        """Whether that name may be the same human. By the bare name, so that a key of one's own is no second person."""
        return bare_name(self.who) == bare_name(name)


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to the rule book, when, and why (in words that are kept)."""

    by: Person
    at: datetime
    reason: str = ""


def bare_name(who: str) -> str:
    """The name without how it was proved: `user:anna`, `key:Anna` and `anna` may be one and the same."""
    return who.rpartition(":")[2].strip().casefold()


@dataclass(frozen=True, slots=True)
class RuleText:
    """A file as written."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a version says. `reference` is the text of the lists that the rules name."""

    rules: tuple[RuleText, ...]
    reference: str = field(repr=False)
    tests: tuple[RuleText, ...] = ()

    @property
    def digest(self) -> str:
        """The identity of what decides (rules and lists, not the tests): 32 hex digits."""
        return digest("rule book", *(each.text for each in self.rules), self.reference)

    @property
    def tests_digest(self) -> str:
        """The identity of the rule tests."""
        return digest("rule tests", *(each.text for each in self.tests))

    @property
    def names(self) -> frozenset[str]:
        """The names of its rule files."""
        return frozenset(each.name for each in self.rules)

    def shared_with(self, other: "Contents") -> frozenset[str]:
        """The names of the rule files that stand in the other word for word."""
        known = {each.name: each.text for each in other.rules}
        return frozenset(each.name for each in self.rules if known.get(each.name) == each.text)


def text_digest(text: str) -> str:
    """The identity of one rule file as written: what a backtest of that file names."""
    return digest("rule file", text)


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version with all its texts. Immutable: whoever wants another text makes another version."""

    number: int
    contents: Contents
    digest: str
    author: str  # who wrote it
    submitted_by: str  # who brought it, as the door knows them
    note: str
    made_at: datetime
    based_on: int | None  # the version that was live when it was submitted


@dataclass(frozen=True, slots=True)
class Checkup:
    """What checking a version found: `faults` in a supervisor's words, its rules, how its rule tests went, and
    `remarks`, which keep it from nothing."""

    at: datetime
    faults: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    reference_version: int = 0
    passed: int = 0
    failed: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtested:
    """The result of a backtest: of which rules, over which time, with how many firings; `figures` as it told them.

    `judged` decisions of history lie in its time, and history covers so much of that time. `vouched`: its `seal` shows
    that a command of this service made it, and nobody changed it since. An earlier release said none of these: None.
    """

    rules_digest: str
    since: datetime
    until: datetime
    firings: int
    figures: dict[str, int] = field(default_factory=dict)
    made_at: datetime | None = None
    judged: int | None = None
    covered: timedelta | None = None
    seal: str = ""
    vouched: bool | None = None


PART_OF = "part of "
"""How the digest begins by which a backtest of some rules alone names the rules that these are a part of. No version
has such a digest, and the seal holds it."""


def covered_by(window: tuple[datetime, datetime], first: datetime | None, last: datetime | None) -> timedelta:
    """How much of a time lies between the first and the last of history; nothing where there is none."""
    if first is None or last is None:
        return timedelta(0)
    return max(min(window[1], last) - max(window[0], first), timedelta(0))


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a version."""

    did: Did
    at: datetime
    by: str
    role: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands and how it came there. `revision` counts changes; commands are given back to it.

    `parts` are the digests of its rule files (a backtest names one, or the whole). `replaced` is the version that was
    live before it: what a roll back goes back to.
    """

    number: int
    state: State
    revision: int
    digest: str
    parts: tuple[str, ...]
    author: str
    submitted_by: str
    note: str
    made_at: datetime
    based_on: int | None
    steps: tuple[Step, ...] = ()
    check: Checkup | None = None
    backtest: Backtested | None = None
    approved_by: str = ""
    live_since: datetime | None = None
    live_until: datetime | None = None
    replaced: int | None = None
    tests: str = ""  # the digest of its rule tests


@dataclass(frozen=True, slots=True)
class Kill:
    """One rule switched off at once. It ends at `until`, sooner unless a second person confirms it."""

    rule: str
    by: str
    at: datetime
    reason: str
    until: datetime
    confirmed_by: str = ""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The last time a version was taken back: kept in the head so that everybody hears of it."""

    number: int
    to: int
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Head:
    """What is in force: small, and all that a follower reads. `revision` counts every change of the book."""

    revision: int = 0
    last: int = 0  # the highest number given
    live: int | None = None
    live_since: datetime | None = None
    shadow: int | None = None
    shadow_since: datetime | None = None
    kills: tuple[Kill, ...] = ()
    rolled_back: RolledBack | None = None

    def killed(self, now: datetime) -> frozenset[str]:
        """The rules that are switched off at this moment.

        One that was switched off by a clock far ahead is not off until that day comes: twice its span at most.
        """
        return frozenset(kill.rule for kill in self.kills if now < kill.until and kill.at - now <= kill.until - kill.at)


@dataclass(frozen=True, slots=True)
class Book:
    """The head and every standing: what a transition is worked out from."""

    head: Head = Head()
    standings: dict[int, Standing] = field(default_factory=dict)

    def standing(self, number: int | None) -> Standing | None:
        """Where a version stands; None if there is none of that number."""
        return None if number is None else self.standings.get(number)

    @property
    def live(self) -> Standing | None:
        """The live version."""
        return self.standing(self.head.live)


@dataclass(frozen=True, slots=True)
class BookEntry:
    """What the audit log is told of a change: `about` is `rules:7` or `rule:ED_ASSAULT`."""

    at: datetime
    who: str
    role: str
    what: Did
    about: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the book, written as a whole or not at all: only if the head is still at `before`."""

    before: int
    head: Head
    standings: tuple[Standing, ...] = ()
    version: RuleVersion | None = None
    audit: tuple[BookEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """The transition is right. `change` is None where it stood so already: the same asked for twice is done once."""

    head: Head
    standing: Standing | None
    change: Change | None


@dataclass(frozen=True, slots=True)
class Refused:
    """The transition is not permitted: why, and all else that is missing on the way to live."""

    reason: Refusal
    missing: tuple[Refusal, ...] = ()
    detail: str = ""

    @property
    def words(self) -> str:
        """Why, in one sentence."""
        others = [REFUSALS[each] for each in self.missing if each is not self.reason]
        rest = f"; and {'; '.join(others)}" if others else ""
        return f"{REFUSALS[self.reason]}{f' ({self.detail})' if self.detail else ''}{rest}"


Outcome = Moved | Refused


@dataclass(frozen=True, slots=True)
class LifecyclePolicy:
    """How long things hold. Proposed here: a backtest 30 days, a kill one day, a confirmed one 30 days.

    A forecast is told by the week, so a backtest needs `backtest_over` of history at least.
    """

    backtest_for: timedelta = timedelta(days=30)
    backtest_over: timedelta = timedelta(days=7)
    kill_for: timedelta = timedelta(hours=24)
    confirmed_kill_for: timedelta = timedelta(days=30)
