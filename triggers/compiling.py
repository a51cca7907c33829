"""From the form of a pattern to the pattern: its meaning checked, every fault told in a supervisor's words.

`checking.py` does the same for rules as wholes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.attributes import Intent
from domain.kinds import SUSPECT_ROLES, Feed, Kind
from domain.people import MemberStatus
from triggers.asking import Asking
from triggers.conditions import (
    ALWAYS,
    All,
    Condition,
    Earlier,
    Not,
    OneOf,
    Operator,
    Test,
    Unless,
    compiled,
    written_out,
)
from triggers.explain import pattern_words, span_words
from triggers.facts import FACTS
from triggers.faults import Faults, did_you_mean
from triggers.language import (
    AbsenceForm,
    AccumulatedForm,
    AllOfForm,
    ChangeForm,
    CountForm,
    EntersForm,
    EventForm,
    FirstForm,
    MergingForm,
    PastForm,
    PatternForm,
    QuietForm,
    SequenceForm,
)
from triggers.mending import Mended
from triggers.occurrences import SILENT
from triggers.patterns import (
    ABOUT_OTHERS,
    AbsencePattern,
    AccumulatedPattern,
    AllOf,
    AnyOf,
    ChangePattern,
    CountPattern,
    EntersPattern,
    EventPattern,
    FiredPattern,
    FirstPattern,
    Lookup,
    Merging,
    Pattern,
    QuietPattern,
    Recalled,
    SequencePattern,
    StepsPattern,
    event_pattern,
    events_in,
    families_of,
    parts_of,
    rules_of,
    waits,
)
from triggers.reading import Path
from triggers.reference import Reference
from triggers.untold import of_condition, of_count, whole

MAX_PATTERN_DEPTH = 6
MAX_LOOKUPS = 8
MAX_PARTS_IN_PATTERN = 200

NEVER = event_pattern(frozenset())
_PAST: TypeAdapter[PastForm] = TypeAdapter(PastForm)


@dataclass(slots=True)
class Shaping:
    """Turns the forms of patterns into patterns, telling faults as it goes; `root` and `rule` say where it is."""

    faults: Faults
    reference: Reference
    ids: frozenset[str]
    grounds: Mapping[str, PatternForm]
    root: Path = ()
    rule: str = ""
    using: tuple[str, ...] = field(default=())
    made: dict[str, Pattern] = field(default_factory=dict)  # a ground is one value, however many rules name it
    sizes: dict[int, tuple[Pattern, int]] = field(default_factory=dict)  # how many patterns each is made of
    lookups: list[Lookup] = field(default_factory=list)  # what the rule being read asks of the past
    spoilt: dict[Path, Mended[Any]] = field(default_factory=dict)  # by root: what is read only for its faults

    def tell(self, message: str, path: Path) -> None:
        """Note a fault at a path of the rule or ground that is being read, unless it comes of how that was mended."""
        known = self.spoilt.get(self.root)
        if known is not None and known.concerns(path):
            return
        self.faults.add(message, path=path, root=self.root, rule=self.rule)

    def doubt(self, message: str, path: Path) -> None:
        """Note what nothing new may have (`Faults.doubt`), as `tell` does."""
        known = self.spoilt.get(self.root)
        if known is None or not known.concerns(path):
            self.faults.doubt(message, path=path, root=self.root, rule=self.rule)

    def remark(self, message: str, path: Path) -> None:
        """Note what looks like a slip at a path of the rule or ground that is being read."""
        self.faults.remark(message, path=path, root=self.root, rule=self.rule)

    def untold(
        self, condition: Condition, written: object, kinds: Iterable[str], path: Path, *, of_each: bool = True
    ) -> None:
        """Remark on each fact of a condition at `path` that events of these kinds never tell."""
        for message, place in of_condition(condition, written, kinds, of_each=of_each):
            self.remark(message, (*path, *place))

    def kinds_read(self, pattern: Pattern) -> tuple[str, ...]:
        """The kinds that a pattern reads, as whole families; none where it rests on what other rules read."""
        return () if rules_of(pattern) else tuple(map(whole, sorted(families_of(pattern))))

    def each_ground(self) -> None:
        """Tell the faults of every ground, named or not."""
        for name, form in self.grounds.items():
            self.root, self.rule, self.using = ("grounds", name), f"ground {name}", (name,)
            self.pattern(form, ())
        self.using = ()

    def asking(self, *, in_priority: bool = False, of_person: bool = False) -> Asking:
        """Reads conditions; `in_priority` those of the tables of 'then', `of_person` those of 'who'."""
        past = self._past if in_priority or of_person else None
        return Asking(self.reference, self.ids, self.tell, self.doubt, self.remark, in_priority, past)

    def pattern(self, form: PatternForm, path: Path, depth: int = 0) -> Pattern:
        """The pattern of a form; its faults are told, and one that never holds stands in for what cannot be read.

        Grounds that name grounds that name grounds may be short to write and endless to look for: size is bounded.
        """
        made = self._shaped(form, path, depth)
        size = 1 + sum(self._size(part) for part in parts_of(made))
        if size > MAX_PARTS_IN_PATTERN:
            self.tell(f"this is made of {size} patterns; at most {MAX_PARTS_IN_PATTERN} are allowed", path)
            return NEVER
        self.sizes[id(made)] = (made, size)
        return made

    def _size(self, pattern: Pattern) -> int:
        return self.sizes.get(id(pattern), (pattern, 1))[1]

    def _shaped(self, form: PatternForm, path: Path, depth: int) -> Pattern:
        if depth > MAX_PATTERN_DEPTH:
            self.tell(f"patterns may be nested at most {MAX_PATTERN_DEPTH} deep", path)
            return NEVER
        if form.event is not None:
            return self._event(form.event, (*path, "event"))
        if form.count is not None:
            return self._count(form.count, (*path, "count"), depth)
        if form.sequence is not None:
            return self._sequence(form.sequence, (*path, "sequence"), depth)
        if form.any_of is not None:
            return AnyOf(self._each(form.any_of, (*path, "any_of"), depth))
        if form.ground is not None:
            return self._ground(form.ground, (*path, "ground"), depth)
        return self._together(form, path, depth) or self._over_time(form, path, depth)

    def _each(self, forms: Sequence[PatternForm], path: Path, depth: int) -> tuple[Pattern, ...]:
        return tuple(self.pattern(part, (*path, place), depth + 1) for place, part in enumerate(forms))

    def _together(self, form: PatternForm, path: Path, depth: int) -> Pattern | None:
        """Patterns of what hangs together."""
        if form.all_of is not None:
            return self._all_of(form.all_of, (*path, "all_of"), depth)
        if form.first is not None:
            return self._first(form.first, (*path, "first"), depth)
        if form.change is not None:
            return self._change(form.change, (*path, "change"), depth)
        if form.fired is not None:
            return self._fired(form.fired.rule, (*path, "fired", "rule"))
        return None

    def _all_of(self, form: AllOfForm, path: Path, depth: int) -> Pattern:
        parts = self._each(form.of, (*path, "of"), depth)
        return AllOf(parts, self._each(form.none_of, (*path, "none_of"), depth), form.within)

    def _first(self, form: FirstForm, path: Path, depth: int) -> Pattern:
        return FirstPattern(self.pattern(form.of, (*path, "of"), depth + 1), form.within)

    def _change(self, form: ChangeForm, path: Path, depth: int) -> Pattern:
        of = self.pattern(form.of, (*path, "of"), depth + 1)
        return ChangePattern(of, form.recent, form.usual, form.times, form.at_least, form.usual_at_least)

    def _fired(self, rule: str, path: Path) -> Pattern:
        if rule not in self.ids:
            self.tell(f"there is no rule '{rule}' in this file or beside it{did_you_mean(rule, self.ids)}", path)
        return FiredPattern(rule)

    def _past(self, written: object, path: Path) -> Condition:
        """How often something happened before, one or several of which all must hold."""
        listed = written if isinstance(written, list) else [written]
        if not listed:
            self.tell(
                "'past' asks of nothing; write what happened, as in 'past: {of: ..., at_least: 2, within: 30d}'", path
            )
        several = isinstance(written, list)
        parts = [self._happened(one, (*path, place) if several else path) for place, one in enumerate(listed)]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _happened(self, written: object, path: Path) -> Condition:
        try:
            form = _PAST.validate_python(written)
        except ValidationError as error:
            self.faults.add_form(error, PastForm, root=self.root, rule=self.rule, path=path)
            return ALWAYS
        of = self.pattern(form.of, (*path, "of"), 1)
        if waits(of):
            self.tell("the past is made of what happened; an absence or a quiet time cannot be counted", (*path, "of"))
        if len(self.lookups) >= MAX_LOOKUPS:
            self.tell(f"a rule may ask at most {MAX_LOOKUPS} things of the past", path)
        if form.at_least is not None and form.at_most is not None and form.at_most < form.at_least:
            self.tell(f"at least {form.at_least} and at most {form.at_most} can never be", path)
        feeds = frozenset(kind.feed for event in events_in(of) for kind in event.kinds if kind.feed is not None)
        name = f"past:{len(self.lookups)}"
        self.lookups.append(Lookup(name, Recalled.HOW_MANY, (of,), form.within, feeds=feeds - {Feed.PROGRAMME}))
        said = pattern_words(of) + (f", in the {span_words(form.within)} before" if form.within else ", ever before")
        least = 1 if form.at_least is None and form.at_most is None else form.at_least
        return Earlier(name, least, form.at_most, said)

    def _over_time(self, form: PatternForm, path: Path, depth: int) -> Pattern:
        """Patterns of what did not happen, and of what adds up over the years."""
        if form.absence is not None:
            return self._absence(form.absence, (*path, "absence"), depth)
        if form.enters is not None:
            return self._enters(form.enters, (*path, "enters"))
        if form.quiet is not None:
            return self._quiet(form.quiet, (*path, "quiet"), depth)
        assert form.accumulated is not None
        return self._accumulated(form.accumulated, (*path, "accumulated"), depth)

    def _absence(self, form: AbsenceForm, path: Path, depth: int) -> Pattern:
        return AbsencePattern(
            after=self.pattern(form.after, (*path, "after"), depth + 1),
            unless=self.pattern(form.unless, (*path, "unless"), depth + 1),
            within=form.within,
            until=form.until or "",
            same_occurrence=form.same_occurrence,
            from_start=form.from_start,
            step=form.step,
        )

    def _enters(self, form: EntersForm, path: Path) -> Pattern:
        known = [status.value for status in MemberStatus]
        for place, word in enumerate(form.status):
            if word not in known:
                there_are = did_you_mean(word, known) or f"; there are {', '.join(known)}"
                self.tell(f"'{word}' is not a programme status{there_are}", (*path, "status", place))
        return EntersPattern(frozenset(form.status), form.by_record)

    def _quiet(self, form: QuietForm, path: Path, depth: int) -> Pattern:
        return QuietPattern(
            of=self.pattern(form.of, (*path, "of"), depth + 1),
            since=self.pattern(form.since, (*path, "since"), depth + 1),
            lasting=form.lasting,
            paused=self.pattern(form.paused, (*path, "paused"), depth + 1),
            resumed=self.pattern(form.resumed, (*path, "resumed"), depth + 1),
        )

    def _accumulated(self, form: AccumulatedForm, path: Path, depth: int) -> Pattern:
        if form.at_least > len(form.categories):
            self.tell(
                f"at least {form.at_least} of {len(form.categories)} categories can never be; lower 'at_least' or add "
                "categories",
                (*path, "at_least"),
            )
        where = self.asking().condition(form.where, (*path, "where")) if form.where else ALWAYS
        categories: tuple[tuple[str, Pattern], ...] = tuple(
            (name, self.pattern(part, (*path, "categories", name), depth + 1)) for name, part in form.categories.items()
        )
        read = [kind for _, part in categories for kind in self.kinds_read(part)]
        self.untold(where, form.where, read, (*path, "where"))
        return AccumulatedPattern(categories, form.at_least, where, written_out(where))

    def _ground(self, name: str, path: Path, depth: int) -> Pattern:
        if name in self.using:
            self.tell(f"ground '{name}' is defined by itself", path)
            return NEVER
        form = self.grounds.get(name)
        if form is None:
            if name not in self.grounds:
                self.tell(f"there is no ground '{name}' in this file{did_you_mean(name, self.grounds)}", path)
            return NEVER
        if name in self.made:
            return self.made[name]
        outer = self.using, self.root, self.rule
        self.using, self.root, self.rule = (*self.using, name), ("grounds", name), f"ground {name}"
        pattern = self.pattern(form, (), depth + 1)
        self.using, self.root, self.rule = outer
        self.made[name] = pattern
        return pattern

    def _event(self, form: EventForm, path: Path) -> EventPattern:
        kinds = self._kinds(form.kinds, (*path, "kinds"))
        asking = self.asking()
        where = asking.condition(form.where, (*path, "where")) if form.where else ALWAYS
        still = None if form.still is None else asking.condition(form.still, (*path, "still"))
        self.untold(where, form.where, form.kinds, (*path, "where"))
        if still is not None:
            self.untold(still, form.still, form.kinds, (*path, "still"))
        if form.subject in ABOUT_OTHERS and suspect_words(where):
            self.tell("a rule may not hold somebody else's suspect role against the person", (*path, "where"))
        if Kind.STOPSEARCH_RECORDED in kinds and not needs_a_find(where):
            self.tell("a search by itself is never a trigger; ask what was 'found', in every way it can hold", path)
        return event_pattern(kinds, where, still, subject=form.subject, suspect_side=form.suspect_side)

    def _kinds(self, written: tuple[str, ...], path: Path) -> frozenset[Kind]:
        known = {kind.value: kind for kind in Kind}
        kinds: set[Kind] = set()
        for place, word in enumerate(written):
            family = {kind for kind in Kind if word.endswith(".*") and kind.value.startswith(word[:-1])}
            if family:
                kinds |= family - SILENT
            elif word in known:
                kinds.add(known[word])
                if known[word] in SILENT:
                    self.tell(f"'{word}' takes something back; it cannot make a rule fire", (*path, place))
            else:
                self.tell(f"'{word}' is not a kind of event{did_you_mean(word, known)}", (*path, place))
        return frozenset(kinds)

    def _count(self, form: CountForm, path: Path, depth: int) -> Pattern:
        if form.same and form.same not in FACTS:
            self.tell(f"'{form.same}' is not a fact{did_you_mean(form.same, FACTS)}", (*path, "same"))
        of = self.pattern(form.of, (*path, "of"), depth + 1)
        for name, fact in (("same", form.same), ("distinct", form.distinct.value)):
            said = of_count(fact, self.kinds_read(of))
            if said:
                self.remark(said, (*path, name))
        return CountPattern(
            of=of,
            at_least=form.at_least,
            within=form.within,
            distinct=form.distinct,
            same=form.same if form.same in FACTS else "",
            min_feeds=form.min_feeds,
            merging=self._merging(form.merging, (*path, "merging")),
        )

    def _merging(self, form: MergingForm, path: Path) -> Merging:
        written = form.two_feeds_where
        where = None if written is None else self.asking().condition(written, (*path, "two_feeds_where"))
        if (form.two_feeds_within is None) is not (written is None):
            self.tell("'two_feeds_within' and 'two_feeds_where' belong together", path)
        return Merging(
            same_source_key=form.same_source_key,
            overlapping_episodes=form.overlapping_episodes,
            presumed_length=form.presumed_length,
            two_feeds_within=form.two_feeds_within,
            two_feeds_km=form.two_feeds_km,
            two_feeds_where=None if where is None else compiled(where),
            two_feeds_when=where,
        )

    def _sequence(self, form: SequenceForm, path: Path, depth: int) -> Pattern:
        if form.first is None or form.then is None:
            steps = self._each(form.steps, (*path, "steps"), depth)
            return StepsPattern(steps, form.within, form.overlap, form.same_occurrence, form.same_subject)
        return SequencePattern(
            first=self.pattern(form.first, (*path, "first"), depth + 1),
            then=self.pattern(form.then, (*path, "then"), depth + 1),
            within=form.within,
            same_occurrence=form.same_occurrence,
            same_subject=form.same_subject,
        )


def needs_a_find(condition: Condition) -> bool:
    """Whether the condition can hold of a search only where something was found."""
    match condition:
        case Test(fact="found", operator=Operator.IS | Operator.IN):
            return True
        case All(parts):
            return any(needs_a_find(part) for part in parts)
        case OneOf(parts):
            return all(needs_a_find(part) for part in parts)
        case _:
            return False


_CRISIS_CLASSES = frozenset({"self_harm", "mental_health"})


def only_in_crisis(condition: Condition, crisis: frozenset[str]) -> bool:
    """Whether the condition can hold only of somebody who hurt themself, or came to hospital in such a crisis."""
    match condition:
        case Test(fact="intent", operator=Operator.IS | Operator.IN, value=value):
            return {*([value] if isinstance(value, str) else value)} <= {Intent.SELF_HARM.value}
        case Test(fact="code_class", operator=Operator.IS | Operator.IN, value=value):
            return {*([value] if isinstance(value, str) else value)} <= _CRISIS_CLASSES
        case Test(fact="codes", operator=Operator.IS | Operator.IN, value=value):
            return {*([value] if isinstance(value, str) else value)} <= crisis
        case All(parts):
            return any(only_in_crisis(part, crisis) for part in parts)
        case OneOf(parts):
            return all(only_in_crisis(part, crisis) for part in parts)
        case _:
            return False


def suspect_words(condition: Condition) -> frozenset[str]:
    """The suspect roles that a condition names anywhere."""
    match condition:
        case Test(fact="role", value=value):
            return (value if isinstance(value, frozenset) else frozenset({str(value)})) & _SUSPECT_WORDS
        case All(parts) | OneOf(parts):
            return frozenset[str]().union(*map(suspect_words, parts))
        case Not(part) | Unless(part):
            return suspect_words(part)
        case _:
            return frozenset()


_SUSPECT_WORDS = frozenset(role.value for role in SUSPECT_ROLES)
