"""Tables that no part of the product was built on: each unlike the others, with its mapping and its truth. Deterministic."""

import itertools
import string
from collections.abc import Callable
from datetime import date

from tests.unseen_maker import Maker, Row, Set, one, only, two

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
        who = only(maker.person(), names)
        records += [(maker.dirty(who, 0.2, 0.05), number) for _ in range(maker.rng.choice((1, 1, 2, 3, 5)))]
    return one(found, maker, records)


def three_columns(size: int = 4000) -> Set:
    maker = Maker(12)
    names = ("given", "family", "dob")
    found = Set(
        "three columns", "names and date of birth alone, 10 % errors, half strangers", f"id: id\n{_NAMES}{_BORN}",
        {"given": "name", "family": "name", "dob": "date"},
    )  # fmt: skip
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(size // 2)]
    return two(found, maker, people, others, copies=lambda: maker.chance(0.5), dirty=lambda who: maker.dirty(who, 0.1))


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
        return {**only(maker.person(), own), **where[maker.pick(towns, 0.5)]}

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
    return two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def a_census(size: int = 3000) -> Set:
    """Names, an age that is a guess, parish and trade as numbers, place of birth: no date at all."""
    maker = Maker(14)

    def make() -> Row:
        who = maker.person()
        return {
            **only(who, ("given", "family", "sex")), "born": str(maker.rng.randint(1790, 1880)),
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
    return two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


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
    return two(found, maker, people, others, copies=lambda: maker.rng.choice((0, 1, 1, 2)), dirty=dirty)


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
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(size // 2)]
    return two(found, maker, people, others, copies=lambda: maker.chance(0.7), dirty=dirty, clean=clean)


def scripts(size: int = 2500) -> Set:
    """Names in Latin letters with accents, Cyrillic, Chinese and Arabic."""
    maker = Maker(17)
    accents = str.maketrans("aeiouc", "äéíöüç")

    def make() -> Row:
        who = only(maker.person(), ("given", "family", "dob", "town"))
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
    return two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


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
        who = only(maker.person(), names)
        records += [(maker.dirty(who, 0.15, 0.35), number) for _ in range(maker.rng.choice((1, 2, 2, 3)))]
    return one(found, maker, records)


def a_heavy_head(size: int = 3000) -> Set:
    """60 % live in one town and a fifth have one surname; a constant, a row number and free text besides."""
    maker = Maker(19)

    def make() -> Row:
        who = only(maker.person(), ("given", "family", "dob", "town"))
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
    return two(
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
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(size)]
    return two(found, maker, people, others, copies=lambda: 0, dirty=lambda who: maker.dirty(who, 0.1))


def everybody_known(size: int = 800) -> Set:
    maker = Maker(21)
    names = ("given", "family", "dob", "phone", "street")
    found = Set(
        "everybody known", "every event is about a member, some members have ten; 20 % errors",
        f"id: id\n{_NAMES}{_BORN}phone: phone\naddress: street\n",
        {"given": "name", "family": "name", "dob": "date", "phone": "edits", "street": "text"},
    )  # fmt: skip
    people = [only(maker.person(), names) for _ in range(size)]
    return two(
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
        head = only(maker.person(), names)
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
    return two(found, maker, people, others, copies=lambda: maker.chance(0.7), dirty=lambda who: maker.dirty(who, 0.12))


def few() -> Set:
    maker = Maker(23)
    names = ("given", "family", "dob", "postcode")
    found = Set(
        "few", "a cohort of 200, 150 events, a third about members",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits"},
    )  # fmt: skip
    people = [only(maker.person(), names) for _ in range(200)]
    others = [only(maker.person(), names) for _ in range(100)]
    return two(
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
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(size)]
    return two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=dirty)


def many_errors(size: int = 3000) -> Set:
    maker = Maker(25)
    names = ("given", "family", "dob", "street", "postcode", "trade")
    found = Set(
        "many errors", "40 % of the cells of an event wrong",
        f"id: id\n{_NAMES}{_BORN}address: street\npostcode: postcode\nextra: {{trade: trade}}\n",
        {"given": "name", "family": "name", "dob": "date", "street": "text", "postcode": "edits", "trade": "exact"},
    )  # fmt: skip
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(size)]
    return two(found, maker, people, others, copies=lambda: maker.chance(0.6), dirty=lambda who: maker.dirty(who, 0.4))


def a_large_cohort(size: int = 100_000) -> Set:
    maker = Maker(26)
    names = ("given", "family", "dob", "postcode")
    found = Set(
        "a large cohort", "100,000 members, 10,000 events, a tenth about members",
        f"id: id\n{_NAMES}{_BORN}postcode: postcode\n",
        {"given": "name", "family": "name", "dob": "date", "postcode": "edits"},
    )  # fmt: skip
    people = [only(maker.person(), names) for _ in range(size)]
    others = [only(maker.person(), names) for _ in range(9_000)]
    return two(found, maker, people, others, copies=lambda: maker.chance(0.01), dirty=lambda who: maker.dirty(who, 0.1))


SETS: tuple[Callable[[], Set], ...] = (
    copies_in_one_file, three_columns, places_that_go_together, a_census, a_register_of_ages, odd_dates, scripts,
    mostly_empty, a_heavy_head, nobody_known, everybody_known, households_and_twins, few, swapped_columns, many_errors,
    a_large_cohort,
)  # fmt: skip
