"""From a rule file to a rule set: form, then meaning, all faults told at once; nothing half-checked ever acts.

Guards that no rule can switch off live in the evaluator; here a rule is refused that would need them switched off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from domain.ids import RuleId
from domain.kinds import Feed
from domain.triggers import Cap, Sensitivity
from triggers.compiling import Shaping, only_in_crisis, suspect_words
from triggers.conditions import ALWAYS, Condition, compiled, facts_asked
from triggers.cost import cost_of
from triggers.facts import FACTS
from triggers.faults import Faults, RuleFileError, did_you_mean
from triggers.language import CoolingForm, PatternForm, RuleFileHead, RuleForm, ThenForm
from triggers.mending import Form, Mended, mended
from triggers.moments import ADULT_SUSPECT_AGE
from triggers.patterns import (
    AnyOf,
    Pattern,
    RecallPattern,
    events_in,
    parts_of,
    rules_of,
    waits,
)
from triggers.reading import Document, Path
from triggers.recollection import lookups_of
from triggers.reference import Reference
from triggers.remarks import of_words
from triggers.rules import Cooling, Rule, RuleSet, Then, case, rule_set

MAX_RULES = 100
MAX_EVENTS_IN_RULE = 60

OF_THE_PERSON = frozenset(
    (
        "status",
        "age",
        "programme",
        "area",
        "safe_contact_noted",
        "staff_safety_noted",
        "has_navigator",
        "has_associates",
    )
) | {name for name, fact in FACTS.items() if fact.recalled}
"""Facts that 'who' may ask: of the person, whatever happened."""


def checked(
    document: Document,
    reference: Reference,
    *,
    name: str,
    beside: frozenset[str] = frozenset(),
    decided: bool = False,
) -> RuleSet:
    """The rule set of a document. Raises RuleFileError with every fault, each with rule, path and line.

    `beside` are ids of rules that it is used together with, which its own may ask about; `decided` where somebody has
    put it live (`Faults.doubt`).
    """
    faults = Faults(document, decided=decided)
    data = document.data
    if not isinstance(data, dict):
        faults.add("a rule file is a mapping with rule_set, version, owner and rules", path=())
        faults.refuse(name)
        raise RuleFileError(name, faults.found)
    head = _head(data, faults)
    grounds, spoilt = _grounds(data, faults)
    compiler = _Compiler(faults, reference, _ids(data) | beside, grounds, spoilt=spoilt)
    rules = compiler.rules(data.get("rules"))
    faults.refuse(name)
    assert head is not None
    return rule_set(head.rule_set, head.version, rules, reference, owner=head.owner, remarks=faults.in_order)


def _head(data: Mapping[str, Any], faults: Faults) -> RuleFileHead | None:
    try:
        return RuleFileHead.model_validate({key: data[key] for key in data if key not in ("rules", "grounds")})
    except ValidationError as error:
        faults.add_form(error, RuleFileHead)
        return None


def _ids(data: Mapping[str, Any]) -> frozenset[str]:
    rules = data.get("rules")
    listed = rules if isinstance(rules, list) else []
    return frozenset(str(rule["id"]) for rule in listed if isinstance(rule, dict) and isinstance(rule.get("id"), str))


Spoilt = dict[Path, Mended[Any]]
"""By where it stands: what was read only for its faults."""


def _grounds(data: Mapping[str, Any], faults: Faults) -> tuple[dict[str, PatternForm], Spoilt]:
    written = data.get("grounds", {})
    if not isinstance(written, dict):
        faults.add("'grounds' is a mapping of names to patterns", path=("grounds",))
        return {}, {}
    grounds: dict[str, PatternForm] = {}
    spoilt: Spoilt = {}
    for name, pattern in written.items():
        form = _read(pattern, PatternForm, (("grounds", name), f"ground {name}"), faults, spoilt)
        if form is not None:
            grounds[name] = form
    return grounds, spoilt


def _read(data: object, form: type[Form], at: tuple[Path, str], faults: Faults, spoilt: Spoilt) -> Form | None:
    """`data` as the form has it; where that refuses it, its faults are told, and what is left of it is read on for
    the faults of meaning that it has besides. `at` is where it stands, and what it is called."""
    root, rule = at
    try:
        return form.model_validate(data)
    except ValidationError as error:
        faults.add_form(error, form, root=root, rule=rule)
        left = mended(data, form)
        if left is None:
            return None
        spoilt[root] = left
        return left.form


@dataclass(slots=True)
class _Compiler(Shaping):
    """Turns the forms of rules into rules, telling faults as it goes."""

    def rules(self, written: object) -> list[Rule]:
        """Every rule that has no fault; the faults of the others are told."""
        if not isinstance(written, list) or not 0 < len(written) <= MAX_RULES:
            self.faults.add(f"'rules' is a list of 1 to {MAX_RULES} rules", path=("rules",))
            return []
        self.each_ground()
        rules: dict[int, Rule] = {}
        seen: set[str] = set()
        for place, data in enumerate(written):
            self.root = ("rules", place)
            self.rule = str(data.get("id", f"rule {place + 1}")) if isinstance(data, dict) else f"rule {place + 1}"
            form = _read(data, RuleForm, (self.root, self.rule), self.faults, self.spoilt)
            if form is None:
                continue
            rules[place] = self._rule(form)
            if self.rule in seen:
                self.tell(f"there is another rule with the id {self.rule}", ("id",))
            seen.add(self.rule)
        self._circles(rules)
        self._built_upon(rules)
        self._words(rules)
        return [rule for place, rule in rules.items() if ("rules", place) not in self.spoilt]

    def _words(self, rules: Mapping[int, Rule]) -> None:
        """Remark on words of spans. A rule with a fault, or on a ground with one, may lack but what its words tell of:
        nothing is said of it yet."""
        faulty = {fault.rule for fault in self.faults.found}
        if any(root[:1] == ("grounds",) for root in self.spoilt):
            return
        for place, rule in rules.items():
            self.root, self.rule = ("rules", place), str(rule.rule_id)
            for message, path in of_words(rule) if self.rule not in faulty else ():
                self.remark(message, path)

    def _rule(self, form: RuleForm) -> Rule:
        self.lookups = []
        when = self.pattern(form.when, ("when",))
        self._guards(when, form)
        who = self.asking(of_person=True).condition(form.who, ("who",)) if form.who else ALWAYS
        self._who(who)
        then = self._then(form.then, self.kinds_read(when))
        for place, asked in enumerate(form.yields_to):
            if asked not in self.ids:
                self.tell(
                    f"there is no rule '{asked}' in this file or beside it{did_you_mean(asked, self.ids)}",
                    ("yields_to", place),
                )
        return Rule(
            rule_id=RuleId(form.id),
            version=form.version,
            owner=form.owner,
            why=form.why,
            sources=form.sources,
            when=self._recalling(when, who, then),
            then=then,
            who=who,
            cooling=_cooling(form.cooling),
            yields_to=form.yields_to,
            tolerance=form.tolerance,
            late_after=form.late_after,
        )

    def _recalling(self, when: Pattern, who: Condition, then: Then) -> Pattern:
        """The pattern with what the rule asks of the past, if it does."""
        asked = facts_asked(who).union(*(facts_asked(line.condition) for line in then.tables))
        lookups = (*lookups_of(asked, self.reference), *self.lookups)
        if not lookups:
            return when
        return RecallPattern(when, lookups, compiled(who))

    def _who(self, who: Condition) -> None:
        for fact in sorted(facts_asked(who) - OF_THE_PERSON):
            self.tell(
                f"'who' asks about the person ({', '.join(sorted(OF_THE_PERSON))}), not about '{fact}'", ("who", fact)
            )

    def _then(self, form: ThenForm, kinds: tuple[str, ...]) -> Then:
        path: Path = ("then",)

        def asked(written: object, table: str, place: int) -> Condition:
            return self._in_table(written, kinds, (*path, table, place, "when"))

        if form.sensitivity is Sensitivity.INTEL:
            self.tell("'intel' is set by the gatekeeper, not by a rule", (*path, "sensitivity"))
        return Then(
            priority=form.priority,
            headline=form.headline,
            message_key=form.message_key,
            priorities=tuple(
                case(asked(line.when, "priorities", place), line.priority.value)
                for place, line in enumerate(form.priorities)
            ),
            headlines=tuple(
                case(asked(line.when, "headlines", place), line.headline) for place, line in enumerate(form.headlines)
            ),
            reviews=tuple(
                case(asked(line.when, "reviews", place), line.opens) for place, line in enumerate(form.reviews)
            ),
            rises=form.rises,
            contact_within=form.contact_within,
            channels=tuple(form.channels),
            suggestion=form.suggestion,
            sensitivity=form.sensitivity,
            expires_after=form.expires_after,
            cap=Cap(form.cap.alerts, form.cap.within) if form.cap else None,
        )

    def _in_table(self, written: object, kinds: tuple[str, ...], path: Path) -> Condition:
        """What a line of a table asks of the completing event, which is of one of these kinds (none: of any)."""
        made = self.asking(in_priority=True).condition(written, path)
        self.untold(made, written, kinds, path, of_each=False)
        return made

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
        crisis = self.reference.lists.get("crisis_codes", frozenset())
        open_to_all = form.then.sensitivity is not Sensitivity.HEALTH
        if open_to_all and any(only_in_crisis(event.where, crisis) for event in events):
            self.doubt(
                "a rule on self-harm or a crisis is for health-approved contacts only; it needs 'sensitivity: health'",
                ("then", "sensitivity"),
            )
        self._under_ten(when, form)

    def _under_ten(self, when: Pattern, form: RuleForm) -> None:
        """Nobody under ten is read as a suspect: a rule for them that needs it would never fire, and looks as if."""
        age = form.who.get("age")
        asked = age if isinstance(age, dict) else {"is": age}
        below = [asked.get("less_than"), *(_one_more(asked.get(word)) for word in ("at_most", "is"))]
        if not any(isinstance(bound, (int, float)) and bound <= ADULT_SUSPECT_AGE for bound in below):
            return
        if any(event.suspect_side or suspect_words(event.where) for event in events_in(when)):
            self.tell("nobody under ten is ever read as a suspect; such a rule is refused", ("who", "age"))

    def _waits(self, when: Pattern) -> None:
        """An absence lies in the future when it is looked for: nothing else may be built on it."""
        for top in tops_of(when):
            for inner in parts_of(top):
                if waits(inner):
                    self.tell("an absence or a quiet time stands at the top of a rule, or in its any_of", ("when",))
                    return

    def _built_upon(self, rules: Mapping[int, Rule]) -> None:
        """What a rule may make of the firings of another, and what it costs with those. Rules are by place."""
        known = {str(rule.rule_id): rule for rule in rules.values()}
        for place, rule in rules.items():
            self.root, self.rule = ("rules", place), str(rule.rule_id)
            cost = cost_of(rule, known)
            if cost.too_high:
                self.tell(f"costs too much: {cost.words}; shorten the spans or ask for fewer things", ("when",))
            for message, path in unfit(rule, known):
                self.tell(message, path)

    def _circles(self, rules: Mapping[int, Rule]) -> None:
        known = {str(rule.rule_id): rule for rule in rules.values()}
        for place, rule in rules.items():
            if rule.rule_id in reached(rule, known):
                self.root, self.rule = ("rules", place), str(rule.rule_id)
                self.tell(IN_A_CIRCLE, ("then",))


IN_A_CIRCLE = "asks, in a circle, whether it has fired itself"


def reached(rule: Rule, known: Mapping[str, Rule]) -> frozenset[str]:
    """Every rule that it asks about, itself or through those that are known."""
    seen, todo = set[str](), list(rule.asks)
    while todo:
        asked = todo.pop()
        if asked not in seen:
            seen.add(asked)
            todo.extend(known[asked].asks if asked in known else ())
    return frozenset(seen)


def unfit(rule: Rule, known: Mapping[str, Rule]) -> Iterator[tuple[str, Path]]:
    """What the rule may not make of the firings of others that it asks about: each fault, and its path."""
    for name in sorted(rules_of(rule.when) & known.keys()):
        other = known[name]
        if waits(other.when) and name in rules_of_parts(rule.when):
            yield (
                f"{name} fires by the clock; its firing stands at the top of a rule or in its any_of, and nothing is "
                "built on it",
                ("when",),
            )
        if other.then.sensitivity is Sensitivity.HEALTH and rule.then.sensitivity is not Sensitivity.HEALTH:
            yield (
                f"{name} may be known to health-approved contacts only; what is built on it needs "
                "'sensitivity: health'",
                ("then", "sensitivity"),
            )


def tops_of(when: Pattern) -> tuple[Pattern, ...]:
    """The patterns that may come about by the clock: the top, or each of a top any_of."""
    top = when.of if isinstance(when, RecallPattern) else when
    return top.parts if isinstance(top, AnyOf) else (top,)


def rules_of_parts(when: Pattern) -> frozenset[str]:
    """The rules on whose firings something else is built: a count, a sequence, a question about the past."""
    inside = [part for top in tops_of(when) for part in parts_of(top)]
    asked = parts_of(when)[1:] if isinstance(when, RecallPattern) else ()
    return frozenset().union(*(rules_of(part) for part in (*inside, *asked)))


def _one_more(bound: object) -> float | None:
    """Up to and with an age is below the next."""
    return bound + 1 if isinstance(bound, (int, float)) and not isinstance(bound, bool) else None


def _cooling(form: CoolingForm) -> Cooling:
    within = None if isinstance(form.within, str) else form.within
    return Cooling(within=within, ground=form.ground, per_priority=form.per_priority)
