"""The ER7 reader: separators, escapes, limits, character sets, and agreement with an independent reader."""

import time

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.feeds.er7 import NULL, Er7Limits, Fault, Message, Separators, read_message, unescape
from streams.feeds.outcome import RejectReason
from tests.trials import trials
from tests.unit.streams.feeds.ed.messages import ITK_A04, adt

LIMITS = Er7Limits()


def read(raw: str | bytes, limits: Er7Limits = LIMITS) -> Message:
    message = read_message(raw.encode() if isinstance(raw, str) else raw, limits)
    assert isinstance(message, Message), message
    return message


def fault(raw: bytes, limits: Er7Limits = LIMITS) -> Fault:
    result = read_message(raw, limits)
    assert isinstance(result, Fault)
    return result


@pytest.mark.parametrize(
    ("ending", "why"),
    [("\r", "the standard"), ("\n", "files from editors"), ("\r\n", "files from Windows"), ("\r\n\r\n", "blank lines")],
)
def test_segments_may_end_in_any_line_break(ending: str, why: str) -> None:
    message = read(ITK_A04.replace("\r", ending) + ending)
    pv1 = message.first("PV1")
    assert pv1 is not None and pv1.value(19) == "V0001", why


def test_a_line_break_inside_an_address_does_not_end_the_segment() -> None:
    pid = read(adt(pid={11: "1 SAMPLE ST\nFLAT 2^^SAMPLETON", 13: "07700900123"})).first("PID")
    assert pid is not None
    assert (pid.value(11), pid.value(13)) == ("1 SAMPLE ST FLAT 2", "07700900123")


def test_separators_are_those_that_the_header_declares() -> None:
    message = read("MSH#*~$%#PAS#X9Z\rPID###H1***X9ZPAS##TEST$S$ONE%OWN*ARI")
    pid = message.first("PID")
    assert pid is not None
    assert (pid.value(3, 4), pid.value(5), pid.value(5, 2)) == ("X9ZPAS", "TEST*ONE", "ARI")


def test_null_differs_from_absent() -> None:
    pid = read('MSH|^~\\&|A\rPID|||""||""^X|').first("PID")
    assert pid is not None
    assert pid.is_null(3) and pid.value(3) == "" and pid.raw(3) == NULL
    assert not pid.is_null(4) and not pid.is_null(5) and not pid.is_null(99)


@pytest.mark.parametrize(
    ("written", "meant", "why"),
    [
        (r"A\T\B", "A&B", "subcomponent separator"),
        (r"A\F\B\S\C\R\D\E\E", "A|B^C~D\\E", "all separators"),
        (r"A\X41\B", "AAB", "hexadecimal"),
        (r"A\XC3A9\B", "AéB", "hexadecimal of two bytes in UTF-8"),
        (r"A\.br\B", "A B", "a line break is a space in a value"),
        (r"A\H\B\N\C", "ABC", "highlighting says nothing"),
        (r"A\Xzz\B", r"A\Xzz\B", "not hexadecimal: left as written"),
        (r"A\q\B", r"A\q\B", "unknown: left as written"),
        ("A\\B", "A\\B", "a lone escape"),
        ("\\" * 7, "\\" * 7, "nothing but escapes"),
    ],
)
def test_escapes(written: str, meant: str, why: str) -> None:
    assert unescape(written, Separators()) == meant, why


@pytest.mark.parametrize(
    ("declared", "codec", "why"),
    [
        ("", "utf-8", "not said: UTF-8 first"),
        ("", "cp1252", "not said and not UTF-8: Windows"),
        ("UNICODE UTF-8", "utf-8", "HL7's own name"),
        ("8859/1", "latin-1", "HL7's own name"),
        ("8859/15", "iso8859-15", "HL7's own name"),
        ("ISO-8859-1", "latin-1", "as others write it"),
        ("8859/1~UNICODE UTF-8", "latin-1", "the first repetition is the message's own"),
    ],
)
def test_the_character_set_is_that_of_msh_18(declared: str, codec: str, why: str) -> None:
    pid = read(adt(msh={18: declared}, pid={5: "ÉTEST^ARI"}).encode(codec)).first("PID")
    assert pid is not None and pid.value(5) == "ÉTEST", why


@pytest.mark.parametrize(
    ("raw", "reason", "why"),
    [
        (b"", RejectReason.EMPTY, "nothing"),
        (b"\x0b\r\n \x1c\r", RejectReason.EMPTY, "nothing but framing"),
        (b"hello", RejectReason.NOT_PARSEABLE, "not HL7"),
        (b"MSH", RejectReason.TRUNCATED, "cut"),
        (b"MSH|", RejectReason.TRUNCATED, "cut"),
        (b"MSH|^^^^|A", RejectReason.NOT_PARSEABLE, "separators are the same"),
        (b"MSHA^~\\&A", RejectReason.NOT_PARSEABLE, "a letter separates nothing"),
        (b"MSH|^~\\&|A\x00B", RejectReason.NOT_PARSEABLE, "NUL"),
        (b"FHS|^~\\&|A\rMSH|^~\\&|A", RejectReason.UNSUPPORTED_MESSAGE, "a batch is not a message"),
        (b"MSH|^~\\&|A\rMSH|^~\\&|B", RejectReason.NOT_PARSEABLE, "two messages"),
        (adt(msh={18: "UNICODE UTF-8"}, pid={5: "É"}).encode("latin-1"), RejectReason.BAD_ENCODING, "not UTF-8"),
        (adt(msh={18: "ASCII"}, pid={5: "É"}).encode(), RejectReason.BAD_ENCODING, "not ASCII"),
        (adt(msh={18: "UNICODE UTF-16"}).encode(), RejectReason.BAD_ENCODING, "a set we do not read"),
        (adt(pid={5: "?"}).encode().replace(b"?", b"\x81"), RejectReason.BAD_ENCODING, "in no set at all"),
        (b"MSH|^~\\&|A" + b"\rZZZ|" * 2001, RejectReason.TOO_LARGE, "too many segments"),
        (b"MSH|^~\\&|" + b"A" * (1 << 20), RejectReason.TOO_LARGE, "too many bytes"),
    ],
)
def test_what_is_not_a_message_is_refused_with_its_reason(raw: bytes, reason: RejectReason, why: str) -> None:
    assert fault(raw).reason is reason, why


def test_a_hundred_thousand_repetitions_cost_milliseconds() -> None:
    message = read(adt(pid={3: "~".join(["H1"] * 100_000)}))
    pid = message.first("PID")
    assert pid is not None
    started = time.perf_counter()
    assert pid.count(3) == 100_000
    assert len(pid.repeats(3, 200)) == 200
    assert time.perf_counter() - started < 0.1


_text = st.text(st.sampled_from("ABCxyz 0123456789'-.,é"), max_size=8).map(str.strip)
_escaped = st.sampled_from(["", r"\F\ ", r"\S\ ", r"\T\ ", r"\R\ ", r"\E\ "])
_component = st.builds(lambda a, b: f"{b}{a}".strip(), _text, _escaped)
_repeat = st.lists(_component, min_size=1, max_size=4).map("^".join)
_field = st.lists(_repeat, min_size=1, max_size=3).map("~".join)
_segment = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(["PID", "PV1", "ZU8", "OBX"]),
    st.lists(_field, min_size=1, max_size=6),
)


@settings(max_examples=trials(2_000), deadline=None)
@given(st.lists(_segment, min_size=1, max_size=4))
def test_reads_what_the_hl7_library_reads(segments: list[str]) -> None:
    text = "\r".join([r"MSH|^~\&|PAS|X9Z|||20261114213000||ADT^A04|C1|P|2.4|||||||UNICODE UTF-8", *segments])
    theirs, ours = hl7.parse(text), read(text)
    for name in {line[:3] for line in segments}:
        for number, one in enumerate(theirs.segments(name)):
            mine = ours.all(name)[number]
            for field in range(1, len(one)):
                assert str(one[field]) == mine.raw(field)
                repeats = mine.repeats(field, 99)
                for at, repeat in enumerate(one[field]):
                    parts = [str(part) for part in repeat] if isinstance(repeat, hl7.Repetition) else [str(repeat)]
                    assert parts == (mine.components(repeats[at]) if repeats else [""])
                    assert [theirs.unescape(part).strip() for part in parts if "&" not in part] == [
                        mine.text(part) for part in parts if "&" not in part
                    ]
