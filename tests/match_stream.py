"""A stream of mentions for the matching benchmark: limits.md 3.1, with long tails of names, at any size of cohort.

Forenames and surnames are made of syllables and drawn by Zipf's law; one person in twelve
may have a name of the few that are shared by thousands in the West Midlands (`dense`). Numbers are of ranges that are
reserved or given to nobody as far as those reach; beyond, they are made up.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

from domain.attributes import NoAttributes
from domain.events import Event, Mention
from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import EventId, MemberId
from domain.kinds import Feed, Kind, Role
from domain.people import CohortMember, MemberStatus

NOW = datetime(2026, 11, 20, tzinfo=UTC)
_STARTS = (
    "A", "Ba", "Be", "Bri", "Ca", "Cha", "Da", "De", "Do", "E", "Fa", "Fe", "Ga", "Ge", "Gra", "Ha", "He", "Ho", "I",
    "Ja", "Je", "Jo", "Ka", "Ke", "Ki", "La", "Le", "Lo", "Ma", "Me", "Mo", "Na", "Ni", "O", "Pa", "Pe", "Pri", "Ra",
    "Re", "Ro", "Sa", "Se", "Sha", "Si", "Ta", "Te", "Tho", "U", "Va", "Vi", "Wa", "We", "Wi", "Ya", "Za", "Ze",
)  # fmt: skip
_MIDDLES = ("", "la", "li", "ra", "ri", "na", "ni", "ma", "mi", "sa", "ta", "to", "ke", "de", "vi", "bo", "ge", "wo")
_GIVEN_ENDS = ("n", "na", "m", "ra", "s", "l", "la", "th", "d", "x", "ry", "sh", "na", "t", "ck", "mir", "rad", "yah")
_FAMILY_ENDS = (
    "son", "ton", "man", "ley", "ford", "well", "ham", "s", "ski", "escu", "ov", "ani", "oglu", "wick", "field", "er",
    "by", "worth", "stead", "bury", "idze", "wala", "pour", "mani", "bi", "dotter", "sen", "ins", "kin", "ard",
)  # fmt: skip
_DENSE_GIVEN = ("Mohammed", "Muhammad", "Amir", "Aisha", "Fatima", "Harpreet", "Gurpreet", "Simran", "Ali", "Zainab")
_DENSE_FAMILY = ("Khan", "Hussain", "Ahmed", "Ali", "Begum", "Akhtar", "Mahmood", "Patel", "Singh", "Kaur")
_AREAS = tuple(f"{area}{number}" for area in ("B", "WV", "DY", "WS", "CV", "ST", "TF", "WR") for number in range(1, 75))
DENSE = 1 / 12
"""The share of people with one of a hundred names."""


def _words(starts: tuple[str, ...], ends: tuple[str, ...], size: int, rng: random.Random) -> list[str]:
    every = sorted({start + middle + end for start in starts for middle in _MIDDLES for end in ends})
    rng.shuffle(every)
    longer = (every[number % len(every)] + every[(number * 7 + 3) % len(every)].lower() for number in range(size))
    return (every + list(longer))[:size]


def _zipf(size: int, power: float) -> list[float]:
    return list(accumulate(1.0 / (rank + 12) ** power for rank in range(size)))


class Stream:
    """People and what sources say of them, from a seed."""

    def __init__(self, seed: int = 1, dense: float = 0.0) -> None:
        self._rng = random.Random(seed)
        names = random.Random(7)
        self._given = _words(_STARTS, _GIVEN_ENDS, 2_500, names)
        self._family = _words(_STARTS, _FAMILY_ENDS, 30_000, names)
        self._given_odds, self._family_odds = _zipf(2_500, 1.0), _zipf(30_000, 0.95)
        self._dense = dense

    def _name(self, kind: NameKind = NameKind.USUAL) -> Name:
        rng = self._rng
        if rng.random() < self._dense:
            return Name((rng.choice(_DENSE_GIVEN),), rng.choice(_DENSE_FAMILY), kind)
        (given,) = rng.choices(self._given, cum_weights=self._given_odds)
        (family,) = rng.choices(self._family, cum_weights=self._family_odds)
        return Name((given,), family, kind)

    def _postcode(self) -> str:
        rng = self._rng
        return f"{rng.choice(_AREAS)} {rng.randrange(10)}{rng.choice('ABDEFGHJ')}{rng.choice('ABDEFGHJLNPQRSTUW')}"

    def _home(self) -> tuple[str, str]:
        (street,) = self._rng.choices(self._family, cum_weights=self._family_odds)
        return (
            self._postcode(),
            f"{self._rng.randrange(1, 180)} {street} {self._rng.choice(('Road', 'Street', 'Close'))}",
        )

    def _phone(self) -> str:
        return f"06{self._rng.randrange(1_000_000_000):09d}"  # 06 is given to nobody

    def person(self, number: int) -> Identity:
        """Somebody, with everything that is known about a member."""
        rng = self._rng
        names = [self._name(), *(self._name(NameKind.ALIAS) for _ in range(rng.choice((0, 0, 0, 1, 2))))]
        identifiers = []
        if rng.random() < 0.7:
            identifiers.append(Identifier(Scheme.NHS, _nhs(number), verified=rng.random() < 0.6))
        if rng.random() < 0.9:
            identifiers.append(Identifier(Scheme.NOMINAL, f"N{number}", "RMS-X"))
        postcode, line = self._home()
        return Identity(
            names=tuple(names),
            dates_of_birth=(DateOfBirth(date(1944, 1, 1) + timedelta(days=rng.randrange(25_000))),),
            sex=rng.choice((Sex.MALE, Sex.FEMALE)),
            identifiers=tuple(identifiers),
            postcodes=(postcode,),
            addresses=(line,),
            phones=(self._phone(),),
        )

    def members(self, size: int) -> Iterator[CohortMember]:
        """So many members, one after the other."""
        for number in range(size):
            yield CohortMember(MemberId(f"M{number:07d}"), MemberStatus.AT_RISK, self.person(number))

    def said(self, person: Identity) -> Identity:
        """What a source says of a person: limits.md 3.1."""
        rng = self._rng
        aliases = [name for name in person.names if name.kind is NameKind.ALIAS]
        name = rng.choice(aliases) if aliases and rng.random() < 0.12 else person.names[0]
        given, family = name.given[0], name.family
        if rng.random() < 0.12:
            given = self._typo(given)
        if rng.random() < 0.10:
            family = self._typo(family)
        if rng.random() < 0.03:
            family = self._name().family
        if rng.random() < 0.015:
            given, family = family, given
        postcode, line = self._home() if rng.random() < 0.25 else (person.postcodes[0], person.addresses[0])
        phone = person.phones[0] if rng.random() < 0.8 else self._phone()
        return Identity(
            names=(Name((given,), family),),
            dates_of_birth=self._born(person.dates_of_birth[0].value),
            sex=person.sex,
            identifiers=tuple(each for each in person.identifiers if rng.random() < 0.12),
            postcodes=() if rng.random() < 0.30 else (postcode,),
            addresses=() if rng.random() < 0.40 else (line,),
            phones=() if rng.random() < 0.65 else (phone,),
        )

    def _born(self, born: date) -> tuple[DateOfBirth, ...]:
        chance = self._rng.random()
        if chance < 0.12:
            return ()
        if chance < 0.14 and born.day <= 12:
            born = date(born.year, born.day, born.month)
        elif chance < 0.18:
            born = born.replace(day=self._rng.randrange(1, 29))
        elif chance < 0.20:
            born = date(born.year + self._rng.choice((-10, -1, 1, 10)), born.month, min(born.day, 28))
        return (DateOfBirth(born),)

    def _typo(self, text: str) -> str:
        place = self._rng.randrange(1, len(text)) if len(text) > 1 else 0
        return text[:place] + self._rng.choice("aeiourstnl") + text[place + self._rng.randrange(2) :]

    def events(self, members: dict[str, Identity], count: int, prevalence: float = 0.01) -> list[tuple[Event, str]]:
        """Events with whom they are about, '' for a stranger; `members` are those whom some are about."""
        known = sorted(members)
        found = []
        for number in range(count):
            about = self._rng.choice(known) if known and self._rng.random() < prevalence else ""
            person = members[about] if about else self.person(10_000_000 + number)
            found.append((_event(number, self.said(person)), about))
        return found


def _event(number: int, said: Identity) -> Event:
    return Event(
        event_id=EventId(f"e{number}"),
        kind=Kind.CRIME_RECORDED,
        feed=Feed.POLICE,
        source_system="RMS-X",
        source_key=f"K{number}",
        occurred_at=NOW,
        received_at=NOW,
        mentions=(Mention("1", Role.SUSPECT, said),),
        attributes=NoAttributes(),
    )


def _nhs(number: int) -> str:
    """A number with a right check digit; of the reserved range below a million."""
    digits = f"{999_000_000 + number % 1_000_000:09d}" if number < 900_000 else f"{700_000_000 + number:09d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True))
    check = (11 - total % 11) % 11
    return f"{digits}{check}" if check < 10 else _nhs(number + 13)
