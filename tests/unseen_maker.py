"""Made-up people and slips of one seed, and tables made of them (`unseen_data.py` has the tables).

Words are made up, so that no list of real names helps; addresses and numbers are fictional.
"""

import csv
import itertools
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]
_STARTS = [
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "st",
    "br",
    "tr",
    "gr",
    "ch",
    "th",
    "sh",
    "kl",
]
_ENDS = ["n", "r", "l", "s", "t", "nd", "rt", "ck", "ll", "y", "a"]


@dataclass
class Set:
    """One pair of tables (or one table: `events` empty), its mapping, and how a Splink user would compare its columns.

    `truth` are pairs (event id, member id). `splink` says per column how: name, date, exact, edits, text or email.
    """

    name: str
    what: str
    mapping: str
    splink: dict[str, str]
    cohort: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    truth: set[tuple[str, str]] = field(default_factory=set)

    def write(self, to: Path) -> None:
        """`cohort.csv`, `events.csv`, `truth.csv` and `mapping.yaml` in the directory `to`."""
        to.mkdir(parents=True, exist_ok=True)
        (to / "mapping.yaml").write_text(self.mapping, encoding="utf-8")
        for name, rows in (("cohort", self.cohort), ("events", self.events)):
            if rows:
                with (to / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                    writer = csv.DictWriter(stream, list(rows[0]))
                    writer.writeheader()
                    writer.writerows(rows)
        lines = [f"{event},{member}" for event, member in sorted(self.truth)]
        (to / "truth.csv").write_text("\n".join(["event_id,member_id", *lines]) + "\n", encoding="utf-8")


class Maker:
    """Made-up words, people and slips of one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.given, self.family = self.stock(500, 2), self.stock(3000, 3)
        self.streets, self.towns, self.trades = self.stock(700, 3), self.stock(60, 3), self.stock(50, 3)
        self._weights: dict[int, list[float]] = {}

    def word(self, syllables: int) -> str:
        choice = self.rng.choice
        return "".join(choice(_STARTS) + choice(("a", "e", "i", "o", "u", "ai")) for _ in range(syllables)) + choice(
            _ENDS
        )

    def stock(self, size: int, syllables: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < size:
            found[self.word(self.rng.randint(1, syllables))] = None
        return list(found)

    def pick(self, words: Sequence[str], steep: float = 0.9) -> str:
        """One of the words; the first are the commonest."""
        key = id(words) ^ hash(steep)
        if key not in self._weights:
            self._weights[key] = list(itertools.accumulate(1 / (place + 3) ** steep for place in range(len(words))))
        return self.rng.choices(words, cum_weights=self._weights[key])[0]

    def day(self, first: int = 1930, years: int = 80) -> date:
        return date(first, 1, 1) + timedelta(days=self.rng.randrange(years * 365))

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def typo(self, text: str) -> str:
        if not text:
            return text
        at, kind = self.rng.randrange(len(text)), self.rng.random()
        sign = self.rng.choice(string.digits if text[at].isdigit() else string.ascii_lowercase)
        if kind < 0.3:
            return text[:at] + sign + text[at + 1 :]
        if kind < 0.55:
            return text[:at] + text[at + 1 :]
        if kind < 0.8:
            return text[:at] + sign + text[at:]
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]

    def slip(self, born: date) -> date:
        """A date of birth said wrongly."""
        kind = self.rng.random()
        if kind < 0.4 and born.day <= 12:
            return born.replace(day=born.month, month=born.day)
        if kind < 0.6:
            return born.replace(day=1)
        return born + timedelta(days=self.rng.choice((1, -1, 10, 30, 365, -365, 3650)))

    def code(self) -> str:
        choice = self.rng.choice
        return f"ZZ{self.rng.randint(1, 99)} {self.rng.randint(1, 9)}{choice('ABDE')}{choice('FGHJLN')}"

    def person(self) -> Row:
        """Everything that any of the tables asks of a person."""
        given, family, born = self.pick(self.given), self.pick(self.family), self.day()
        return {
            "given": given,
            "family": family,
            "dob": born.isoformat(),
            "street": f"{self.rng.randint(1, 150)} {self.pick(self.streets)} street",
            "town": self.pick(self.towns),
            "postcode": self.code(),
            "trade": self.pick(self.trades),
            "phone": f"07700 900{self.rng.randrange(1000):03d}",
            "email": f"{given}.{family}{self.rng.randint(1, 99)}@example.com",
            "sex": self.rng.choice(("male", "female")),
        }

    def dirty(self, row: Row, errors: float, empty: float = 0.03) -> Row:
        """The same person as another clerk writes them."""
        said = dict(row)
        for name, cell in row.items():
            if self.chance(empty):
                said[name] = ""
            elif self.chance(errors):
                said[name] = self.wrong(name, cell)
        return said

    def wrong(self, name: str, cell: str) -> str:
        if name == "dob":
            return self.slip(date.fromisoformat(cell)).isoformat()
        if name == "given" and self.chance(0.2):
            return cell[:1]
        if name in ("trade", "town") and self.chance(0.5):
            return self.pick(self.trades if name == "trade" else self.towns)
        if name in ("street", "postcode") and self.chance(0.5):
            other = self.person()
            return other[name]
        if name == "sex":
            return "female" if cell == "male" else "male"
        return self.typo(cell)


def two(
    found: Set,
    maker: Maker,
    people: Sequence[Row],
    strangers: Sequence[Row],
    *,
    copies: Callable[[], int],
    dirty: Callable[[Row], Row],
    clean: Callable[[Row], Row] = dict,
) -> Set:
    """People as cohort, and as events as often as `copies` says, with strangers among them."""
    events: list[tuple[Row, str]] = [
        (dirty(who), f"c{number}") for number, who in enumerate(people) for _ in range(copies())
    ]
    events += [(dirty(who), "") for who in strangers]
    maker.rng.shuffle(events)
    found.cohort = [{"id": f"c{number}", **clean(who)} for number, who in enumerate(people)]
    found.events = [{"id": f"e{number}", **said} for number, (said, _) in enumerate(events)]
    found.truth = {(f"e{number}", member) for number, (_, member) in enumerate(events) if member}
    return found


def one(found: Set, maker: Maker, records: Sequence[tuple[Row, int]]) -> Set:
    """One table with itself: records with the person each is of."""
    rows = list(records)
    maker.rng.shuffle(rows)
    found.cohort = [{"id": f"r{number}", **row} for number, (row, _) in enumerate(rows)]
    held: dict[int, list[str]] = {}
    for number, (_, who) in enumerate(rows):
        held.setdefault(who, []).append(f"r{number}")
    found.truth = {pair for own in held.values() for pair in itertools.permutations(own, 2)}
    return found


def only(row: Row, names: Sequence[str]) -> Row:
    """The row with these columns."""
    return {name: row[name] for name in names}
