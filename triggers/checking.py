"""From a rule file to a rule set: form, then meaning, all faults told at once; nothing half-checked ever acts.

Guards that no rule can switch off live in the evaluator; here a rule is refused that would need them switched off.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.events import SUSPECT_ROLES, Feed, Kind
from domain.ids import RuleId
from domain.people import MemberStatus
from domain.triggers import Cap, Sensitivity
from triggers.asking import Asking
from triggers.conditions import ALWAYS, Condition, compiled, facts_asked, written_out
from triggers.facts import FACTS
from triggers.faults import Faults, RuleFileError, did_you_mean
from triggers.language import (
    AbsenceForm,
    AccumulatedForm,
    CoolingForm,
    CountForm,
    EntersForm,
    EventForm,
    MergingForm,
    PatternForm,
    QuietForm,
    RuleFileHead,
    RuleForm,
    SequenceForm,
    ThenForm,
)
from triggers.occurrences import SILENT
from triggers.patterns import (
    AbsencePattern,
    AccumulatedPattern,
    AnyOf,
    CountPattern,
    EntersPattern,
    EventPattern,
    Merging,
    Pattern,
    QuietPattern,
    SequencePattern,
    event_pattern,
    events_in,
    parts_of,
    waits,
)
from triggers.reading import Document, Path
from triggers.reference import Reference
from triggers.rules import Cooling, Rule, RuleSet, Then, case, rule_set

MAX_RULES = 200
MAX_PATTERN_DEPTH = 6
MAX_EVENTS_IN_RULE = 60

_NEVER = event_pattern(frozenset())
_GROUNDS: TypeAdapter[PatternForm] = TypeAdapter(PatternForm)


def checked(document: Document, reference: Reference, *, name: str, beside: frozenset[str] = frozenset()) -> RuleSet:
    """The rule set of a document. Raises RuleFileError with every fault, each with rule, path and line.

    `beside` are ids of rules that it is used together with, which its own may ask about.
    """
    faults = Faults(document)
    data = document.data
    if not isinstance(data, dict):
        faults.add("a rule file is a mapping with rule_set, version, owner and rules", path=())
        faults.refuse(name)
        raise RuleFileError(name, faults.found)
    head = _head(data, faults)
    compiler = _Compiler(faults, reference, _ids(data) | beside, _grounds(data, faults))
    rules = compiler.rules(data.get("rules"))
    faults.refuse(name)
    assert head is not None
    return rule_set(head.rule_set, head.version, rules, reference, owner=head.owner)


def _head(data: Mapping[str, Any], faults: Faults) -> RuleFileHead | None:
    try:
        return RuleFileHead.model_validate({key: data[key] for key in data if key not in ("rules", "grounds")})
    except ValidationError as error:
        faults.add_form(error)
        return None


def _ids(data: Mapping[str, Any]) -> frozenset[str]:
    rules = data.get("rules")
    listed = rules if isinstance(rules, list) else []
    return frozenset(str(rule["id"]) for rule in listed if isinstance(rule, dict) and isinstance(rule.get("id"), str))


def _grounds(data: Mapping[str, Any], faults: Faults) -> dict[str, PatternForm]:
    written = data.get("grounds", {})
    if not isinstance(written, dict):
        faults.add("'grounds' is a mapping of names to patterns", path=("grounds",))
        return {}
    grounds = {}
    for name, pattern in written.items():
        try:
            grounds[name] = _GROUNDS.validate_python(pattern)
        except ValidationError as error:
            faults.add_form(error, root=("grounds", name), rule=f"ground {name}")
    return grounds


@dataclass(slots=True)
class _Compiler:
    """Turns forms into values, telling faults as it goes; `root` and `rule` say where it is."""

    faults: Faults
    reference: Reference
    ids: frozenset[str]
    grounds: Mapping[str, PatternForm]
    root: Path = ()
    rule: str = ""
    using: tuple[str, ...] = field(default=())
    made: dict[str, Pattern] = field(default_factory=dict)  # a ground is one value, however many rules name it

    def tell(self, message: str, path: Path) -> None:
        self.faults.add(message, path=path, root=self.root, rule=self.rule)

    def rules(self, written: object) -> list[Rule]:
        """Every rule that has no fault; the faults of the others are told."""
        if not isinstance(written, list) or not 0 < len(written) <= MAX_RULES:
            self.faults.add(f"'rules' is a list of 1 to {MAX_RULES} rules", path=("rules",))
            return []
        self._each_ground()
        rules: list[Rule] = []
        for place, data in enumerate(written):
            self.root = ("rules", place)
            self.rule = str(data.get("id", f"rule {place + 1}")) if isinstance(data, dict) else f"rule {place + 1}"
            form = self._form(data)
            if form is not None:
                rules.append(self._rule(form))
                if sum(known.rule_id == form.id for known in rules) > 1:
                    self.tell(f"there is another rule with the id {form.id}", ("id",))
        self._circles(rules)
        return rules

    def _each_ground(self) -> None:
        for name, form in self.grounds.items():
            self.root, self.rule, self.using = ("grounds", name), f"ground {name}", (name,)
            self._pattern(form, ())
        self.using = ()

    def _form(self, data: object) -> RuleForm | None:
        try:
            return RuleForm.model_validate(data)
        except ValidationError as error:
            self.faults.add_form(error, root=self.root, rule=self.rule)
            return None

    def _rule(self, form: RuleForm) -> Rule:
        when = self._pattern(form.when, ("when",))
        self._guards(when, form)
        who = self._asking().condition(form.who, ("who",)) if form.who else ALWAYS
        self._who(who)
        for place, asked in enumerate(form.yields_to):
            if asked not in self.ids:
                self.tell(
                    f"there is no rule '{asked}' in this file{did_you_mean(asked, self.ids)}", ("yields_to", place)
                )
        return Rule(
            rule_id=RuleId(form.id),
            version=form.version,
            owner=form.owner,
            why=form.why,
            sources=form.sources,
            when=when,
            then=self._then(form.then),
            who=who,
            who_holds=compiled(who),
            cooling=_cooling(form.cooling),
            yields_to=form.yields_to,
            tolerance=form.tolerance,
            late_after=form.late_after,
        )

    def _asking(self, *, in_priority: bool = False) -> Asking:
        return Asking(self.reference, self.ids, self.tell, in_priority)

    def _who(self, who: Condition) -> None:
        for fact in sorted(facts_asked(who) - {"status", "age", "programme", "area"}):
            self.tell(f"'who' asks about the person (status, age, programme, area), not about '{fact}'", ("who", fact))

    def _then(self, form: ThenForm) -> Then:
        asking = self._asking(in_priority=True)
        path: Path = ("then",)
        if form.sensitivity is Sensitivity.INTEL:
            self.tell("'intel' is set by the gatekeeper, not by a rule", (*path, "sensitivity"))
        return Then(
            priority=form.priority,
            headline=form.headline,
            message_key=form.message_key,
            priorities=tuple(
                case(asking.condition(line.when, (*path, "priorities", place, "when")), line.priority.value)
                for place, line in enumerate(form.priorities)
            ),
            headlines=tuple(
                case(asking.condition(line.when, (*path, "headlines", place, "when")), line.headline)
                for place, line in enumerate(form.headlines)
            ),
            reviews=tuple(
                case(asking.condition(line.when, (*path, "reviews", place, "when")), line.opens)
                for place, line in enumerate(form.reviews)
            ),
            rises=form.rises,
            contact_within=form.contact_within,
            channels=tuple(form.channels),
            suggestion=form.suggestion,
            sensitivity=form.sensitivity,
            expires_after=form.expires_after,
            cap=Cap(form.cap.alerts, form.cap.within) if form.cap else None,
        )

    # -- patterns --------------------------------------------------------------------------------------------------

    def _pattern(self, form: PatternForm, path: Path, depth: int = 0) -> Pattern:
        if depth > MAX_PATTERN_DEPTH:
            self.tell(f"patterns may be nested at most {MAX_PATTERN_DEPTH} deep", path)
            return _NEVER
        if form.event is not None:
            return self._event(form.event, (*path, "event"))
        if form.count is not None:
            return self._count(form.count, (*path, "count"), depth)
        if form.sequence is not None:
            return self._sequence(form.sequence, (*path, "sequence"), depth)
        if form.any_of is not None:
            return AnyOf(
                tuple(
                    self._pattern(part, (*path, "any_of", place), depth + 1) for place, part in enumerate(form.any_of)
                )
            )
        if form.ground is not None:
            return self._ground(form.ground, (*path, "ground"), depth)
        return self._over_time(form, path, depth)

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
            after=self._pattern(form.after, (*path, "after"), depth + 1),
            unless=self._pattern(form.unless, (*path, "unless"), depth + 1),
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
            of=self._pattern(form.of, (*path, "of"), depth + 1),
            since=self._pattern(form.since, (*path, "since"), depth + 1),
            lasting=form.lasting,
            paused=self._pattern(form.paused, (*path, "paused"), depth + 1),
            resumed=self._pattern(form.resumed, (*path, "resumed"), depth + 1),
        )

    def _accumulated(self, form: AccumulatedForm, path: Path, depth: int) -> Pattern:
        if form.at_least > len(form.categories):
            self.tell(
                f"at least {form.at_least} of {len(form.categories)} categories can never be; lower 'at_least' or add "
                "categories",
                (*path, "at_least"),
            )
        where = self._asking().condition(form.where, (*path, "where")) if form.where else ALWAYS
        categories = tuple(
            (name, self._pattern(part, (*path, "categories", name), depth + 1))
            for name, part in form.categories.items()
        )
        return AccumulatedPattern(categories, form.at_least, where, written_out(where))

    def _ground(self, name: str, path: Path, depth: int) -> Pattern:
        if name in self.using:
            self.tell(f"ground '{name}' is defined by itself", path)
            return _NEVER
        form = self.grounds.get(name)
        if form is None:
            if name not in self.grounds:
                self.tell(f"there is no ground '{name}' in this file{did_you_mean(name, self.grounds)}", path)
            return _NEVER
        if name in self.made:
            return self.made[name]
        outer = self.using, self.root, self.rule
        self.using, self.root, self.rule = (*self.using, name), ("grounds", name), f"ground {name}"
        pattern = self._pattern(form, (), depth + 1)
        self.using, self.root, self.rule = outer
        self.made[name] = pattern
        return pattern

    def _event(self, form: EventForm, path: Path) -> EventPattern:
        kinds = self._kinds(form.kinds, (*path, "kinds"))
        asking = self._asking()
        where = asking.condition(form.where, (*path, "where")) if form.where else ALWAYS
        still = None if form.still is None else asking.condition(form.still, (*path, "still"))
        searches = {kind for kind in kinds if kind is Kind.STOPSEARCH_RECORDED}
        if searches and "found" not in facts_asked(where):
            self.tell("a search by itself is never a trigger; ask what was 'found'", path)
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
        return CountPattern(
            of=self._pattern(form.of, (*path, "of"), depth + 1),
            at_least=form.at_least,
            within=form.within,
            distinct=form.distinct,
            same=form.same if form.same in FACTS else "",
            min_feeds=form.min_feeds,
            merging=self._merging(form.merging, (*path, "merging")),
        )

    def _merging(self, form: MergingForm, path: Path) -> Merging:
        written = form.two_feeds_where
        where = None if written is None else self._asking().condition(written, (*path, "two_feeds_where"))
        if (form.two_feeds_within is None) is not (written is None):
            self.tell("'two_feeds_within' and 'two_feeds_where' belong together", path)
        return Merging(
            same_source_key=form.same_source_key,
            overlapping_episodes=form.overlapping_episodes,
            presumed_length=form.presumed_length,
            two_feeds_within=form.two_feeds_within,
            two_feeds_km=form.two_feeds_km,
            two_feeds_where=None if where is None else compiled(where),
        )

    def _sequence(self, form: SequenceForm, path: Path, depth: int) -> Pattern:
        return SequencePattern(
            first=self._pattern(form.first, (*path, "first"), depth + 1),
            then=self._pattern(form.then, (*path, "then"), depth + 1),
            within=form.within,
            same_occurrence=form.same_occurrence,
            same_subject=form.same_subject,
        )

    # -- rules as wholes -------------------------------------------------------------------------------------------

    def _guards(self, when: Pattern, form: RuleForm) -> None:
        self._waits(when)
        events = events_in(when)
        if len(events) > MAX_EVENTS_IN_RULE:
            self.tell(f"a rule may ask for at most {MAX_EVENTS_IN_RULE} events", ("when",))
        if events and any(Feed.INTEL in {kind.feed for kind in event.kinds} for event in events):
            intel_only = all({kind.feed for kind in event.kinds} == {Feed.INTEL} for event in events)
            if intel_only and form.then.expires_after is None:
                self.tell("a rule on intelligence alone needs 'expires_after' (14d is usual)", ("then",))
        if any(event.kinds and event.subject.value == "linked" for event in events):
            self._linked(events)

    def _waits(self, when: Pattern) -> None:
        """An absence lies in the future when it is looked for: nothing else may be built on it."""
        tops = when.parts if isinstance(when, AnyOf) else (when,)
        for top in tops:
            for inner in parts_of(top):
                if waits(inner):
                    self.tell("an absence or a quiet time stands at the top of a rule, or in its any_of", ("when",))
                    return

    def _linked(self, events: tuple[EventPattern, ...]) -> None:
        suspect_words = {role.value for role in SUSPECT_ROLES}
        for event in events:
            if event.subject.value == "linked" and _roles_asked(event.where) & suspect_words:
                self.tell("a rule may not hold somebody else's suspect role against the person", ("when",))

    def _circles(self, rules: list[Rule]) -> None:
        asks = {str(rule.rule_id): rule.asks for rule in rules}
        for place, rule in enumerate(rules):
            seen: set[str] = set()
            todo = list(rule.asks)
            while todo:
                asked = todo.pop()
                if asked == rule.rule_id:
                    self.root, self.rule = ("rules", place), str(rule.rule_id)
                    self.tell("asks, in a circle, whether it has fired itself", ("then",))
                    break
                if asked not in seen:
                    seen.add(asked)
                    todo.extend(asks.get(asked, ()))


def _cooling(form: CoolingForm) -> Cooling:
    within = None if isinstance(form.within, str) else form.within
    return Cooling(within=within, ground=form.ground, per_priority=form.per_priority)


def _roles_asked(condition: Condition) -> frozenset[str]:
    words: set[str] = set()
    todo: list[Any] = [condition]
    while todo:
        part = todo.pop()
        if getattr(part, "fact", "") == "role":
            words |= part.value if isinstance(part.value, frozenset) else {str(part.value)}
        todo.extend(getattr(part, "parts", ()))
        if hasattr(part, "part"):
            todo.append(part.part)
    return frozenset(words)
