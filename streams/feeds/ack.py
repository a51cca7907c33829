"""HL7 acknowledgements (domain.md 1.2): AA accepted, AE try again, AR we shall never take this, with where and why.

Texts name places, never values. The header is read apart from the parser, so that even bytes that no parser could
take are answered as far as they can be.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from streams.feeds.er7 import Er7Limits, Message, read_message
from streams.feeds.outcome import ParseResult, Rejected, RejectReason
from streams.feeds.receipts import Receipt

_MAX_ECHO = 227
"""Characters of a header field that are echoed; HL7 names of systems are far shorter."""


class AckCode(StrEnum):
    """MSA-1 in original mode; the ITK profile knows no enhanced mode."""

    AA = "AA"
    AE = "AE"
    AR = "AR"


CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "203": "Unsupported version id",
    "205": "Duplicate key identifier",
    "207": "Application internal error",
}
"""HL7 table 0357, the part we use."""

_CONDITION_BY_REASON = {
    RejectReason.EMPTY: "100",
    RejectReason.TRUNCATED: "100",
    RejectReason.NOT_PARSEABLE: "100",
    RejectReason.TOO_LARGE: "102",
    RejectReason.BAD_ENCODING: "102",
    RejectReason.BAD_VALUE: "102",
    RejectReason.BAD_DATE: "102",
    RejectReason.FUTURE_DATE: "102",
    RejectReason.TOO_MANY_REPEATS: "102",
    RejectReason.MISSING_FIELD: "101",
    RejectReason.UNSUPPORTED_MESSAGE: "200",
    RejectReason.UNSUPPORTED_VERSION: "203",
    RejectReason.KEY_REUSED: "205",
}


@dataclass(frozen=True, slots=True)
class Header:
    """What an answer needs of the message it answers, as sent; '' where it could not be read."""

    sending_app: str = ""
    sending_facility: str = ""
    receiving_app: str = ""
    receiving_facility: str = ""
    control_id: str = ""
    trigger: str = ""
    structured: bool = True  # whether MSH-9 had three parts
    processing_id: str = "P"
    version: str = "2.4"
    charset: str = ""
    codec: str = "utf-8"
    field: str = "|"
    marks: str = "^~\\&"


def read_header(raw: bytes) -> Header:
    """The header of `raw`, as much as can be read; never fails."""
    first = raw[:4096].strip(b"\x0b\x1c\r\n\t ").replace(b"\n", b"\r").split(b"\r", 1)[0]
    message = read_message(first.replace(b"\x00", b""), Er7Limits())
    return header_of(message) if isinstance(message, Message) else Header()


def header_of(message: Message) -> Header:
    """The header of a message that was read."""
    msh = message.header
    separators = message.separators

    def echo(number: int) -> str:
        return _printable(msh.raw(number)[:_MAX_ECHO])

    return Header(
        sending_app=echo(3),
        sending_facility=echo(4),
        receiving_app=echo(5),
        receiving_facility=echo(6),
        control_id=msh.value(10)[:_MAX_ECHO],
        trigger=msh.value(9, 2)[:3],
        structured=len(msh.components(msh.raw(9))) > 2,
        processing_id=echo(11) or "P",
        version=echo(12) or "2.4",
        charset=echo(18),
        codec=message.charset,
        field=separators.field,
        marks=separators.component + separators.repetition + separators.escape + separators.subcomponent,
    )


def decide_code(outcome: ParseResult, receipt: Receipt) -> tuple[AckCode, str]:
    """The acknowledgement code and the condition of table 0357.

    AA for whatever needs no sending again: events, repeats, what is ignored, and what a fault of ours put into
    quarantine (it is durable and will be replayed). AE only where sending again can help.
    """
    if receipt is Receipt.UNAVAILABLE:
        return AckCode.AE, "207"
    if receipt is Receipt.CONFLICT:
        return AckCode.AA, "0"  # a repeated control id is not sent again; what differs is kept for a human
    if not isinstance(outcome, Rejected) or outcome.reason is RejectReason.PROCESSING_FAILED:
        return AckCode.AA, "0"
    condition = _CONDITION_BY_REASON.get(outcome.reason, "102")
    if outcome.reason is RejectReason.MISSING_FIELD and not outcome.where.field:
        condition = "100"  # the whole segment is missing
    if outcome.reason is RejectReason.UNSUPPORTED_MESSAGE and outcome.where.field == "MSH-9.2":
        condition = "201"
    return AckCode.AR, condition


def acknowledge(
    outcome: ParseResult,
    header: Header,
    *,
    control_id: str,
    answers: str,
    now: datetime,
    receipt: Receipt = Receipt.ACCEPTED,
) -> bytes:
    """The ACK message, unframed. `control_id` is its own new id, `answers` the MSH-10 it answers ('' if unreadable).

    Call it only after the outcome is durable. `now` is aware UTC. ERR follows the version of the message: one
    component list up to 2.4, separate fields from 2.5 on.
    """
    code, condition = decide_code(outcome, receipt)
    sep, component = header.field, header.marks[0]
    kind = ["ACK", header.trigger] if header.trigger else ["ACK"]
    if header.structured and header.trigger:
        kind.append("ACK")
    msh = ["MSH", header.marks, header.receiving_app, header.receiving_facility, header.sending_app]
    msh += [header.sending_facility, now.strftime("%Y%m%d%H%M%S%z"), "", component.join(kind), control_id]
    msh += [header.processing_id, header.version, *([""] * 5), header.charset]
    coded = component.join((condition, CONDITIONS[condition], "HL70357"))
    detail = _text(outcome, receipt, header) if code is not AckCode.AA else ""
    msa = ["MSA", code.value, _clean(answers, header), detail, "", "", coded if code is not AckCode.AA else ""]
    segments = [msh, msa]
    if code is not AckCode.AA:
        segments.append(_error(outcome, condition, header, coded))
    return "".join(sep.join(segment).rstrip(sep) + "\r" for segment in segments).encode(header.codec, "replace")


def _error(outcome: ParseResult, condition: str, header: Header, coded: str) -> list[str]:
    """The ERR segment: where, and which condition."""
    component, subcomponent = header.marks[0], header.marks[3]
    where = outcome.where if isinstance(outcome, Rejected) else None
    segment = where.segment if where else ""
    position = where.field.partition("-")[2].partition(".")[0] if where else ""
    if header.version.startswith(("2.5", "2.6", "2.7", "2.8")):
        place = component.join((segment, "1", position)).rstrip(component) if segment else ""
        return ["ERR", "", place, coded, "E"]
    cause = subcomponent.join((condition, CONDITIONS[condition], "HL70357"))
    return ["ERR", component.join((segment, "1" if segment else "", position, cause))]


def _text(outcome: ParseResult, receipt: Receipt, header: Header) -> str:
    if receipt is Receipt.UNAVAILABLE:
        return "not stored, please send again"
    if receipt is Receipt.CONFLICT:
        return "this control id was used before for other content"
    if not isinstance(outcome, Rejected):
        return ""
    place = outcome.where.field or outcome.where.segment
    return _clean(f"{outcome.reason.value}{f' at {place}' if place else ''}", header)


def _clean(value: str, header: Header) -> str:
    """A value that cannot break the message it is written into."""
    return _printable(value[:_MAX_ECHO]).replace(header.field, "")


def _printable(value: str) -> str:
    return value if value.isprintable() else "".join(filter(str.isprintable, value))
