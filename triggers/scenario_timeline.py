"""The timeline of a rule test and what it expects, entry by entry. Any field of the envelope may stand in an entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from domain.attributes import ATTRIBUTES_BY_KIND, Handling
from domain.events import Event, Marking, Mention, Place, Regime
from domain.identity import Identity
from domain.ids import MemberId, digest, event_id
from domain.kinds import Feed, Kind, Role, natural_role
from domain.triggers import TriggerFired
from triggers.reading import Path
from triggers.scenario_reader import Reader
from triggers.scenario_values import Expectation
from triggers.spelling import Spelt, role_word, spelt
from triggers.timelines import Step

STEP_FIELDS = (
    "at", "received", "event_id", "kind", "member", "feed", "role", "source_key", "source_system", "version",
    "sequence", "place", "recorded_at", "attributes", "handling", "retracts", "regime", "marking", "provenance",
)  # fmt: skip

_TOLD_AS = {"version": "rule_version", "reviews": "review", "id": "firing_id"}
_FIRING_FIELDS = frozenset(each.name for each in fields(TriggerFired))
_COMPARED = ("at", "member", "rule", "priority", "late", "step", "review", "ground", "headline", "rule_version")


@dataclass(frozen=True, slots=True)
class Listed:
    """A step, whether the file gives its version, and by which `event_id` the file calls it ('': by none). `told` are
    its attributes as they are written, by their canonical names, each with the name that the author gave it."""

    step: Step
    versioned: bool
    called: str
    told: Mapping[str, tuple[str, Any]] = field(default_factory=dict)


def read_step(reader: Reader, written: Mapping[str, Any], path: Path, place: int) -> Listed | None:
    """A timeline entry; None where it is of no kind that there is."""
    line = reader.known(written, STEP_FIELDS, path)
    reader.needs(line, ("kind",), "a timeline entry", path)
    kind = reader.word(Kind, line["kind"], (*path, "kind")) if "kind" in line else None
    at = reader.moment_as_written(line.get("at", "0h"), (*path, "at"))
    if kind is None:
        return None
    said = _said(reader, kind, line.get("attributes"), (*path, "attributes"))
    told_role = line.get("role") or said.role
    role = _role(reader, kind, told_role, (*path, "role"))
    member = MemberId(str(line["member"])) if line.get("member") else None
    feed = kind.feed or reader.word(Feed, line.get("feed", "police"), (*path, "feed")) or Feed.POLICE
    key = str(line.get("source_key", f"entry-{place + 1}"))
    system = str(line.get("source_system", f"scenario-{feed}"))
    version = str(
        line.get("version") or digest(*(f"{name}={line[name]}" for name in sorted(line) if name != "received"))
    )
    recorded = line.get("recorded_at")
    event = Event(
        event_id=event_id(feed=feed, source_system=system, source_key=key, kind=kind, version=version),
        kind=kind,
        feed=feed,
        source_system=system,
        source_key=key,
        occurred_at=at,
        received_at=reader.moment_as_written(line["received"], (*path, "received")) if "received" in line else at,
        recorded_at=None if recorded is None else reader.moment(recorded, (*path, "recorded_at")),
        version=version,
        sequence=reader.number(line.get("sequence"), (*path, "sequence")),
        mentions=(Mention("1", role, Identity(), member),) if member or told_role else (),
        place=_place(reader, line.get("place") or said.place, said.force_area, (*path, "place")),
        attributes=reader.value(ATTRIBUTES_BY_KIND[kind], said.values, (*path, "attributes")),
        regime=reader.word(Regime, line.get("regime", Regime.PART2), (*path, "regime")) or Regime.PART2,
        marking=reader.word(Marking, line.get("marking", Marking.OFFICIAL), (*path, "marking")) or Marking.OFFICIAL,
        handling=reader.word(Handling, line.get("handling") or "NONE", (*path, "handling")) or Handling.NONE,
        retracts=line.get("retracts"),
    )
    written = line.get("attributes") or {}
    told = {name: (given, written[given]) for name, given in said.given.items()}
    return Listed(Step(event, member, role), bool(line.get("version")), str(line.get("event_id") or ""), told)


def _role(reader: Reader, kind: Kind, told: object, path: Path) -> Role | None:
    """The role that was told, else the natural one of the kind."""
    return reader.word(Role, role_word(str(told)), path) if told else natural_role(kind)


def _said(reader: Reader, kind: Kind, written: object, path: Path) -> Spelt:
    """The attributes under their canonical names."""
    if written is not None and not isinstance(written, Mapping):
        reader.tell("a mapping of fields is needed here", path)
        return Spelt({})
    return spelt(kind, written or {}, lambda message, name: reader.tell(message, (*path, name)))


def _place(reader: Reader, written: object, force_area: str | None, path: Path) -> Place | None:
    """Where it happened; a force area may also stand among the attributes."""
    if not written and force_area is None:
        return None
    place: Place = reader.value(Place, written or {}, path)
    for name, most in (("lat", 90), ("lon", 180)):
        degrees = getattr(place, name)
        if degrees is not None and not -most <= degrees <= most:
            reader.tell(f"'{name}' is {degrees:g}; it lies between -{most} and {most}", (*path, name))
    return replace(place, force_area=place.force_area or force_area)


def read_expectation(reader: Reader, written: Mapping[str, Any], path: Path) -> Expectation:
    """A firing or correction that must be there."""
    line = dict(written)
    strange = {name: value for name, value in written.items() if _TOLD_AS.get(name, name) not in _ASKED}
    if strange:
        known = reader.known(strange, _COMPARED, path, "nothing a firing has")
        line = known | {name: value for name, value in written.items() if name not in strange}
    reader.needs(line, ("at", "member", "rule"), "an expectation", path)
    more = {_TOLD_AS.get(name, name): value for name, value in line.items() if name not in ("at", "member", "rule")}
    at = reader.moment_as_written(line.get("at", 0), (*path, "at"))
    return Expectation(at, MemberId(str(line.get("member", ""))), str(line.get("rule", "")), more)


_ASKED = _FIRING_FIELDS | {"at", "member", "rule"}
