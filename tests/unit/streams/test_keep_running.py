"""A loop that fails is tried again; one that alerts can do without never takes the service down."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import StoreUnavailable
from streams import embedded
from streams.embedded import keep_running


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_PAUSE", timedelta(0))
    monkeypatch.setattr(embedded, "_LONGEST_PAUSE", timedelta(0))


class Loop:
    """Fails so many times with a fault, then stops."""

    def __init__(self, fault: Exception, times: int) -> None:
        self.fault, self.left, self.stop = fault, times, asyncio.Event()

    async def turn(self) -> int:
        if not self.left:
            self.stop.set()
            return 0
        self.left -= 1
        raise self.fault


async def test_a_vital_loop_ends_with_a_fault_that_stays() -> None:
    loop = Loop(ValueError("ours"), 50)
    with pytest.raises(ValueError, match="ours"):
        await keep_running("decide", loop.turn, loop.stop)
    assert loop.left == 40


async def test_another_goes_on_trying() -> None:
    loop = Loop(ValueError("ours"), 50)
    await keep_running("archive", loop.turn, loop.stop, vital=False)
    assert loop.left == 0


async def test_a_store_that_does_not_answer_is_waited_for_as_long_as_it_takes() -> None:
    loop = Loop(StoreUnavailable(), 50)
    await keep_running("decide", loop.turn, loop.stop)
    assert loop.left == 0
