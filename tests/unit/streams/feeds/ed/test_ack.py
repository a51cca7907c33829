"""Acknowledgements: code, condition, place, and a header that mirrors the sender's. Read back by the hl7 library."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.ack import Header, acknowledge, read_header
from streams.feeds.outcome import Rejected
from streams.feeds.receipts import Receipt
from tests.unit.streams.feeds.ed.messages import ITK_A04, NOW, adt, parse


def answer(message: str | bytes, receipt: Receipt = Receipt.ACCEPTED, control_id: str = "C1") -> hl7.Message:
    raw = message.encode() if isinstance(message, str) else message
    outcome = parse(raw)
    if isinstance(outcome, Rejected):
        control_id = outcome.control_id
    ack = acknowledge(outcome, read_header(raw), control_id="A1", answers=control_id, now=NOW, receipt=receipt)
    return hl7.parse(ack.decode(read_header(raw).codec))


def test_an_accepted_message_is_answered_aa_to_its_sender() -> None:
    ack = answer(ITK_A04, control_id="MSG000001")
    msh, msa = ack.segment("MSH"), ack.segment("MSA")
    assert [str(msh[number]) for number in range(3, 8)] == ["ROUTE", "ROUTE", "PAS", "X9Z", "20261114213001+0000"]
    assert [str(msh[number]) for number in range(9, 13)] == ["ACK^A04^ACK", "A1", "P", "2.4"]
    assert [str(part) for part in msa] == ["MSA", "AA", "MSG000001"]
    assert "ERR" not in [str(segment[0]) for segment in ack]


@pytest.mark.parametrize(
    ("message", "receipt", "code", "condition", "why"),
    [
        (adt(), Receipt.ACCEPTED, "AA", "", "taken"),
        (adt(), Receipt.DUPLICATE, "AA", "", "a repeat"),
        (adt("A02"), Receipt.IGNORED, "AA", "", "valid and none of our business"),
        (adt(), Receipt.QUARANTINED, "AA", "", "a fault of ours: kept, and sending again cannot help"),
        (adt(), Receipt.UNAVAILABLE, "AE", "207", "not stored"),
        ("junk", Receipt.UNAVAILABLE, "AE", "207", "not even kept"),
        (adt(), Receipt.CONFLICT, "AA", "", "the id was used before: no second event, what differs is in quarantine"),
        ("junk", Receipt.QUARANTINED, "AR", "100", "unparseable"),
        (adt(msh={18: "ASCII"}, pid={5: "É"}), Receipt.QUARANTINED, "AR", "102", "bad bytes"),
        (adt(msh={10: ""}), Receipt.QUARANTINED, "AR", "101", "no control id"),
        (adt(without=("PID",)), Receipt.QUARANTINED, "AR", "100", "a segment is missing"),
        (adt(msh={9: "ORU^R01"}), Receipt.QUARANTINED, "AR", "200", "another type"),
        (adt(msh={9: "ADT^Q99"}), Receipt.QUARANTINED, "AR", "201", "another event"),
        (adt(msh={12: "2.8"}), Receipt.QUARANTINED, "AR", "203", "another version"),
    ],
)
def test_codes_and_conditions(message: str, receipt: Receipt, code: str, condition: str, why: str) -> None:
    msa = answer(message, receipt).segment("MSA")
    assert str(msa[1]) == code, why
    assert (str(msa[6]).split("^")[0] if len(msa) > 6 else "") == condition, why


@pytest.mark.parametrize(
    ("version", "error", "why"),
    [
        ("2.4", r"ERR|PV1^1^2^101&Required field missing&HL70357", "one list of components up to 2.4"),
        ("2.5.1", r"ERR||PV1^1^2|101^Required field missing^HL70357|E", "fields of their own from 2.5"),
    ],
)
def test_the_place_is_told_in_the_style_of_the_version(version: str, error: str, why: str) -> None:
    ack = answer(adt(pv1={2: ""}, msh={12: version}), Receipt.QUARANTINED)
    assert str(ack.segment("ERR")) == error, why


def test_a_two_part_type_is_answered_with_two_parts() -> None:
    ack = answer(adt(msh={9: "ADT^A04", 12: "2.3"}))
    assert str(ack.segment("MSH")[9]) == "ACK^A04"


def test_separators_and_character_set_are_those_of_the_sender() -> None:
    raw = adt(msh={3: "PÄS", 18: "8859/1"}).replace("|", "#").encode("latin-1")
    ack = acknowledge(parse(raw), read_header(raw), control_id="A1", answers="C1", now=NOW)
    assert ack.startswith(b"MSH#^~\\&###P\xc4S#X9Z#")
    assert ack.endswith(b"#8859/1\rMSA#AA#C1\r")


def test_what_cannot_be_read_is_answered_with_an_empty_id() -> None:
    msa = answer(b"\x00\x01", Receipt.QUARANTINED).segment("MSA")
    assert [str(msa[number]) for number in (1, 2)] == ["AR", ""]


def test_refusals_repeat_no_value_of_the_message() -> None:
    ack = answer(adt(pid={5: "CANARY", 3: ""}, pv1={19: "", 36: "CANARY"}), Receipt.QUARANTINED)
    assert "CANARY" not in str(ack) and "missing_field at PV1-19" in str(ack)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"MSH|^~\\&|PAS|" + tail))
def test_whatever_was_sent_the_answer_is_one_message(raw: bytes) -> None:
    header = read_header(raw)
    ack = acknowledge(parse(raw), header, control_id="A1", answers=header.control_id, now=NOW)
    lines = ack.decode(header.codec).rstrip("\r").split("\r")
    assert [line[:3] for line in lines] in (["MSH", "MSA"], ["MSH", "MSA", "ERR"])
    assert not any(byte in ack for byte in b"\x0b\x1c\n\x00")


def test_no_header_at_all_still_makes_an_answer() -> None:
    assert read_header(b"") == Header()
