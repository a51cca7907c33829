"""The ED feed by HL7 v2 ADT: one message becomes an Event, a Rejected with its place, or an Ignored (domain.md 1.1).

Only what is missing for recognising or deciding is fatal; any other bad field is dropped. Codes are kept, text is not.
Emergency visits only: class E, admission through A&E (21, 28) or the specialty A&E (180).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from domain.attributes import EdAttributes
from domain.clock import LONDON
from domain.events import Event, Mention, Provenance
from domain.identity import Identity
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from streams.feeds.ed_codes import NOTHING, Classified, Coded, EdCodes, Meaning, classify
from streams.feeds.ed_person import (
    REPEATING,
    PatientNumber,
    cleared_fields,
    main_number,
    read_identity,
    read_numbers,
)
from streams.feeds.er7 import Er7Limits, Fault, Message, Segment, read_message
from streams.feeds.hl7_time import read_moment
from streams.feeds.outcome import Ignored, ParseResult, Rejected, RejectReason, Where
from streams.making import maker

CONTENT_TYPE = "hl7"
VERSIONS = frozenset({"2.3", "2.3.1", "2.4", "2.5", "2.5.1"})
KINDS = {
    "A01": Kind.ED_ADMITTED,
    "A03": Kind.ED_DEPARTED,
    "A04": Kind.ED_ARRIVAL,
    "A08": Kind.ED_UPDATED,
    "A11": Kind.ED_CANCELLED,
    "A13": Kind.ED_REOPENED,
    "A28": Kind.ED_PERSON_UPDATED,
    "A31": Kind.ED_PERSON_UPDATED,
    "A40": Kind.ED_MERGED,
}
"""Trigger event to kind; other events of ADT are valid and ignored."""

_ADT_EVENT = re.compile(r"A(?:0[1-9]|[1-5]\d|6[0-2])")
_VISITLESS = frozenset({Kind.ED_PERSON_UPDATED, Kind.ED_MERGED})
_NEEDS_CLASS = frozenset({Kind.ED_ARRIVAL, Kind.ED_ADMITTED})
_MODES = {
    "A": "ambulance",
    "C": "car",
    "F": "foot",
    "H": "helicopter",
    "O": "other",
    "P": "public_transport",
    "U": "unknown",
}
"""PV2-38."""
_SITE = re.compile(r"[A-Z0-9]{3,6}")
_MAX_CONTROL_ID = 199
"""MSH-10: 20 characters in ITK, 199 in the newest HL7; a longer one cannot be echoed."""
_KEPT_BYTES = 64 * 1024
"""How much of an oversize message goes to quarantine."""


@dataclass(frozen=True, slots=True)
class EdPolicy:
    """What the parser needs to know besides the bytes. `future_tolerance` forgives a sender's wrong clock: a missed
    arrival is worse than one that is dated some hours ahead."""

    codes: EdCodes
    limits: Er7Limits = Er7Limits()
    future_tolerance: timedelta = timedelta(hours=24)


def parse_ed(
    raw: bytes, *, received_at: datetime, channel: str, source: str, position: int | None, policy: EdPolicy
) -> ParseResult:
    """The event of one ADT message. Never raises. `received_at` is aware UTC; `position` counts from 1 in a file.

    The event id is made of MSH-3, MSH-4, MSH-10 and the kind, so a repeated control id is the same event.
    """
    message = read_message(raw, policy.limits)
    control_id = ""
    result: Event | Ignored | Fault
    if isinstance(message, Fault):
        result = message
    else:
        control_id = message.header.value(10)[:_MAX_CONTROL_ID]
        result = _read(message, received_at, policy, (channel, source, position))
    if not isinstance(result, Fault):
        return result
    where = Where(position, result.where.segment, result.where.field)
    kept = raw[:_KEPT_BYTES] if result.reason is RejectReason.TOO_LARGE else raw
    return Rejected(
        result.reason, result.detail, Feed.ED, kept, where, channel, source, CONTENT_TYPE, control_id=control_id
    )


@dataclass(frozen=True, slots=True, repr=False)
class _Adt:
    """A message on its way to be an event: what several steps need to see of it. `latest` is the end of the past."""

    kind: Kind
    message: Message
    pid: Segment | None
    pv1: Segment | None
    site: str
    numbers: list[PatientNumber]
    latest: datetime
    policy: EdPolicy

    def value(self, segment: str, number: int) -> str:
        """A field of the first segment of that name; '' when absent or null."""
        found = self.message.first(segment)
        return found.value(number) if found else ""


_make_adt, _make_event, _make_attributes, _make_mention, _make_provenance = (
    maker(_Adt),
    maker(Event),
    maker(EdAttributes),
    maker(Mention),
    maker(Provenance),
)


def _read(
    message: Message, received_at: datetime, policy: EdPolicy, origin: tuple[str, str, int | None]
) -> Event | Ignored | Fault:
    kind = _read_kind(message)
    if isinstance(kind, Fault | Ignored):
        return kind
    pid, pv1, site = message.first("PID"), message.first("PV1"), message.header.value(4)
    refused = _missing_segment(kind, pid, pv1) or _too_many(message, policy.limits) or _not_ours(message, kind, pv1)
    if refused:
        return refused
    numbers = read_numbers(pid, 3, site, policy.limits) if pid else []
    adt = _make_adt(kind, message, pid, pv1, site, numbers, received_at + policy.future_tolerance, policy)
    live = message.header.value(11) == "P"
    channel, source, position = origin
    return _event(adt, received_at, _make_provenance(channel, source, position, live))


def _read_kind(message: Message) -> Kind | Ignored | Fault:
    """What the header says that it is, once the header itself can be taken."""
    header, evn = message.header, message.first("EVN")
    if not header.value(9) and not header.raw(12):
        return Fault(RejectReason.TRUNCATED, "ends inside the header", Where(segment="MSH"))
    control_id = header.value(10)
    if not control_id:
        return _fault(RejectReason.MISSING_FIELD, "no message control id", "MSH-10")
    if len(control_id) > _MAX_CONTROL_ID:
        return _fault(RejectReason.BAD_VALUE, "message control id too long", "MSH-10")
    if header.value(9).upper() != "ADT":
        return _fault(RejectReason.UNSUPPORTED_MESSAGE, "not an ADT message", "MSH-9.1")
    if header.value(12) not in VERSIONS:
        return _fault(RejectReason.UNSUPPORTED_VERSION, "not one of versions 2.3 to 2.5.1", "MSH-12")
    trigger = header.value(9, 2).upper() or (evn.value(1).upper() if evn else "")
    if trigger in KINDS:
        return KINDS[trigger]
    if _ADT_EVENT.fullmatch(trigger):
        return Ignored(f"ADT {trigger}", Feed.ED, control_id)
    return _fault(RejectReason.UNSUPPORTED_MESSAGE, "not an event of ADT", "MSH-9.2")


def _event(adt: _Adt, received_at: datetime, provenance: Provenance) -> Event | Fault:
    header = adt.message.header
    source_system, source_key = f"{header.value(3)}:{adt.site}", header.value(10)
    if len(source_system) > 2 * adt.policy.limits.max_value:
        return _fault(RejectReason.BAD_VALUE, "name of the sending system too long", "MSH-3")
    occurred_at = _occurred_at(adt)
    if isinstance(occurred_at, Fault):
        return occurred_at
    identity = _identity(adt)
    attributes = _attributes(adt, occurred_at, identity)
    if isinstance(attributes, Fault):
        return attributes
    return _make_event(
        event_id=event_id(feed=Feed.ED, source_system=source_system, source_key=source_key, kind=adt.kind, version="1"),
        kind=adt.kind,
        feed=Feed.ED,
        source_system=source_system,
        source_key=source_key,
        occurred_at=occurred_at,
        received_at=received_at,
        recorded_at=_moment(adt.value("EVN", 2), adt.latest) or _moment(header.value(7), adt.latest),
        sequence=_sequence(header.value(13)),
        mentions=(_make_mention("1", Role.PATIENT, identity),) if adt.pid else (),
        attributes=attributes,
        provenance=provenance,
    )


def _missing_segment(kind: Kind, pid: Segment | None, pv1: Segment | None) -> Fault | None:
    """PID says who: needed to recognise, and not to amend a visit that is known. PV1 says which visit."""
    if pid is None and (kind in _NEEDS_CLASS or kind in _VISITLESS):
        return Fault(RejectReason.MISSING_FIELD, "no patient segment", Where(segment="PID"))
    if pv1 is None and kind not in _VISITLESS:
        return Fault(RejectReason.MISSING_FIELD, "no visit segment", Where(segment="PV1"))
    return None


def _too_many(message: Message, limits: Er7Limits) -> Fault | None:
    """Fields that we read with more repetitions than any patient has; those that we do not read may have any."""
    if message.repetitions < limits.max_repeats and len(message.all("DG1")) <= limits.max_repeats:
        return None
    for name, numbers in (("PID", REPEATING), ("MRG", (1,)), ("PV1", (19, 50))):
        segment = message.first(name)
        for number in numbers if segment else ():
            if segment and segment.count(number) > limits.max_repeats:
                return _fault(RejectReason.TOO_MANY_REPEATS, "too many repetitions", f"{name}-{number}")
    if len(message.all("DG1")) > limits.max_repeats:
        return Fault(RejectReason.TOO_MANY_REPEATS, "too many diagnoses", Where(segment="DG1"))
    return None


def _not_ours(message: Message, kind: Kind, pv1: Segment | None) -> Ignored | Fault | None:
    """Visits of other departments are ignored. A message that does not say is refused where it opens a visit, and
    taken where it amends one: if the visit is not ours, nothing is amended."""
    if pv1 is None or kind in _VISITLESS:
        return None
    emergency = _is_emergency(pv1)
    if emergency is False:
        return Ignored("not an emergency visit", Feed.ED, message.header.value(10))
    if emergency is None and kind in _NEEDS_CLASS:
        return _fault(RejectReason.MISSING_FIELD, "no patient class", "PV1-2")
    return None


def _is_emergency(pv1: Segment) -> bool | None:
    """Whether the visit is one of the emergency department; None where the message does not say."""
    patient_class, method, specialty = pv1.value(2).upper(), pv1.value(4), pv1.value(10)
    if patient_class == "E" or method in {"21", "28"} or specialty == "180":
        return True
    return False if patient_class or method or specialty else None


def _occurred_at(adt: _Adt) -> datetime | Fault:
    """When it really happened: EVN-6; else, for arrivals PV1-44 and for departures PV1-45; else EVN-2; else MSH-7.

    The first one given to the minute wins, then the first one given to the day. Unreadable and future ones are passed
    over; if nothing else is left, that is the fault.
    """
    written = list(filter(None, _times(adt)))
    coarse: datetime | None = None
    future = False
    for text in written:
        moment = read_moment(text)
        if moment is None:
            continue
        if moment.value > adt.latest:
            future = True
        elif moment.exact:
            return moment.value
        else:
            coarse = coarse or moment.value
    if coarse:
        return coarse
    if future:
        return _fault(RejectReason.FUTURE_DATE, "every time given lies in the future", "EVN-6")
    if written:
        return _fault(RejectReason.BAD_DATE, "no time given can be read", "MSH-7")
    return _fault(RejectReason.MISSING_FIELD, "no time given", "MSH-7")


def _times(adt: _Adt) -> Iterator[str]:
    yield adt.value("EVN", 6)
    own = {Kind.ED_ARRIVAL: 44, Kind.ED_DEPARTED: 45}.get(adt.kind)
    if own:
        yield adt.value("PV1", own)
    yield adt.value("EVN", 2)
    yield adt.message.header.value(7)


def _identity(adt: _Adt) -> Identity:
    if adt.pid is None:
        return Identity()
    shielded = adt.value("ZU8", 4).upper() not in {"", "N", "0"}
    today = _london_day(adt.latest)
    return read_identity(adt.pid, adt.numbers, shielded=shielded, today=today, limits=adt.policy.limits)


def _attributes(adt: _Adt, occurred_at: datetime, identity: Identity) -> EdAttributes | Fault:
    """What the message says of the visit, or of the patient's record where it is about no visit."""
    nulls = adt.message.has_nulls
    cleared = cleared_fields(adt.pid, identity) if adt.pid and nulls else ()
    main = main_number(adt.numbers)
    patient_key = main.key if main else ""
    if adt.kind is Kind.ED_MERGED:
        return _merge(adt)
    if adt.pv1 is None or adt.kind is Kind.ED_PERSON_UPDATED:
        if not patient_key and not identity.names:
            return _fault(RejectReason.MISSING_FIELD, "neither a number nor a name", "PID-3")
        return EdAttributes(patient_key=patient_key, site_ods=_ods(adt.site), cleared=cleared)
    visit_key = _visit_key(adt.pv1, adt.site, adt.policy.limits)
    if not visit_key and not patient_key:
        return _fault(RejectReason.MISSING_FIELD, "neither a visit number nor a patient number", "PV1-19")
    coded = _classified(adt, occurred_at)
    return _make_attributes(
        visit_key=visit_key,
        patient_key=patient_key,
        site_ods=_ods(adt.pv1.value(3, 4)) or _ods(adt.site),
        arrival=_moment(adt.pv1.value(44), adt.latest),
        mode=_MODES.get(adt.value("PV2", 38).upper()),
        intent=coded.intent,
        mechanism=coded.mechanism,
        safeguarding=coded.safeguarding,
        codes=coded.codes,
        code_class=coded.code_class,
        departed_at=_moment(adt.pv1.value(45), adt.latest),
        disposition=adt.policy.codes.disposition(adt.site, adt.pv1.value(36)),
        patient_class=adt.pv1.value(2).upper()[:1] or None,
        cleared=cleared + _cleared_visit(adt.message, adt.pv1) if nulls else (),
    )


def _visit_key(pv1: Segment, site: str, limits: Er7Limits) -> str:
    """The visit number (PV1-19, else PV1-50), scoped by its authority, else by the facility; '' if there is none."""
    for number in (19, 50):
        for visit in read_numbers(pv1, number, site, limits):
            return f"{visit.authority}:{visit.value}"
    return ""


def _merge(adt: _Adt) -> EdAttributes | Fault:
    """Who survives (PID-3) and who does not (MRG-1): numbers of the same authority where there are such."""
    merges = adt.message.all("MRG")
    if len(merges) > 1:
        return Fault(RejectReason.UNSUPPORTED_MESSAGE, "several merges in one message", Where(segment="MRG"))
    gone = main_number(read_numbers(merges[0], 1, adt.site, adt.policy.limits)) if merges else None
    if gone is None:
        return _fault(RejectReason.MISSING_FIELD, "no record that was merged", "MRG-1")
    same = [number for number in adt.numbers if (number.authority, number.kind) == (gone.authority, gone.kind)]
    survivor = main_number(same) or main_number(adt.numbers)
    if survivor is None:
        return _fault(RejectReason.MISSING_FIELD, "no record that survives", "PID-3")
    return EdAttributes(patient_key=survivor.key, merged_patient_key=gone.key, site_ods=_ods(adt.site))


def _classified(adt: _Adt, occurred_at: datetime) -> Classified:
    """What DG1-3 and the site's own admit reasons say, by the lists in force on the day."""
    codes = adt.policy.codes
    coded: list[Coded] = []
    for dg1 in adt.message.all("DG1"):
        method = dg1.value(2)
        coded += [Coded(dg1.value(3, at), dg1.value(3, at + 2) or method) for at in (1, 4) if dg1.value(3, at)]
    local: list[Meaning] = []
    if codes.local_codes:
        known = (codes.local(adt.site, code) for number in (3, 12) if (code := adt.value("PV2", number)))
        local = [meaning for meaning in known if meaning]
    if not coded and not local:
        return NOTHING
    return classify(coded, local, codes.in_force(_london_day(occurred_at)))


def _cleared_visit(message: Message, pv1: Segment) -> tuple[str, ...]:
    """The fields of EdAttributes that the message sets to null."""
    pv2 = message.first("PV2")
    named = (("disposition", pv1, 36), ("arrival", pv1, 44), ("departed_at", pv1, 45), ("mode", pv2, 38))
    cleared = [name for name, segment, number in named if segment and segment.is_null(number)]
    if any(dg1.is_null(3) for dg1 in message.all("DG1")):
        cleared += ["codes", "intent", "mechanism", "code_class"]
    return tuple(cleared)


def _london_day(moment: datetime) -> date:
    """The day in London of a moment in UTC. London has never been more than two hours ahead, nor behind since 1900."""
    return moment.date() if moment.hour < 22 else moment.astimezone(LONDON).date()


def _ods(value: str) -> str | None:
    return _site(value) if 3 <= len(value) <= 6 else None


@lru_cache(maxsize=256)
def _site(value: str) -> str | None:
    return value.upper() if _SITE.fullmatch(value.upper()) else None


def _moment(text: str, latest: datetime) -> datetime | None:
    """An optional time: to the minute and not in the future, else not said."""
    moment = read_moment(text) if text else None
    return moment.value if moment and moment.exact and moment.value <= latest else None


def _sequence(text: str) -> int | None:
    """MSH-13; zero and below are signals of the sequence protocol, not positions."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 and int(text) > 0 else None


def _fault(reason: RejectReason, detail: str, field: str) -> Fault:
    return Fault(reason, detail, Where(segment=field.partition("-")[0], field=field))
