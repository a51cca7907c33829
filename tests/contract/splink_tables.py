"""Tables and models for the tests against the real Splink: FEBRL 4, and invented UK people with everything awkward.

Reserved identifiers only: postcodes of ZZ99, telephone numbers and e-mail addresses kept for examples.
"""

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from cohort.prepared import PreparedIdentity
from cohort.splink_model import SplinkModel

Record = dict[str, Any]
GIVEN = ("André", "Zoë", "Łukasz", "Siân", "Mohammed", "Aoife", "Jürgen", "Renée", "Kieran", "Ayaan", "Ioana", "O'Neil")
FAMILY = ("Müller", "Kowalski", "Kowalska", "García", "Nguyễn", "Smith", "Smyth", "Ó Briain", "Begum", "Şahin", "Jones")


def uk_people(count: int, seed: int) -> list[Record]:
    """People with accents, nulls, empty and absent lists, dates that are none, and numbers."""
    rng = random.Random(seed)
    return [_person(rng, number) for number in range(count)]


def _person(rng: random.Random, number: int) -> Record:
    given, family = rng.choice(GIVEN), rng.choice(FAMILY) + rng.choice(("", "", "-Nowak"))
    return {
        "unique_id": f"r{number}",
        "first_name": given,
        "surname": family,
        "dob": f"{rng.randint(1999, 2012)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "postcode": f"ZZ99 {rng.randint(0, 9)}{rng.choice('AB')}{rng.choice('CDE')}",
        "email": f"{given.lower()}.{family.lower().replace(' ', '')}{rng.randint(0, 9)}@example.com",
        "aliases": [rng.choice(GIVEN) for _ in range(rng.randint(0, 3))],
        "phones": [f"07700 900{rng.randint(0, 60):03}" for _ in range(rng.randint(0, 2))],
        "lat": round(rng.uniform(52.3, 52.6), 5),
        "long": round(rng.uniform(-2.2, -1.7), 5),
        "age": rng.randint(10, 25),
        "seen": f"202{rng.randint(0, 5)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        "sex": rng.choice(("M", "F")),
    }


def worn(people: list[Record], seed: int) -> list[Record]:
    """The same people as somebody else wrote them down."""
    rng = random.Random(seed)
    return [_worn(rng, dict(person)) for person in people]


def _worn(rng: random.Random, person: Record) -> Record:
    for column in ("first_name", "surname", "email", "postcode", "dob"):
        if rng.random() < 0.15:
            person[column] = _slip(rng, person[column])
    if rng.random() < 0.05:
        person["first_name"], person["surname"] = person["surname"], person["first_name"]
    if rng.random() < 0.1:
        person["dob"] = rng.choice(("2005-02-30", "not known", "0000-00-00"))
    person["lat"] = round(person["lat"] + rng.choice((0, 0, 0.004, 0.05)), 5)
    person["age"] += rng.choice((0, 0, 1, 3))
    person["aliases"] = [_slip(rng, each) for each in person["aliases"][:2]]
    for column in list(person):
        if column != "unique_id" and rng.random() < 0.08:
            person[column] = None
    return person


def _slip(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text))
    following = text[place + 1 : place + 2]
    return rng.choice(
        (
            text[:place] + text[place + 1 :] or text,
            text[:place] + rng.choice("aeéł ") + text[place + 1 :],
            text[:place] + following + text[place] + text[place + 2 :],
        )
    )


_TYPES = {
    "aliases": "VARCHAR[]",
    "phones": "VARCHAR[]",
    "lat": "DOUBLE",
    "long": "DOUBLE",
    "age": "INTEGER",
    "seen": "DATE",
}


def database(*tables: list[Record], types: dict[str, str] = _TYPES) -> duckdb.DuckDBPyConnection:
    """A database of one thread with tables t0, t1 ...; arrows are allowed in lambdas, as Splink 4 writes them."""
    connection = duckdb.connect()
    connection.execute("SET threads=1")
    connection.execute("SET lambda_syntax='ENABLE_SINGLE_ARROW'")
    for number, records in enumerate(tables):
        kinds = {name: types.get(name, "VARCHAR") for name in records[0]}
        values = [[record[name] for record in records] for name in kinds]
        columns = ", ".join(f'unnest(?::{kind}[]) AS "{name}"' for name, kind in kinds.items())
        connection.execute(f"CREATE TABLE t{number} AS SELECT {columns}", values)
    return connection


def identity(record: Record) -> PreparedIdentity:
    """A record as a table's reader hands it over: every column an extra, as written."""
    extras = [
        (name, tuple(value) if isinstance(value, list) else (str(value),))
        for name, value in record.items()
        if value is not None and name != "unique_id"
    ]
    return PreparedIdentity(extras=tuple(extras))


def as_extras(records: list[Record]) -> dict[str, str]:
    """A mapping of every column to itself."""
    return {name: f"extra.{name}" for name in records[0] if name != "unique_id"}


def records_of(frame: pd.DataFrame) -> list[Record]:
    """Rows as dictionaries, None for what is absent."""
    plain = frame.astype(object).where(frame.notnull(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def gammas_of(model: SplinkModel) -> dict[str, dict[str, int]]:
    """Splink's numbers of the levels."""
    return {name: dict(levels) for name, levels in model.gammas.items()}


def changed(path: Path, **settings: Any) -> None:
    """Set something in a model file."""
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**found, **settings}), encoding="utf-8")
