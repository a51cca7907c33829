"""Framing: however the bytes are cut, the frames are the same; what is no frame is told apart and bounded."""

import tracemalloc
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.feeds.mllp_frames import Frame, FrameDecoder, FrameKind, framed
from tests.trials import trials

M, T, BIG, S = FrameKind.MESSAGE, FrameKind.TRUNCATED, FrameKind.OVERSIZE, FrameKind.STRAY


def decode(chunks: Iterable[bytes], max_bytes: int = 1000, kept_bytes: int = 10) -> list[Frame]:
    decoder = FrameDecoder(max_bytes=max_bytes, kept_bytes=kept_bytes)
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return [*frames, *decoder.finish()]


@pytest.mark.parametrize(
    ("data", "frames", "why"),
    [
        (framed(b"A"), [(M, b"A")], "one"),
        (framed(b"A") + framed(b"B"), [(M, b"A"), (M, b"B")], "joined"),
        (b"\x0bA\x1c\n\x0bB\x1c\x0bC\x1c", [(M, b"A"), (M, b"B"), (M, b"C")], "other ends"),
        (b"\r\n\x00" + framed(b"A") + b"\r\n\x00 ", [(M, b"A")], "keep-alives mean nothing"),
        (framed(b"A") + b"noise" + framed(b"B"), [(M, b"A"), (S, b"noise"), (M, b"B")], "garbage between"),
        (b"MSH|bare", [(S, b"MSH|bare")], "no framing at all"),
        (b"\x0bA\x0bB\x1c\r", [(T, b"A"), (M, b"B")], "broken off and begun again"),
        (b"\x0bA", [(T, b"A")], "never ended"),
        (b"\x0bA\x1cB\x1c\r", [(M, b"A\x1cB")], "an end mark alone ends nothing"),
        (framed(b""), [(M, b"")], "an empty frame is answered too"),
        (framed(b"A" * 1000), [(M, b"A" * 1000)], "exactly the limit"),
        (framed(b"A" * 1001) + framed(b"B"), [(BIG, b"A" * 10), (M, b"B")], "above it: the neighbour is whole"),
        (b"\x0b" + b"A" * 5000 + framed(b"B"), [(BIG, b"A" * 10), (M, b"B")], "too long and broken off"),
        (b"x" * 5000, [(S, b"x" * 10)], "endless garbage"),
        (b"", [], "nothing"),
    ],
)
def test_frames(data: bytes, frames: list[tuple[FrameKind, bytes]], why: str) -> None:
    assert [(frame.kind, frame.payload) for frame in decode([data])] == frames, why


_pieces = st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\n", b"A", b"MSH|", b"\x1c\r", b"\x00", b"B" * 30])


@settings(max_examples=trials(2_000), deadline=None)
@given(st.lists(_pieces, max_size=30).map(b"".join), st.lists(st.integers(0, 200), max_size=12))
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    parts = [data[start:end] for start, end in pairwise(edges)]
    whole = decode([data], max_bytes=50)
    assert decode(parts, max_bytes=50) == whole
    assert decode([bytes([byte]) for byte in data], max_bytes=50) == whole


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\x0b", b"").replace(b"\x1c", b"")), max_size=8))
def test_what_is_framed_comes_back(messages: list[bytes]) -> None:
    assert [frame.payload for frame in decode([b"".join(map(framed, messages))])] == messages


def test_a_frame_of_50_mb_without_end_stays_within_memory() -> None:
    decoder = FrameDecoder(max_bytes=1 << 20)
    chunk = b"A" * 65536
    tracemalloc.start()
    frames = [frame for part in [b"\x0b", *[chunk] * 800] for frame in decoder.feed(part)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [frame.kind for frame in frames] == [BIG] and len(frames[0].payload) == 65536
    assert decoder.skipped_bytes > 48 << 20
    assert peak < 8 << 20
    assert [frame.payload for frame in decoder.feed(framed(b"next"))] == [b"next"]
