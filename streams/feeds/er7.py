"""ER7: the pipe-and-hat encoding of HL7 v2 (domain.md 1.1), read lazily: a segment is split only when it is asked for.

It knows separators, escapes, repetitions, limits and character sets; it knows nothing of what a field means.
Our own because the `hl7` library needs 339 us a message (libraries.md section 8); the tests check that both agree.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from streams.feeds.outcome import RejectReason, Where

NULL = '""'
"""Two double quotes: "set it to null". An absent field is '': "leave the stored value alone" (ITK spec 3.3.3)."""

_CHARSETS = {
    "": "",
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    **{
        f"{prefix}8859{part}": f"iso8859-{part}"
        for prefix in ("", "ISO", "ISOIEC")
        for part in (*range(1, 12), 13, 14, 15)
    },
}
"""MSH-18 as written, without spaces and punctuation, to the codec. '' means not said."""

_ESCAPE = re.compile(r"\\([^\\]{0,200})\\")
_PLAIN_ESCAPES = {".br": " ", ".sp": " ", "H": "", "N": "", ".fi": "", ".nf": "", ".ce": " "}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_LINE_END = re.compile(rb"[\r\n]")
_HEADERS = (b"FHS", b"BHS")


@dataclass(frozen=True, slots=True)
class Er7Limits:
    """How much of a message is read. `max_value` is in characters; longer values of a field we read are dropped."""

    max_bytes: int = 1 << 20
    max_segments: int = 2_000
    max_repeats: int = 200
    max_value: int = 256


@dataclass(frozen=True, slots=True)
class Fault:
    """Why bytes are not a message. `detail` names places, never values."""

    reason: RejectReason
    detail: str
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class Separators:
    """MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


_USUAL = Separators()
_USUAL_HEAD = b"MSH|^~\\&|"


class Segment:
    """One segment, split into fields at the first question. Fields, components and subcomponents count from 1."""

    __slots__ = ("_charset", "_fields", "_line", "_separators", "name")

    def __init__(self, line: str, separators: Separators, charset: str = "utf-8") -> None:
        self.name = line[:3].upper()
        self._line = line
        self._separators = separators
        self._charset = charset
        self._fields: list[str] | None = None

    def raw(self, number: int) -> str:
        """The field as sent, escapes included; '' when absent. MSH-1 is the field separator itself."""
        fields = self._fields
        if fields is None:
            fields = self._fields = self._split()
        return fields[number] if number < len(fields) else ""

    def _split(self) -> list[str]:
        fields = self._line.split(self._separators.field)
        if self.name == "MSH":
            fields.insert(1, self._separators.field)
        return fields

    def is_null(self, number: int) -> bool:
        """Whether the sender set the field to null."""
        raw = self.raw(number)
        return raw[:2] == NULL and raw.rstrip(self._separators.component + self._separators.repetition) == NULL

    def count(self, number: int) -> int:
        """How many repetitions the field has; 0 when absent. Costs one scan however many there are."""
        raw = self.raw(number)
        return raw.count(self._separators.repetition) + 1 if raw else 0

    def repeats(self, number: int, at_most: int) -> list[str]:
        """The first `at_most` repetitions as sent; what follows them is not split."""
        raw = self.raw(number)
        return raw.split(self._separators.repetition, at_most)[:at_most] if raw else []

    def components(self, repeat: str) -> list[str]:
        """The components of one repetition as sent."""
        return repeat.split(self._separators.component)

    def text(self, component: str) -> str:
        """The first subcomponent as text: unescaped, without control characters, trimmed; '' for null.

        Never longer than the component as sent.
        """
        if not component or component.isalnum():
            return component
        head = component.split(self._separators.subcomponent, 1)[0]
        if head == NULL or not head:
            return ""
        if self._separators.escape in head:
            head = unescape(head, self._separators, self._charset)
        return (head if head.isprintable() else _CONTROL.sub(" ", head)).strip()

    def value(self, number: int, component: int = 1) -> str:
        """The text of one component of the first repetition; '' when absent or null."""
        fields = self._fields
        if fields is None:
            fields = self._fields = self._split()
        if number >= len(fields):
            return ""
        raw = fields[number]
        if not raw or (component == 1 and raw.isalnum()):
            return raw
        parts = raw.split(self._separators.repetition, 1)[0].split(self._separators.component, component)
        return self.text(parts[component - 1]) if component <= len(parts) else ""


class Message:
    """A message: its separators, its codec and its segments, found by name in one step. Immutable once made."""

    __slots__ = ("_by_name", "charset", "has_nulls", "header", "repetitions", "separators")

    def __init__(self, separators: Separators, charset: str, lines: list[str], text: str) -> None:
        """`lines` are the segments of `text`, continuations joined."""
        self.separators = separators
        self.charset = charset
        self.has_nulls = NULL in text
        """Whether any field may be null; nearly never, and then nobody need ask the fields."""
        self.repetitions = text.count(separators.repetition)
        """Repetition marks in the whole message; no field has more."""
        self._by_name: dict[str, list[Segment]] = {}
        for line in lines:
            segment = Segment(line, separators, charset)
            self._by_name.setdefault(segment.name, []).append(segment)
        self.header = self._by_name["MSH"][0]
        """The MSH segment, which is always the first."""

    def first(self, name: str) -> Segment | None:
        """The first segment of that name, or None."""
        found = self._by_name.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name, in order."""
        return self._by_name.get(name, [])


def unescape(value: str, separators: Separators, charset: str = "utf-8") -> str:
    """Undo HL7 escapes: F S T R E, hexadecimal Xdd.., .br as a space; unknown ones stay as they are written."""
    letters = {
        "F": separators.field,
        "S": separators.component,
        "T": separators.subcomponent,
        "R": separators.repetition,
        "E": separators.escape,
    }

    def replacement(found: re.Match[str]) -> str:
        code = found[1]
        if code in letters:
            return letters[code]
        if code[:1] == "X":
            try:
                return bytes.fromhex(code[1:]).decode(charset, "replace")
            except ValueError:
                return found[0]
        if code[:1] in {"C", "M"} and code[1:].isalnum():
            return ""  # switches to a multi-byte set that no sender of ours uses
        return _PLAIN_ESCAPES.get(code.split("+")[0], found[0])

    pattern = (
        _ESCAPE
        if separators.escape == "\\"
        else re.compile(_ESCAPE.pattern.replace(r"\\", re.escape(separators.escape)))
    )
    return pattern.sub(replacement, value)


def read_message(raw: bytes, limits: Er7Limits) -> Message | Fault:
    """The message in `raw` (framing, blank lines and a byte order mark around it are forgiven), or why there is none.

    Segments may end in CR, LF or CRLF. A line that is not a segment continues the one before it, because systems
    leave line breaks inside addresses. Two messages in one are refused: taking the first would lose the second.
    """
    if len(raw) > limits.max_bytes:
        return Fault(RejectReason.TOO_LARGE, f"more than {limits.max_bytes} bytes")
    body = raw.removeprefix(b"\xef\xbb\xbf").strip(b"\x0b\x1c\r\n\t ")
    if not body:
        return Fault(RejectReason.EMPTY, "no content")
    if b"\x00" in body:
        return Fault(RejectReason.NOT_PARSEABLE, "contains NUL bytes")
    separators = _separators(body)
    if isinstance(separators, Fault):
        return separators
    decoded = _decode(body, separators)
    if isinstance(decoded, Fault):
        return decoded
    text, charset = decoded
    return _lines(text, separators, charset, limits)


def _separators(body: bytes) -> Separators | Fault:
    """MSH-1 and MSH-2; characters that MSH-2 leaves out get their usual values."""
    if body.startswith(_USUAL_HEAD):
        return _USUAL
    where = Where(segment="MSH", field="MSH-2")
    if body[:3].upper() != b"MSH":
        if body[:3].upper() in _HEADERS:
            return Fault(RejectReason.UNSUPPORTED_MESSAGE, "a batch where one message was expected")
        return Fault(RejectReason.NOT_PARSEABLE, "does not begin with MSH", Where(segment="MSH"))
    head = body[3:9].decode("latin-1")
    if len(head) < 2:
        return Fault(RejectReason.TRUNCATED, "ends inside MSH", where)
    declared = head[1:].split(head[0], 1)[0][:4]
    marks = head[0] + declared + "^~\\&"[len(declared) :]
    if len(set(marks)) != len(marks) or any(mark.isalnum() or not " " < mark <= "~" for mark in marks):
        return Fault(RejectReason.NOT_PARSEABLE, "separators cannot be told apart", where)
    return Separators(*marks)


def _decode(body: bytes, separators: Separators) -> tuple[str, str] | Fault:
    """The text and its codec. Where MSH-18 says nothing: UTF-8, and failing that Windows-1252, which is what senders
    that leave it out send; a declared character set must hold."""
    end = _LINE_END.search(body)
    header = (body[: end.start()] if end else body).split(separators.field.encode(), 18)
    declared = header[17].decode("latin-1").split(separators.repetition)[0] if len(header) > 17 else ""
    codec = _codec(declared) if len(declared) < 100 else None
    where = Where(segment="MSH", field="MSH-18")
    if codec is None:
        return Fault(RejectReason.BAD_ENCODING, "a character set we do not read", where)
    for candidate in (codec,) if codec else ("utf-8", "cp1252"):
        try:
            return body.decode(candidate), candidate
        except UnicodeDecodeError:
            continue
    return Fault(RejectReason.BAD_ENCODING, "bytes that the character set does not have", where)


@lru_cache(maxsize=64)
def _codec(declared: str) -> str | None:
    """The codec of a character set as written; None for one we do not read."""
    return _CHARSETS.get(re.sub(r"[^A-Z0-9]", "", declared.upper()))


def _lines(text: str, separators: Separators, charset: str, limits: Er7Limits) -> Message | Fault:
    """Split into segments, joining continuation lines."""
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    if text.count("\r") >= 2 * limits.max_segments:
        return Fault(RejectReason.TOO_LARGE, f"more than {limits.max_segments} segments")
    field = separators.field
    lines = [line for line in text.split("\r") if line]
    for line in lines:
        if line[3:4] != field or not line[:3].isalnum():
            lines = _joined(lines, field)
            break
    if len(lines) > limits.max_segments:
        return Fault(RejectReason.TOO_LARGE, f"more than {limits.max_segments} segments")
    message = Message(separators, charset, lines, text)
    if len(message.all("MSH")) > 1:
        return Fault(RejectReason.NOT_PARSEABLE, "two messages in one", Where(segment="MSH"))
    return message


def _joined(lines: list[str], field: str) -> list[str]:
    """The segments, each with the lines that continue it."""
    grouped: list[list[str]] = []
    for line in lines:
        if line[:3].isalnum() and (line[3:4] == field or len(line) == 3):
            grouped.append([line])
        elif not line.isspace():
            grouped[-1].append(line)
    return [group[0] if len(group) == 1 else " ".join(group) for group in grouped]
