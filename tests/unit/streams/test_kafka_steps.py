"""Which messages of a lane are one step: those that follow each other, within bounds."""

import pytest

from streams.kafka_gaps import STEP_BYTES, STEP_MESSAGES, steps_of
from streams.kafka_work import Message


def _message(offset: int, size: int = 1) -> Message:
    return Message("t", 0, offset, b"x" * size)


@pytest.mark.parametrize(
    ("offsets", "steps", "reason"),
    [
        ([], [], "nothing is no step"),
        ([4], [[4]], "one alone"),
        ([4, 5, 6], [[4, 5, 6]], "they follow each other"),
        ([4, 6, 7], [[4], [6, 7]], "a hole is filled before what is behind it"),
        ([4, 5, 4, 5], [[4, 5], [4, 5]], "the client went back: again from there"),
        ([4, 4], [[4], [4]], "the same twice is not the next"),
        (
            list(range(2 * STEP_MESSAGES + 1)),
            [
                list(range(STEP_MESSAGES)),
                list(range(STEP_MESSAGES, 2 * STEP_MESSAGES)),
                [2 * STEP_MESSAGES],
            ],
            "so many and no more",
        ),
    ],
)
def test_what_follows_each_other_is_one_step(offsets: list[int], steps: list[list[int]], reason: str) -> None:
    assert [[each.offset for each in step] for step in steps_of(list(map(_message, offsets)))] == steps, reason


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


def test_a_message_that_carries_nothing_is_one_like_others() -> None:
    empty = Message("t", 0, 1, None)  # type: ignore[arg-type]  # what a stranger may produce
    assert [len(step) for step in steps_of([_message(0), empty, _message(2)])] == [3]
