"""Rule tests as supervisors write them (rules.md section 1): YAML in relative time, read into values.

Reading knows the envelope but no engine; `trial.py` runs a scenario on the pure evaluator, and engines run the same
value. A fault in the file is told with its line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from domain.attributes import ATTRIBUTES_BY_KIND, NONE_STATED, STATED_LISTS, Grade, Handling
from domain.clock import from_london
from domain.errors import RuleError
from domain.events import Event, Marking, Mention, Place, Regime
from domain.identity import DateOfBirth, Identity, Name
from domain.ids import HouseholdId, MemberId, NavigatorId, digest, event_id
from domain.kinds import Feed, Kind, Role, natural_role
from domain.people import CohortMember, MemberStatus, WatchAuthority
from domain.triggers import TriggerFired
from triggers.language import span_of
from triggers.reading import Document, Path, read_yaml_all
from triggers.reference import folded_word
from triggers.spelling import Spelt, role_word, spelt
from triggers.timelines import Step, arranged

NOTES = frozenset({"about", "description", "tags"})
"""What a test says of itself, for people."""
SCENARIO_FIELDS = frozenset({"name", "rules", "start", "cohort", "timeline", "expect", "corrections", *NOTES})
YEARS = range(1900, 2200)
"""A test that lies further away would leave the calendar with its first window."""
DEFAULT_START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Expectation:
    """A firing or correction that must be there. `more` holds the fields that are compared because they are stated."""

    at: datetime
    member: MemberId
    rule: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rule test. `steps` are in order of arrival; `corrections` is None where the file does not state them."""

    name: str
    rules: tuple[str, ...]
    start: datetime
    cohort: tuple[CohortMember, ...]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    corrections: tuple[Expectation, ...] | None = None


def read_scenarios(text: str | bytes) -> tuple[Scenario, ...]:
    """Every scenario in `text`, one per YAML document. Raises RuleError, with the line, for what cannot be read."""
    return tuple(_scenario(document) for document in read_yaml_all(text))


def read_scenario(text: str | bytes) -> Scenario:
    """The one scenario in `text`. Raises RuleError as `read_scenarios` does."""
    found = read_scenarios(text)
    if len(found) != 1:
        raise RuleError(f"one rule test is wanted, here are {len(found)}")
    return found[0]


def _scenario(document: Document) -> Scenario:
    data = document.data
    if not isinstance(data, dict):
        raise RuleError("a rule test is a mapping with name, cohort, timeline and expect")
    reader = _Reader(document)
    reader.only(data, SCENARIO_FIELDS, ())
    start = reader.moment(data.get("start", DEFAULT_START), ("start",))
    rules = data.get("rules") or []
    timeline = reader.lines(data, "timeline")
    return Scenario(
        name=str(data.get("name", "")),
        rules=tuple(map(str, rules)) if isinstance(rules, list) else (str(rules),),
        start=start,
        cohort=tuple(reader.member(line, start, ("cohort", place)) for place, line in reader.lines(data, "cohort")),
        steps=arranged(
            [reader.step(line, start, ("timeline", n), n) for n, line in timeline],
            [bool(line.get("version")) for _, line in timeline],
            [str(line.get("event_id") or "") for _, line in timeline],
        ),
        expect=tuple(reader.expectation(line, start, ("expect", n)) for n, line in reader.lines(data, "expect")),
        corrections=tuple(
            reader.expectation(line, start, ("corrections", n)) for n, line in reader.lines(data, "corrections")
        )
        if "corrections" in data
        else None,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads plain data into values and tells faults with their line."""

    document: Document

    def fault(self, message: str, path: Path) -> RuleError:
        return RuleError(f"line {self.document.line(path)}: {message}")

    def only(self, data: Mapping[str, Any], known: frozenset[str], path: Path) -> None:
        for name in data:
            if name not in known:
                raise self.fault(f"'{name}' is not a field here", (*path, name))

    def lines(self, data: Mapping[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
        written = data.get(name) or []
        if not isinstance(written, list) or not all(isinstance(line, dict) for line in written):
            raise self.fault(f"'{name}' is a list of entries", (name,))
        return list(enumerate(written))

    def moment(self, value: object, path: Path, start: datetime | None = None) -> datetime:
        """An instant, or a span from `start`. Local naive times, and days, are London's (design.md section 6)."""
        try:
            at = self.instant(value, start)
        except (ValueError, OverflowError) as error:
            raise self.fault(f"{value!r} is neither a span such as 9d nor a date and time", path) from error
        if at.year not in YEARS:
            raise self.fault(f"the year {at.year} is no year of a rule test ({YEARS[0]} to {YEARS[-1]})", path)
        return at

    def instant(self, value: object, start: datetime | None) -> datetime:
        """The same, with whatever Python raises."""
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else from_london(value)
        if isinstance(value, date):
            return from_london(datetime.combine(value, time()))
        if value == 0 and start is not None and not isinstance(value, bool):
            return start
        text = str(value).strip()
        if start is not None and text[-1:] in ("m", "h", "d"):
            return start + span_of(text)
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else from_london(at)

    def member(self, line: Mapping[str, Any], start: datetime, path: Path) -> CohortMember:
        """A cohort line. Whose authority names no start is watched from the start of the test."""
        self.only(line, _COHORT_FIELDS, path)
        if "member_id" not in line:
            raise self.fault("a cohort line needs a member_id", path)
        days = {name: self.day(line[name], (*path, name)) for name in ("starts", "review_on", "ends") if line.get(name)}
        status = self.word(MemberStatus, line.get("status", "at_risk"), (*path, "status"))
        born = line.get("date_of_birth")
        feeds = tuple(self.word(Feed, feed, (*path, "allowed_feeds")) for feed in _several(line.get("allowed_feeds")))
        household = line.get("household_id")
        return CohortMember(
            member_id=MemberId(str(line["member_id"])),
            status=status,
            identity=Identity(
                names=(Name(tuple(_several(line.get("given_names"))), str(line.get("family_name", ""))),),
                dates_of_birth=(DateOfBirth(self.day(born, (*path, "date_of_birth"))),) if born else (),
            ),
            programme=str(line.get("programme", "")),
            area=str(line.get("area", "")),
            force_area=str(line.get("force_area", "")),
            individual_engagement=str(line.get("individual_engagement", "")),
            household_engagement=str(line.get("household_engagement", "")),
            household_id=HouseholdId(str(household)) if household else None,
            associates=tuple(MemberId(one) for one in _several(line.get("associates"))),
            navigator_id=NavigatorId(str(line["navigator_id"])) if line.get("navigator_id") else None,
            watch=WatchAuthority(
                reason=str(line.get("watch_reason", "")),
                lawful_basis=str(line.get("lawful_basis", "")),
                authorised_by=str(line.get("authorised_by", "")),
                starts=days.get("starts"),
                review_on=days.get("review_on"),
                ends=days.get("ends"),
            ),
            allowed_feeds=feeds or tuple(Feed),
            joined_at=start,
        )

    def day(self, value: object, path: Path) -> date:
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError as error:
            raise self.fault("not a date such as 2009-05-04", path) from error

    def word(self, enum: type[Any], value: object, path: Path) -> Any:
        try:
            return enum(value)
        except ValueError:
            word = folded_word(str(value)) if isinstance(value, str) else ""
            alike = next((one for one in enum if folded_word(one.value) == word), None)
            if alike is None:
                allowed = ", ".join(one.value for one in enum)
                raise self.fault(f"{value!r} is none of {allowed}", path) from None
            return alike

    def step(self, line: Mapping[str, Any], start: datetime, path: Path, place: int) -> Step:
        self.only(line, _STEP_FIELDS, path)
        if "kind" not in line:
            raise self.fault("a timeline entry needs a kind such as ed.arrival", path)
        kind = self.word(Kind, line["kind"], (*path, "kind"))
        feed = kind.feed or self.word(Feed, line.get("feed", "police"), (*path, "feed"))
        said = self.spelt(kind, line.get("attributes"), (*path, "attributes"))
        at = self.moment(line.get("at", "0h"), (*path, "at"), start)
        told = line.get("role") or said.role
        role = self.word(Role, role_word(str(told)), (*path, "role")) if told else natural_role(kind)
        member = MemberId(str(line["member"])) if line.get("member") else None
        key = str(line.get("source_key", f"entry-{place + 1}"))
        system = str(line.get("source_system", f"scenario-{feed}"))
        version = str(
            line.get("version") or digest(*(f"{name}={line[name]}" for name in sorted(line) if name != "received"))
        )
        event = Event(
            event_id=event_id(feed=feed, source_system=system, source_key=key, kind=kind, version=version),
            kind=kind,
            feed=feed,
            source_system=system,
            source_key=key,
            occurred_at=at,
            received_at=self.moment(line["received"], (*path, "received"), start) if "received" in line else at,
            recorded_at=self.moment(line["recorded_at"], (*path, "recorded_at"), start)
            if line.get("recorded_at") is not None
            else None,
            version=version,
            sequence=self.number(line.get("sequence"), (*path, "sequence")),
            mentions=(Mention("1", role, Identity(), member),) if member else (),
            place=self.place(line.get("place") or said.place, said.force_area, (*path, "place")),
            attributes=self.value(ATTRIBUTES_BY_KIND[kind], said.values, (*path, "attributes"), start),
            regime=self.word(Regime, line.get("regime", Regime.PART2), (*path, "regime")),
            marking=self.word(Marking, line.get("marking", Marking.OFFICIAL), (*path, "marking")),
            handling=self.word(Handling, line.get("handling") or "NONE", (*path, "handling")),
            retracts=line.get("retracts"),
        )
        return Step(event, member, role)

    def spelt(self, kind: Kind, written: object, path: Path) -> Spelt:
        if written is not None and not isinstance(written, dict):
            raise self.fault("a mapping of fields is needed here", path)
        try:
            return spelt(kind, written or {})
        except ValueError as error:
            raise self.fault(str(error), path) from error

    def place(self, written: object, force_area: str | None, path: Path) -> Place | None:
        """Where it happened; a force area may also stand among the attributes."""
        if not written and force_area is None:
            return None
        place: Place = self.value(Place, written or {}, path)
        for name, most in (("lat", 90), ("lon", 180)):
            degrees = getattr(place, name)
            if degrees is not None and not -most <= degrees <= most:
                raise self.fault(f"'{name}' is {degrees:g}; it lies between -{most} and {most}", (*path, name))
        return replace(place, force_area=place.force_area or force_area)

    def number(self, value: object, path: Path) -> int | None:
        try:
            return None if value is None else int(str(value))
        except ValueError:
            raise self.fault(f"{value!r} is not a whole number", path) from None

    def value(self, kind: Any, written: Any, path: Path, start: datetime | None = None) -> Any:
        """A frozen value of `kind` from a mapping of its fields."""
        if not isinstance(written, Mapping):
            raise self.fault("a mapping of fields is needed here", path)
        hints = get_type_hints(kind)
        self.only(written, frozenset(field.name for field in fields(kind)), path)
        read = {name: self.coerced(hints[name], value, (*path, name), start) for name, value in written.items()}
        emptied = (name for name, value in written.items() if value == [] and name in STATED_LISTS)
        read |= dict.fromkeys(emptied, NONE_STATED)
        return kind(**{name: value for name, value in read.items() if value is not None})

    def coerced(self, hint: Any, value: Any, path: Path, start: datetime | None = None) -> Any:
        if value is None:
            return None
        if get_origin(hint) in (Union, UnionType):
            inner = next(part for part in get_args(hint) if part is not type(None))
            return self.coerced(inner, value, path, start)
        if get_origin(hint) is tuple:
            return tuple(str(one) for one in (value if isinstance(value, list) else [value]) if one is not None)
        if hint is Grade:
            return self.value(Grade, value, path)
        if hint is datetime:
            return self.moment(value, path, start)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return self.word(hint, value, path)
        if hint in (int, float, bool):
            return self.plain(hint, value, path)
        return str(value)

    def plain(self, hint: type, value: Any, path: Path) -> Any:
        """A number or a truth, also written as text."""
        words = {"true": True, "yes": True, "y": True, "false": False, "no": False, "n": False}
        if hint is bool:
            if isinstance(value, bool) or str(value).strip().lower() in words:
                return value if isinstance(value, bool) else words[str(value).strip().lower()]
            raise self.fault(f"{value!r} is neither true nor false", path)
        try:
            return hint(str(value)) if not isinstance(value, bool) else hint("none")
        except ValueError:
            raise self.fault(f"{value!r} is not a number", path) from None

    def expectation(self, line: Mapping[str, Any], start: datetime, path: Path) -> Expectation:
        for name in ("at", "member", "rule"):
            if name not in line:
                raise self.fault(f"an expectation needs '{name}'", path)
        more = {_TOLD_AS.get(name, name): value for name, value in line.items() if name not in ("at", "member", "rule")}
        for name in more:
            if name not in _FIRING_FIELDS:
                raise self.fault(f"'{name}' is nothing a firing has; it has {', '.join(_COMPARED)}", (*path, name))
        at = self.moment(line["at"], (*path, "at"), start)
        return Expectation(at, MemberId(str(line["member"])), str(line["rule"]), more)


_TOLD_AS = {"version": "rule_version", "reviews": "review", "id": "firing_id"}
_FIRING_FIELDS = frozenset(field.name for field in fields(TriggerFired))
_COMPARED = ("priority", "late", "step", "review", "ground", "headline", "rule_version")

_COHORT_FIELDS = frozenset(
    [
        "given_names",
        "family_name",
        "aliases",
        "date_of_birth",
        "sex",
        "nhs_number",
        "pnc_id",
        "cro",
        "nominal_ids",
        "addresses",
        "postcodes",
        "phones",
        "emails",
        "member_id",
        "status",
        "programme",
        "area",
        "force_area",
        "navigator_id",
        "household_id",
        "associates",
        "watch_reason",
        "lawful_basis",
        "authorised_by",
        "starts",
        "review_on",
        "ends",
        "allowed_feeds",
        "individual_engagement",
        "household_engagement",
    ]
)

_STEP_FIELDS = frozenset(
    [
        "at",
        "received",
        "event_id",
        "kind",
        "member",
        "feed",
        "role",
        "source_key",
        "source_system",
        "version",
        "sequence",
        "place",
        "recorded_at",
        "attributes",
        "handling",
        "retracts",
        "regime",
        "marking",
        "provenance",
    ]
)


def _several(value: object) -> list[str]:
    """A list, or a cell with ';' between values."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [str(one) for one in value]
    return [part.strip() for part in str(value).split(";") if part.strip()]


def span_from(start: datetime, at: datetime) -> str:
    """An instant as a span from `start`, as a scenario would write it."""
    minutes = (at - start) / timedelta(minutes=1)
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes / size:g}{unit}"
    return f"{minutes:g}m"
