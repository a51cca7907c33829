"""Tables that no part of the product was built on: each unlike the others, written as CSV with its mapping and truth.

Deterministic. Words are made up, so that no list of real names helps; addresses and numbers are fictional.
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
_CYRILLIC = str.maketrans(
    string.ascii_lowercase,
    "абцдефгхийклмнопкрстувшхыз",
)
_CHINESE = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_ARABIC = [
    "محمد",
    "أحمد",
    "علي",
    "حسن",
    "حسين",
    "يوسف",
    "إبراهيم",
    "خالد",
    "سعيد",
    "عمر",
    "فاطمة",
    "عائشة",
    "مريم",
    "زينب",
    "ليلى",
    "نور",
    "هدى",
    "سلمى",
    "رانيا",
    "داود",
]


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


def _two(
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


def _one(found: Set, maker: Maker, records: Sequence[tuple[Row, int]]) -> Set:
    """One table with itself: records with the person each is of."""
    rows = list(records)
    maker.rng.shuffle(rows)
    found.cohort = [{"id": f"r{number}", **row} for number, (row, _) in enumerate(rows)]
    held: dict[int, list[str]] = {}
    for number, (_, who) in enumerate(rows):
        held.setdefault(who, []).append(f"r{number}")
    found.truth = {pair for own in held.values() for pair in itertools.permutations(own, 2)}
    return found


def _only(row: Row, names: Sequence[str]) -> Row:
    return {name: row[name] for name in names}


_NAMES = "given_names: given\nfamily_name: family\n"
_BORN = "date_of_birth: dob\n"


def copies_in_one_file(size: int = 2000) -> Set:
    maker = Maker(11)
    names = ("given", "family", "dob", "street", "town", "postcode")
    mapping = f"id: id\n{_NAMES}{_BORN}address: street\npostcode: postcode\nextra: {{town: town}}\n"
    compared = {"given": "name", "family": "name", "dob": "date", "street": "text", "town": "text", "postcode": "edits"}
    found = Set("copies in one file", "one table with itself, 1 to 5 copies, 20 % errors", mapping, compared)
    records = []
    for number in range(size):
        who = _only(maker.person(), names)
        records += [(maker.dirty(who, 0.2, 0.05), number) for _ in range(maker.rng.choice((1, 1, 2, 3, 5)))]
    return _one(found, maker, records)


def three_columns(size: int = 4000) -> Set:
    maker = Maker(12)
    names = ("given", "family", "dob")
    found = Set(
        "three columns", "names and date of birth alone, 10 % errors, half strangers", f"id: id\n{_NAMES}{_BORN}",
        {"given": "name", "family": "name", "dob": "date"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(size // 2)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.5), dirty=lambda who: maker.dirty(who, 0.1))


def places_that_go_together(size: int = 3000) -> Set:
    """Town, county, region, area code, district and ward all follow from one another."""
    maker = Maker(13)
    towns = maker.stock(120, 3)
    where = {
        town: {
            "town": town, "district": f"{town} {maker.word(1)}", "county": f"county {place // 8}",
            "region": f"region {place // 30}", "area_code": f"0{1000 + place // 3}", "outcode": f"ZZ{place}",
            "state": "NSQV"[place // 40] * 3, "country": "Nowhere", "council": f"{maker.word(2)} council",
        }
        for place, town in enumerate(towns)
    }  # fmt: skip
    own = ("given", "family", "dob", "sex", "trade")

    def make() -> Row:
        return {**_only(maker.person(), own), **where[maker.pick(towns, 0.5)]}

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.08)
        if maker.chance(0.2):
            said.update(where[maker.pick(towns, 0.5)])  # moved: all of it changes at once
        return said

    extras = ["trade", *where[towns[0]]]
    listed = "".join(f"  {name}: {name}\n" for name in extras)
    found = Set(
        "places that go together", "14 columns, nine of which say the same place; a fifth moved",
        f"id: id\n{_NAMES}{_BORN}sex: sex\nextra:\n{listed}",
        {"given": "name", "family": "name", "dob": "date", "sex": "exact", **dict.fromkeys(extras, "exact")},
    )  # fmt: skip
    people, others = [make() for _ in range(size)], [make() for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def a_census(size: int = 3000) -> Set:
    """Names, an age that is a guess, parish and trade as numbers, place of birth: no date at all."""
    maker = Maker(14)

    def make() -> Row:
        who = maker.person()
        return {
            **_only(who, ("given", "family", "sex")), "born": str(maker.rng.randint(1790, 1880)),
            "parish": str(maker.rng.randint(1, 300)), "trade": str(maker.rng.randint(100, 180)),
            "birthplace": who["town"],
        }  # fmt: skip

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.12, 0.05)
        said["born"] = str(int(who["born"]) + maker.rng.choice((0, 0, 0, 0, 0, 1, -1, 1, -2, 5)))
        return said

    found = Set(
        "a census", "year of birth only and a few years off, codes as integers, 12 % errors",
        f"id: id\n{_NAMES}sex: sex\nextra: {{born: born, parish: parish, trade: trade, birthplace: birthplace}}\n",
        {"given": "name", "family": "name", "sex": "exact", "born": "edits", "parish": "exact", "trade": "exact",
         "birthplace": "text"},
    )  # fmt: skip
    people, others = [make() for _ in range(size)], [make() for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def a_register_of_ages(size: int = 2500) -> Set:
    """A name in one column, an age in years, a street."""
    maker = Maker(15)

    def make() -> Row:
        who = maker.person()
        whole = f"{who['given']} {who['family']}".title()
        return {"name": whole, "age": str(maker.rng.randint(16, 90)), "address": who["street"]}

    def dirty(who: Row) -> Row:
        said = dict(who)
        given, _, family = who["name"].partition(" ")
        if maker.chance(0.3):
            said["name"] = f"{family.upper()}, {given}"
        if maker.chance(0.15):
            said["name"] = maker.typo(said["name"])
        said["age"] = str(int(who["age"]) + maker.rng.choice((0, 0, 1, 1, 2)))
        if maker.chance(0.15):
            said["address"] = maker.typo(who["address"])
        elif maker.chance(0.15):
            said["address"] = maker.person()["street"]
        return said

    found = Set(
        "ages", "name in one column (either order), an age that grows, an address",
        "id: id\nfull_name: name\naddress: address\nextra: {age: age}\n",
        {"name": "name", "age": "edits", "address": "text"},
    )  # fmt: skip
    people, others = [make() for _ in range(size)], [make() for _ in range(size // 2)]
    return _two(found, maker, people, others, copies=lambda: maker.rng.choice((0, 1, 1, 2)), dirty=dirty)


def odd_dates(size: int = 2500) -> Set:
    """The cohort writes 04/02/1999, the events 4 Feb 1999, 04.02.99 or 1999-02-04T00:00:00."""
    maker = Maker(16)
    names = ("given", "family", "dob", "postcode")

    def clean(who: Row) -> Row:
        return {**who, "dob": date.fromisoformat(who["dob"]).strftime("%d/%m/%Y")}

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.1)
        if said["dob"]:
            born = date.fromisoformat(said["dob"])
            forms = ("%d %b %Y", "%d %B %Y", "%Y-%m-%dT00:00:00", "%d.%m.%Y", "%d-%b-%Y")
            said["dob"] = born.strftime(maker.rng.choice(forms))
        return said

    found = Set(
        "dates in words", "dates of birth in five ways of writing, other in each table",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "text", "postcode": "edits"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(size // 2)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.7), dirty=dirty, clean=clean)


def scripts(size: int = 2500) -> Set:
    """Names in Latin letters with accents, Cyrillic, Chinese and Arabic."""
    maker = Maker(17)
    accents = str.maketrans("aeiouc", "äéíöüç")

    def make() -> Row:
        who = _only(maker.person(), ("given", "family", "dob", "town"))
        kind = maker.rng.randrange(4)
        for half in ("given", "family"):
            if kind == 0:
                who[half] = who[half].translate(accents).title()
            elif kind == 1:
                who[half] = who[half].translate(_CYRILLIC).title()
            elif kind == 2:
                letters = maker.rng.choices(_CHINESE, k=1 if half == "family" else 2)
                who[half] = "".join(letters)
            else:
                who[half] = maker.rng.choice(_ARABIC)
        return who

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.08)
        for half in ("given", "family"):
            if said[half] and maker.chance(0.2):
                said[half] = said[half].upper()
        return said

    found = Set(
        "other scripts", "accented, Cyrillic, Chinese and Arabic names, 8 % errors",
        f"id: id\n{_NAMES}{_BORN}extra: {{town: town}}\n",
        {"given": "name", "family": "name", "dob": "date", "town": "text"},
    )  # fmt: skip
    people, others = [make() for _ in range(size)], [make() for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def mostly_empty(size: int = 3000) -> Set:
    maker = Maker(18)
    names = ("given", "family", "dob", "town", "email")
    found = Set(
        "mostly empty", "35 % of all cells empty, 15 % of the others wrong, one table with itself",
        f"id: id\n{_NAMES}{_BORN}email: email\nextra: {{town: town}}\n",
        {"given": "name", "family": "name", "dob": "date", "town": "text", "email": "email"},
    )  # fmt: skip
    records = []
    for number in range(size // 2):
        who = _only(maker.person(), names)
        records += [(maker.dirty(who, 0.15, 0.35), number) for _ in range(maker.rng.choice((1, 2, 2, 3)))]
    return _one(found, maker, records)


def a_heavy_head(size: int = 3000) -> Set:
    """60 % live in one town and a fifth have one surname; a constant, a row number and free text besides."""
    maker = Maker(19)

    def make() -> Row:
        who = _only(maker.person(), ("given", "family", "dob", "town"))
        if maker.chance(0.6):
            who["town"] = "Metropolis"
        if maker.chance(0.2):
            who["family"] = "nguyen"
        return who

    serial = itertools.count(100_000)

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.12)
        note = " ".join(maker.pick(maker.streets) for _ in range(maker.rng.randint(0, 25)))
        return {**said, "country": "Nowhere", "serial": str(next(serial)), "note": note}

    found = Set(
        "a heavy head", "60 % one town, 20 % one surname; a constant, a serial number and free text compared too",
        f"id: id\n{_NAMES}{_BORN}extra: {{town: town, country: country, serial: serial, note: note}}\n",
        {"given": "name", "family": "name", "dob": "date", "town": "text"},
    )  # fmt: skip
    people, others = [make() for _ in range(size)], [make() for _ in range(size)]
    return _two(
        found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty,
        clean=lambda who: dirty(dict(who)) | who,
    )  # fmt: skip


def nobody_known(size: int = 3000) -> Set:
    maker = Maker(20)
    names = ("given", "family", "dob", "postcode")
    found = Set(
        "nobody known", "no event is about anybody in the cohort",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: 0, dirty=lambda who: maker.dirty(who, 0.1))


def everybody_known(size: int = 800) -> Set:
    maker = Maker(21)
    names = ("given", "family", "dob", "phone", "street")
    found = Set(
        "everybody known", "every event is about a member, some members have ten; 20 % errors",
        f"id: id\n{_NAMES}{_BORN}phone: phone\naddress: street\n",
        {"given": "name", "family": "name", "dob": "date", "phone": "edits", "street": "text"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    return _two(
        found,
        maker,
        people,
        [],
        copies=lambda: maker.rng.choice((1, 2, 5, 10)),
        dirty=lambda who: maker.dirty(who, 0.2),
    )


def households_and_twins(size: int = 900) -> Set:
    maker = Maker(22)
    names = ("given", "family", "dob", "street", "postcode", "phone")

    def household() -> list[Row]:
        head = _only(maker.person(), names)
        home = [head]
        for _ in range(maker.rng.choice((0, 1, 2, 3, 4))):
            other = maker.person()
            child = {**head, "given": other["given"], "dob": other["dob"]}
            home.append(child)
            if maker.chance(0.08):
                home.append({**child, "given": maker.pick(maker.given)})
        return home

    found = Set(
        "households and twins", "families share surname, home and phone; a few twins; 12 % errors",
        f"id: id\n{_NAMES}{_BORN}address: street\npostcode: postcode\nphone: phone\n",
        {"given": "name", "family": "name", "dob": "date", "street": "text", "postcode": "edits", "phone": "edits"},
    )  # fmt: skip
    homes = [household() for _ in range(size)]
    people, others = [], []
    for home in homes:
        for who in home:
            (people if maker.chance(0.6) else others).append(who)
    return _two(
        found, maker, people, others, copies=lambda: maker.chance(0.7), dirty=lambda who: maker.dirty(who, 0.12)
    )


def few() -> Set:
    maker = Maker(23)
    names = ("given", "family", "dob", "postcode")
    found = Set(
        "few", "a cohort of 200, 150 events, a third about members",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(200)]
    others = [_only(maker.person(), names) for _ in range(100)]
    return _two(
        found, maker, people, others, copies=lambda: maker.chance(0.25), dirty=lambda who: maker.dirty(who, 0.12)
    )


def swapped_columns(size: int = 3000) -> Set:
    maker = Maker(24)
    names = ("given", "family", "dob", "postcode", "sex")

    def dirty(who: Row) -> Row:
        said = maker.dirty(who, 0.08)
        if maker.chance(0.15):
            said["given"], said["family"] = said["family"], said["given"]
        return {name: cell.upper() if maker.chance(0.2) and name != "dob" else cell for name, cell in said.items()}

    found = Set(
        "swapped columns", "15 % with given name and surname exchanged, random capitals",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\nsex: sex\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits", "sex": "exact"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def many_errors(size: int = 3000) -> Set:
    maker = Maker(25)
    names = ("given", "family", "dob", "street", "postcode", "trade")
    found = Set(
        "many errors", "40 % of the cells of an event wrong",
        f"id: id\n{_NAMES}{_BORN}address: street\npostcode: postcode\nextra: {{trade: trade}}\n",
        {"given": "name", "family": "name", "dob": "date", "street": "text", "postcode": "edits", "trade": "exact"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(size)]
    return _two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=lambda who: maker.dirty(who, 0.4))


def a_large_cohort(size: int = 100_000) -> Set:
    maker = Maker(26)
    names = ("given", "family", "dob", "postcode")
    found = Set(
        "a large cohort", "100,000 members, 10,000 events, a tenth about members",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits"},
    )  # fmt: skip
    people = [_only(maker.person(), names) for _ in range(size)]
    others = [_only(maker.person(), names) for _ in range(9_000)]
    return _two(
        found, maker, people, others, copies=lambda: maker.chance(0.01), dirty=lambda who: maker.dirty(who, 0.1)
    )


SETS: tuple[Callable[[], Set], ...] = (
    copies_in_one_file, three_columns, places_that_go_together, a_census, a_register_of_ages, odd_dates, scripts,
    mostly_empty, a_heavy_head, nobody_known, everybody_known, households_and_twins, few, swapped_columns, many_errors,
    a_large_cohort,
)  # fmt: skip
