"""Whatever bytes come: an answer, never an exception, and nothing slow."""

import random
import time

import pytest

from domain.events import Event
from streams.feeds.ack import acknowledge, read_header
from streams.feeds.er7 import read_message
from streams.feeds.outcome import Ignored, Rejected
from tests.trials import trials
from tests.unit.streams.feeds.ed.messages import ITK_A04, NOW, POLICY, adt, parse
from tests.unit.streams.feeds.ed.test_ed import OTHERS

SEEDS = [
    ITK_A04,
    adt("A08", "DG1|1||X99.1^^I10", 'PV2|||""', "ZU8|1|2|3|Y"),
    adt("A02"),
    adt("A40", "MRG|9990000018^^^NHS~H0002^^^X9ZPAS"),
    *OTHERS.values(),
]
SPICE = [
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\x00",
    b"\x0b",
    b"\x1c",
    b'""',
    b"\xff",
    b"\xc3",
    b"MSH",
    b"99999999",
    b"-",
    b"\\X",
    b"\x85",
]


def mutate(rng: random.Random, raw: bytes) -> bytes:
    """A few random cuts, doublings, insertions, swaps and flips."""
    for _ in range(rng.randint(1, 6)):
        start, end = sorted((rng.randint(0, len(raw)), rng.randint(0, len(raw))))
        end = min(end, start + 60)
        match rng.randint(0, 4):
            case 0:
                raw = raw[:start] + raw[end:]
            case 1:
                raw = raw[:start] + raw[start:end] * rng.randint(2, 20) + raw[end:]
            case 2:
                raw = raw[:start] + rng.choice(SPICE) * rng.randint(1, 5) + raw[start:]
            case 3:
                raw = raw[:start] + rng.randbytes(rng.randint(1, 4)) + raw[end:]
            case _:
                raw = raw[: max(start, len(raw) - 40)]
    return raw


def test_random_mutations_never_raise() -> None:
    rng = random.Random(20261114)
    outcomes = {Event: 0, Rejected: 0, Ignored: 0}
    for _ in range(trials(10_000)):
        raw = mutate(rng, rng.choice(SEEDS).encode())
        outcome = parse(raw)
        outcomes[type(outcome)] += 1
        header = read_header(raw)
        assert acknowledge(outcome, header, control_id="A1", answers=header.control_id, now=NOW).startswith(b"MSH")
        if isinstance(outcome, Rejected):
            assert outcome.raw == raw
            assert outcome.detail and outcome.reason
    assert all(count > 0 for count in outcomes.values()), "the mutations no longer reach every outcome"


def test_every_cut_of_a_message_has_an_answer() -> None:
    raw = ITK_A04.encode()
    for at in range(len(raw) + 1):
        parse(raw[:at])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (adt(pid={3: "~" * 100_000}), "100,000 repetitions"),
        (adt(pid={3: "^" * 500_000}), "components"),
        (adt(pid={5: "&" * 500_000}), "subcomponents"),
        (adt(pid={5: "\\E\\" * 300_000}), "escapes"),
        (adt(pid={5: "\\" * 900_000}), "escapes that never end"),
        (adt(pid={5: "\\X" + "4" * 900_000 + "\\"}), "one endless escape"),
        (adt("A08", *["DG1|1||X99"] * 1900), "diagnoses"),
        (adt(pid={11: "A\n" * 3_000}), "continuation lines"),
        (adt(pid={7: "2" * 900_000}), "an endless date"),
        (adt(pid={13: "0" * 900_000}), "an endless phone number"),
        (adt("A08", "DG1|1||" + "9" * 900_000), "an endless code"),
        (adt(pv1={36: "9" * 900_000, 3: "A" * 99_999, 2: "E"}), "endless codes"),
    ],
)
def test_no_message_takes_long(raw: str, why: str) -> None:
    started = time.process_time()  # not of the clock: others use this machine too
    parse(raw)
    assert time.process_time() - started < 5.0, why  # what backtracks takes minutes


def test_speed(capsys: pytest.CaptureFixture[str]) -> None:
    raw = ITK_A04.encode()

    def median_us(rounds: int = 7, each: int = 200) -> tuple[float, float]:
        spans = []
        for work in (lambda: read_message(raw, POLICY.limits), lambda: parse(raw)):
            times = []
            for _ in range(rounds):
                started = time.perf_counter()
                for _ in range(each):
                    work()
                times.append((time.perf_counter() - started) / each * 1e6)
            spans.append(sorted(times)[rounds // 2])
        return spans[0], spans[1]

    reading, whole = median_us()
    with capsys.disabled():
        print(f"\nED: {reading:.0f} us to read an A04, {whole:.0f} us to an event")
