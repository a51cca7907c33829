"""Whether a feed's key speaks only for its own systems, before anything of a body is taken.

A key bound to systems may send records (and retract records) of those only; the first foreign one refuses the request,
because it is a fault of set-up and not of a record. Reads no more than that one field; what cannot be read is left to
the parser, which quarantines it. For HL7 the system is the sending application, MSH-3.
"""

import re
from collections.abc import Collection, Iterator

import msgspec

HL7_TYPES = frozenset({"application/hl7-v2", "x-application/hl7-v2+er7", "application/hl7-v2+er7"})
JSON_TYPES = frozenset(
    {"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
_HEADER = re.compile(
    rb"(?:^|[\r\n])[^A-Za-z0-9\r\n]*MSH([^A-Za-z0-9\r\n][^\r\n]*)"
)  # whatever a framing left before it
_BOM = b"\xef\xbb\xbf"


class _Retracted(msgspec.Struct):
    source_system: str | None = None


class _Spoken(msgspec.Struct):
    source_system: str | None = None
    retracts: _Retracted | str | None = None


_one = msgspec.json.Decoder(_Spoken)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def media_of(content_type: str) -> str:
    """The media type without parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def first_foreign(body: bytes, content_type: str, allowed: Collection[str]) -> int | None:
    """The index (from 0, blank lines apart) of the first item that names a system not in `allowed`, or None."""
    media = media_of(content_type)
    named = _hl7(body) if media in HL7_TYPES else _json(body, media)
    return next((index for index, system in named if system is not None and system not in allowed), None)


def _json(body: bytes, media: str) -> Iterator[tuple[int, str | None]]:
    text = body.removeprefix(_BOM)
    for index, raw in enumerate(_items(text) if media == "application/json" else _lines(text)):
        try:
            spoken = _one.decode(raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            continue
        yield index, _said(spoken.source_system)
        if isinstance(spoken.retracts, _Retracted):
            yield index, _said(spoken.retracts.source_system)


def _said(system: str | None) -> str | None:
    """The name as the parser reads it: without spaces around, and single ones inside."""
    return " ".join(system.split()) if system else None


def _lines(text: bytes) -> list[bytes]:
    return [line for line in text.split(b"\n") if line.strip()]


def _items(text: bytes) -> list[bytes]:
    if text.lstrip()[:1] != b"[":
        return [text]
    try:
        return [bytes(raw) for raw in _raws.decode(text)]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return []


def _hl7(body: bytes) -> Iterator[tuple[int, str | None]]:
    for index, header in enumerate(_HEADER.finditer(body)):
        fields = header[1].split(header[1][:1])
        component = fields[1][:1] if len(fields) > 1 and fields[1] else b"^"
        sender = fields[2].split(component)[0] if len(fields) > 2 else b""
        yield index, sender.decode("latin-1").strip()
