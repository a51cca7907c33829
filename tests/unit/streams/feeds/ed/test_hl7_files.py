"""HL7 files: every message once, apart from its neighbours, in bounded memory."""

import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.feeds.hl7_files import read_file, read_messages
from streams.feeds.outcome import RejectReason
from tests.unit.streams.feeds.ed.messages import ITK_A04, adt, event, rejected

ONE, TWO = adt(msh={10: "ONE"}), adt("A08", msh={10: "TWO"})
BATCH = f"FHS|^~\\&|PAS\rBHS|^~\\&|PAS\r{ONE}\r{TWO}\rBTS|2\rFTS|1\r"


def keys(data: bytes) -> list[str]:
    return [event(message).source_key for _, message in read_messages([data])]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{ONE}\r{TWO}\r", "CR"),
        (f"{ONE}\r{TWO}".replace("\r", "\n"), "LF, no end"),
        (f"{ONE}\r\r{TWO}\r".replace("\r", "\r\n"), "CRLF and blank lines"),
        (BATCH, "a batch in a file"),
        (BATCH.replace("\r", "\n"), "a batch with LF"),
        (f"\x0b{ONE}\r\x1c\r\x0b{TWO}\r\x1c\r", "a dump of a connection"),
        (f"\ufeff{ONE}\n{TWO}", "a byte order mark"),
    ],
)
def test_messages_are_found(text: str, why: str) -> None:
    assert keys(text.encode()) == ["ONE", "TWO"], why


@pytest.mark.parametrize(
    ("junk", "why"),
    [
        ("hello\rworld", "garbage before"),
        ("MSH|^~\\&|PAS", "a cut message"),
        ("MSH|^~\\&|\x00", "NUL"),
        ("MSH|" + "A" * 3_000_000, "a line without end"),
        ("MSH|^~\\&|PAS\r" + "ZZZ|1\r" * 500_000, "a message without end"),
    ],
)
def test_a_bad_message_is_apart_from_its_neighbours(junk: str, why: str) -> None:
    found = dict(read_messages([f"{ONE}\r\x1c\r{junk}\r{TWO}".encode()]))
    assert [event(found[at]).source_key for at in (1, 3)] == ["ONE", "TWO"], why
    assert rejected(found[2]).reason in RejectReason
    assert len(found) == 3 and len(found[2]) <= (1 << 20) + 1


def test_the_position_counts_messages_not_lines() -> None:
    assert [position for position, _ in read_messages([BATCH.encode()])] == [1, 2]


@given(st.lists(st.integers(0, len(BATCH)), max_size=20))
def test_chunks_may_be_cut_anywhere(cuts: list[int]) -> None:
    edges = sorted({0, len(BATCH), *cuts})
    chunks = [BATCH[start:end].encode() for start, end in pairwise(edges)]
    assert list(read_messages(chunks)) == list(read_messages([BATCH.encode()]))


def test_a_file_of_50_mb_without_a_message_end_is_not_loaded_whole(tmp_path: Path) -> None:
    path = tmp_path / "endless.hl7"
    with path.open("wb") as file:
        file.write(ITK_A04.encode() + b"\r\x1c")
        for _ in range(50):
            file.write(b"A" * (1 << 20))
        file.write(b"\r" + TWO.encode())
    tracemalloc.start()
    outcomes = [(position, len(message), message[:3]) for position, message in read_file(path)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcomes == [(1, len(ITK_A04) + 1, b"MSH"), (2, (1 << 20) + 1, b"AAA"), (3, len(TWO), b"MSH")]
    assert peak < 8 << 20
