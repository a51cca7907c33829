"""What a rule looks for, as values: an event, a count in a window, a sequence, or any of these.

Shapes only; the finders of `planning.py` find them in a history: a new kind of pattern is a new shape here and a new
finder there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.kinds import Feed, Kind
from domain.matches import Relation
from triggers.conditions import ALWAYS, Check, Condition, facts_asked, written_out
from triggers.facts import LINK_LEARNT, ROLE
from triggers.moments import Moment
from triggers.months import Span


class Subject(StrEnum):
    """Whom the event must be about, seen from the watched person."""

    SELF = "self"
    HOUSEHOLD = "household"  # the person or anybody of their household
    LINKED = "linked"  # household members and associates, not the person
    HOUSEMATES = "housemates"  # others of the household, not the person and not associates who live elsewhere


RELATIONS: dict[Subject, frozenset[Relation]] = {
    Subject.SELF: frozenset({Relation.SELF}),
    Subject.HOUSEHOLD: frozenset({Relation.SELF, Relation.HOUSEHOLD}),
    Subject.LINKED: frozenset({Relation.HOUSEHOLD, Relation.ASSOCIATE}),
    Subject.HOUSEMATES: frozenset({Relation.HOUSEHOLD}),
}

ABOUT_OTHERS = frozenset({Subject.LINKED, Subject.HOUSEMATES})
"""Subjects that are never the watched person; each of the others counts by themselves."""


@dataclass(frozen=True, slots=True)
class EventPattern:
    """One event about `subject`. `where` must hold as known at the event; `still` with all corrections known since.

    `suspect_side` marks what is read as the person's own offending: the under-ten guard covers it.
    """

    kinds: frozenset[Kind]
    where: Condition
    still: Condition
    holds: Callable[[Moment], bool]
    still_holds: Callable[[Moment], bool]
    subject: Subject = Subject.SELF
    suspect_side: bool = False
    families: tuple[str, ...] = ()  # first words of its kinds, in order
    every: bool = False  # each time it happened within one occurrence, not only when it was news (for the past)
    asks_role: bool = False  # it says itself which roles it reads; the others do not read bystanders
    asks_link: bool = False  # what happened before the link was learnt counts only for those that ask when that was


@dataclass(frozen=True, slots=True)
class Merging:
    """When two occurrences of a count are one: same source key, told by two feeds close together, or overlapping."""

    same_source_key: bool = False
    overlapping_episodes: bool = False
    presumed_length: timedelta = timedelta(hours=24)  # of an episode whose end is not known
    two_feeds_within: timedelta | None = None
    two_feeds_km: float | None = None
    two_feeds_where: Check | None = None
    two_feeds_when: Condition | None = None  # what `two_feeds_where` was made of


class Distinct(StrEnum):
    """What makes two hits of a count different."""

    OCCURRENCE = "occurrence"
    ORIGIN_UNIT = "origin_unit"
    FEED = "feed"
    SITE = "site"
    OFFENCE_GROUP = "offence_group"


VARIED = frozenset({Distinct.FEED, Distinct.SITE, Distinct.OFFENCE_GROUP})
"""What is told apart by values of which one hit may have several; `varied.py` counts these."""


@dataclass(frozen=True, slots=True)
class CountPattern:
    """At least `at_least` different hits of `of` within a sliding window, told by at least `min_feeds` feeds.

    `same` names a fact whose value all counted hits share (a theme family).
    """

    of: "Pattern"
    at_least: int
    within: timedelta
    distinct: Distinct = Distinct.OCCURRENCE
    same: str = ""
    min_feeds: int = 1
    merging: Merging = Merging()


@dataclass(frozen=True, slots=True)
class SequencePattern:
    """`first`, then `then` later and at most `within` later. `same_occurrence`: None for either."""

    first: "Pattern"
    then: "Pattern"
    within: timedelta
    same_occurrence: bool | None = None
    same_subject: bool = True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any one of the parts."""

    parts: tuple["Pattern", ...]


@dataclass(frozen=True, slots=True)
class EntersPattern:
    """The person comes into one of these states, from another of them too, or their watch begins while they are in one;
    no states: the watch begins, whatever they are.

    `by_record`: only what the member's own record says (start of the watch), not what programme events say.
    """

    statuses: frozenset[str] = frozenset()
    by_record: bool = False


@dataclass(frozen=True, slots=True)
class AbsencePattern:
    """`after`, and nothing of `unless` up to and including an instant: `within` later, or the end of the London day
    that `until` names (an attribute of what it comes after). It fires at that instant.

    `from_start` counts from the start of the occurrence (an arrival), however late `after` became known. `step` names
    the absence where a rule has several.
    """

    after: "Pattern"
    unless: "Pattern"
    within: Span | None
    until: str = ""
    same_occurrence: bool = False
    from_start: bool = False
    step: str = ""


@dataclass(frozen=True, slots=True)
class QuietPattern:
    """No `of` for so long: counted from the last one, else from `since`. Time between `paused` and `resumed` of one
    occurrence (custody) does not run."""

    of: "Pattern"
    since: "Pattern"
    lasting: timedelta
    paused: "Pattern"
    resumed: "Pattern"


@dataclass(frozen=True, slots=True)
class AccumulatedPattern:
    """`at_least` different categories are evidenced for the first time, each by any hit of its pattern, for ever.

    `holds` is asked of every piece of evidence (under 18, say).
    """

    categories: tuple[tuple[str, "Pattern"], ...]
    at_least: int
    where: Condition
    holds: Callable[[Moment], bool]


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of `parts` in any order within a span, and none of `none_of` within the same span up to the last of them.

    One event may be two of the parts.
    """

    parts: tuple["Pattern", ...]
    none_of: tuple["Pattern", ...]
    within: timedelta


@dataclass(frozen=True, slots=True)
class StepsPattern:
    """One after another, each later than the one before, all within a span of the last.

    Without `overlap` the next sequence begins only after the last one ended. `same_occurrence`: each step is of the
    same occurrence as the step before, or of another; None for either.
    """

    steps: tuple["Pattern", ...]
    within: timedelta
    overlap: bool = True
    same_occurrence: bool | None = None
    same_subject: bool = True


@dataclass(frozen=True, slots=True)
class FirstPattern:
    """`of`, where nothing like it, of another occurrence, happened in the span before; None: ever, as far as kept."""

    of: "Pattern"
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class ChangePattern:
    """At least `at_least` different `of` in the `recent` span, and `times` the rate of the `usual` span before it.

    With fewer than `usual_at_least` in the usual span there is no usual to compare with.
    """

    of: "Pattern"
    recent: timedelta
    usual: timedelta
    times: float
    at_least: int
    usual_at_least: int = 1


@dataclass(frozen=True, slots=True)
class FiredPattern:
    """Another rule fired, at the time of its firing."""

    rule: str


class Recalled(StrEnum):
    """What is asked of the past at a moment."""

    HOW_MANY = "how_many"  # different ones in a span before
    DAYS_SINCE = "days_since"  # the latest
    DAYS_WITH = "days_with"  # London days on which it happened
    LASTING = "lasting"  # whether one began and has not ended
    LATEST = "latest"  # which of several things was the latest


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question about the past, under the name by which conditions read its answer (`Moment.past`).

    `parts` are what it looks for: any of several; begin and end (LASTING); or one for each of `words` (LATEST).
    """

    name: str
    asks: Recalled
    parts: tuple["Pattern", ...]
    within: timedelta | None = None
    words: tuple[str, ...] = ()
    feeds: frozenset[Feed] = frozenset()  # unknown where the member's authority allows none of these


@dataclass(frozen=True, slots=True)
class RecallPattern:
    """`of`, with what the past answered at that moment. It holds whenever `of` does; `who` tells what is asked of the
    answers, to say when that was first known."""

    of: "Pattern"
    lookups: tuple[Lookup, ...]
    who: Check


Pattern = (
    EventPattern
    | CountPattern
    | SequencePattern
    | AnyOf
    | EntersPattern
    | AbsencePattern
    | QuietPattern
    | AccumulatedPattern
    | AllOf
    | StepsPattern
    | FirstPattern
    | ChangePattern
    | FiredPattern
    | RecallPattern
)


def event_pattern(
    kinds: frozenset[Kind],
    where: Condition = ALWAYS,
    still: Condition | None = None,
    *,
    subject: Subject = Subject.SELF,
    suspect_side: bool = False,
    every: bool = False,
) -> EventPattern:
    """An event pattern, compiled. Left out, `still` is `where` itself."""
    kept = where if still is None else still
    asked = facts_asked(where)
    holds = written_out(where)
    return EventPattern(
        kinds=kinds,
        where=where,
        still=kept,
        holds=holds if ROLE in asked else _of_no_bystander(holds),
        still_holds=written_out(kept),
        subject=subject,
        suspect_side=suspect_side,
        every=every,
        families=tuple(sorted({kind.value.split(".", 1)[0] for kind in kinds})),
        asks_role=ROLE in asked,
        asks_link=LINK_LEARNT in asked,
    )


def _of_no_bystander(holds: Callable[[Moment], bool]) -> Callable[[Moment], bool]:
    return lambda moment: holds(moment) and not moment.bystander()


def parts_of(pattern: Pattern) -> tuple[Pattern, ...]:
    """The patterns that a pattern is made of."""
    match pattern:
        case EventPattern() | EntersPattern() | FiredPattern():
            return ()
        case CountPattern(of=of) | FirstPattern(of=of) | ChangePattern(of=of):
            return (of,)
        case SequencePattern(first=first, then=then):
            return (first, then)
        case AnyOf(parts=parts):
            return parts
        case AbsencePattern(after=after, unless=unless):
            return (after, unless)
        case QuietPattern(of=of, since=since, paused=paused, resumed=resumed):
            return (of, since, paused, resumed)
        case AccumulatedPattern(categories=categories):
            return tuple(of for _, of in categories)
        case AllOf(parts=parts, none_of=none_of):
            return (*parts, *none_of)
        case StepsPattern(steps=steps):
            return steps
        case RecallPattern(of=of, lookups=lookups):
            return (of, *(part for lookup in lookups for part in lookup.parts))


def all_in(pattern: Pattern) -> tuple[Pattern, ...]:
    """The pattern and everything inside."""
    return (pattern, *(inner for part in parts_of(pattern) for inner in all_in(part)))


def events_in(pattern: Pattern) -> tuple[EventPattern, ...]:
    """Every event pattern inside."""
    return tuple(inner for inner in all_in(pattern) if isinstance(inner, EventPattern))


def waits(pattern: Pattern) -> bool:
    """Whether it can come about by the clock alone."""
    return any(isinstance(inner, (AbsencePattern, QuietPattern)) for inner in all_in(pattern))


_ENTERING = frozenset({"status", "watch", "review"})


def families_of(pattern: Pattern) -> frozenset[str]:
    """The first words of the kinds it reads ('ed', 'crime' ...): an amendment of any of these may change it."""
    read = frozenset(kind.value.split(".")[0] for event in events_in(pattern) for kind in event.kinds)
    return read | _ENTERING if any(isinstance(inner, EntersPattern) for inner in all_in(pattern)) else read


def facts_of(pattern: Pattern) -> frozenset[str]:
    """Every fact it asks about."""
    return frozenset().union(*(facts_asked(event.where) | facts_asked(event.still) for event in events_in(pattern)))


def rules_of(pattern: Pattern) -> frozenset[str]:
    """Every other rule whose firing it builds on."""
    return frozenset(inner.rule for inner in all_in(pattern) if isinstance(inner, FiredPattern))
