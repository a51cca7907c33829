"""Numbered messages and worker processes that note which they have done (`agent_process.py`)."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.kafka_policy import KafkaPolicy
from streams.kafka_producer import KafkaProducer, Outgoing

TEN = [str(number) for number in range(10)]
WITHIN_S = 60.0


class Workers:
    """Worker processes, one after another, on one file of notes."""

    def __init__(self, policy: KafkaPolicy, folder: Path) -> None:
        self.notes = folder / "notes"
        self._policy = policy
        self._folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, fault: str) -> subprocess.Popen[bytes]:
        """Start a worker that fails as told."""
        command = [sys.executable, "-m", "tests.kafka.agent_process"]
        arguments = [self._policy.bootstrap, self._policy.prefix, str(self.notes), fault]
        with (self._folder / "log").open("ab") as log:
            worker = subprocess.Popen(command + arguments, stdout=log, stderr=log)
        self.running.append(worker)
        return worker

    def done(self) -> list[str]:
        """The numbers done so far, in order, with repeats."""
        return self.notes.read_text().split() if self.notes.exists() else []

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Return when it is so; fail with what the workers said."""
        ends = time.monotonic() + WITHIN_S
        while not until():
            said = (self._folder / "log").read_text()[-3000:]
            assert time.monotonic() < ends, f"{what}; done: {self.done()}\n{said}"
            time.sleep(0.1)

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        worker.send_signal(signal.SIGKILL)
        worker.wait()


@pytest.fixture
def workers(lanes: KafkaPolicy, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(lanes, tmp_path)
    yield made
    for worker in made.running:
        if worker.poll() is None:
            made.kill(worker)


def produce(policy: KafkaPolicy, numbers: list[str]) -> None:
    async def work() -> None:
        producer = KafkaProducer(policy)
        await producer.start()
        await producer.send([Outgoing(policy.events, number.encode(), partition=0) for number in numbers])
        await producer.stop()

    asyncio.run(work())
