"""Which messages follow each other, and how many are one step."""

from types import SimpleNamespace

import pytest

from streams.kafka_gaps import STEP_BYTES, STEP_MESSAGES, message_from, runs_of, steps_of
from streams.kafka_work import Message


def _message(offset: int, size: int = 1) -> Message:
    return Message("t", 0, offset, b"x" * size)


@pytest.mark.parametrize(
    ("offsets", "runs", "reason"),
    [
        ([], [], "nothing is no run"),
        ([4], [[4]], "one alone"),
        ([4, 5, 6], [[4, 5, 6]], "they follow each other"),
        ([4, 6, 7], [[4], [6, 7]], "a hole is filled before what is behind it"),
        ([4, 5, 4, 5], [[4, 5], [4, 5]], "the client went back: again from there"),
        ([4, 4], [[4], [4]], "the same twice is not the next"),
    ],
)
def test_what_follows_each_other_is_one_run(offsets: list[int], runs: list[list[int]], reason: str) -> None:
    assert [[each.offset for each in run] for run in runs_of(list(map(_message, offsets)))] == runs, reason


def test_a_step_carries_so_many_messages() -> None:
    messages = list(map(_message, range(2 * STEP_MESSAGES + 1)))
    steps = list(steps_of(messages))
    assert [len(step) for step in steps] == [STEP_MESSAGES, STEP_MESSAGES, 1]
    assert [each for step in steps for each in step] == messages


@pytest.mark.parametrize(
    ("sizes", "steps", "reason"),
    [
        ([STEP_BYTES - 1, 1], [2], "to the byte"),
        ([STEP_BYTES, 1], [1, 1], "one byte more is the next step"),
        ([3 * STEP_BYTES, 1], [1, 1], "a large one is taken all the same, alone"),
        ([1, 3 * STEP_BYTES, 1, 1], [1, 1, 2], "and keeps nothing from the others"),
    ],
)
def test_a_step_carries_so_many_bytes(sizes: list[int], steps: list[int], reason: str) -> None:
    messages = [_message(offset, size) for offset, size in enumerate(sizes)]
    assert [len(step) for step in steps_of(messages)] == steps, reason


def test_a_strangers_headers_are_read_whatever_they_hold() -> None:
    """Kafka's headers may be null, and so may be its time."""
    record = SimpleNamespace(
        topic="t", partition=0, offset=1, value=b"x", key=None, timestamp=-1, headers=[("a", None), ("b", b"1")]
    )
    message = message_from(record)
    assert message.headers == (("a", b""), ("b", b"1"))
    assert message.appended_at is None


def test_a_message_that_carries_nothing_is_one_like_others() -> None:
    empty = Message("t", 0, 1, None)  # type: ignore[arg-type]  # what a stranger may produce
    assert [len(step) for step in steps_of([_message(0), empty, _message(2)])] == [3]
