"""The page's part on the distributed engine: what a message costs, how long an alert takes, what a death costs."""

from collections.abc import Sequence
from datetime import date

from tests.bench_page import Aim
from tests.kafka_bench import Cost
from tests.kafka_bench_region import PREVALENCE, Life

HEADING = "## The distributed engine"
ADDED = Aim(1.15, at_most=True)
SHARE = Aim(0.4)
"""Issue 3, line 5: processor time beside an idle agent, and speed beside a bare loop that decodes."""


def section(costs: Sequence[Cost], lives: Sequence[Life], on: date, load: float) -> str:
    """The section. `load` is the machine's at the start: figures of a busy machine are to be read as ratios."""
    parts = [
        f"{HEADING}\n\nWritten by `make bench ARGS='--only kafka'` on {on.isoformat()}; load of the machine at the "
        f"start {load:.1f}."
    ]
    if costs:
        parts.append(_costs(costs))
    if lives:
        parts.append(_lives(lives))
    return "\n\n".join(parts) + "\n"


def _costs(costs: Sequence[Cost]) -> str:
    rows = [
        (cost.way.name, f"{cost.cpu_us:,.1f}", f"{1e6 / cost.cpu_us:,.0f}", f"{cost.per_second:,.0f}") for cost in costs
    ]
    bare, bare_many, idle, idle_many, ours, ours_many = costs
    return (
        "From Kafka to events recognised in the books, 10,000 members, processor time of the consuming process alone; "
        "the broker, the store and the producer are other processes. Batched: 50 events in a message, as our own "
        "intake makes them.\n\n"
        + _table(("Way", "us of processor an event", "Events/s of one core", "Events/s on the wall"), rows)
        + "\n\nAims:\n\n"
        f"- an event beside an idle agent, one by one, times the processor time: {ours.cpu_us / idle.cpu_us:.1f}; "
        f"{ADDED.told(ours.cpu_us / idle.cpu_us)}. Batched: {ours_many.cpu_us / idle_many.cpu_us:.1f}.\n"
        f"- the whole path, batched, beside a bare loop that decodes one by one: {bare.cpu_us / ours_many.cpu_us:.2f}; "
        f"{SHARE.told(bare.cpu_us / ours_many.cpu_us)}. Beside one that decodes batches: "
        f"{bare_many.cpu_us / ours_many.cpu_us:.2f}."
    )


def _lives(lives: Sequence[Life]) -> str:
    heads = ("Run", "Workers", "Events/s sent", "Events/s settled", "Messages", "p50, ms", "p99, ms", "Longest, ms")
    rows = [
        (
            life.name,
            str(life.workers),
            f"{life.rate:,}" if life.rate else "all",
            f"{life.settled:,.0f}",
            str(life.alerts),
            *(f"{span:,.0f}" if life.rate else "" for span in (life.p50, life.p99, life.longest)),
        )
        for life in lives
    ]
    return (
        "From the broker's receipt of a record to the hand-over of its message, API, workers, broker, store, far ends "
        f"and producer on one machine; {PREVALENCE:.0%} of the events are about watched people, and each record is a "
        "message of its own. The longest of the run with a death is the time to recover: the dead worker's lanes wait "
        "until its session of 6 s has ended. Where fewer were settled than sent, the machine could not keep up and the "
        "times are those of a queue. Workers share the cores with all else here, so two are not twice one.\n\n"
        + _table(heads, rows)
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
