"""The CSV form of members and navigators: which columns there are, and how a cell becomes a value and back.

Columns of design.md section 7, `;` between several values of a cell; behind them a few optional ones, so that an export
read again opens no feed that was closed; and any number of `extra.<name>`. One row's faults are collected, none of them
holds a value.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme, Sex, never_compared
from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus, Navigator, WatchAuthority

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)
_DESIGNED = (
    "given_names", "family_name", "aliases", "date_of_birth", "sex", "nhs_number", "pnc_id", "cro", "nominal_ids",
    "addresses", "postcodes", "phones", "emails", "member_id", "status", "programme", "area", "navigator_id",
    "household_id", "associates", "watch_reason", "lawful_basis", "authorised_by", "starts", "review_on", "ends",
)  # fmt: skip
_OPTIONAL = ("allowed_feeds", "cover_id", "force_area", "safe_contact", "staff_safety")
MEMBER_COLUMNS = {name: name for name in (*_DESIGNED, *_OPTIONAL)}
NAVIGATOR_COLUMNS = {
    name: name
    for name in (
        "navigator_id", "name", "phone", "email", "area", "available", "cover_id", "health_approved", "duty",
        "gatekeeper", "supervisor",
    )
}  # fmt: skip
SEX_WORDS = {
    "": Sex.UNKNOWN, "0": Sex.UNKNOWN, "unknown": Sex.UNKNOWN, "u": Sex.UNKNOWN, "1": Sex.MALE, "m": Sex.MALE,
    "male": Sex.MALE, "2": Sex.FEMALE, "f": Sex.FEMALE, "female": Sex.FEMALE, "9": Sex.NOT_SPECIFIED,
    "not_specified": Sex.NOT_SPECIFIED, "x": Sex.NOT_SPECIFIED,
}  # fmt: skip
EXTRA = "extra."
"""Before the name of a column that no identity has by itself; it is compared where a match model names it."""
MOST_EXTRAS = 100
_LONGEST_EXTRA = 500
_YES = frozenset({"true", "yes", "y", "1"})
_NO = frozenset({"false", "no", "n", "0"})


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something wrong in a file: line from 1, column or JSON path ('' for the line as a whole), and what, in words."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.column or 'the line'} {self.problem}"


class Cells:
    """One row while it is read: answers cells as values and remembers what was wrong."""

    def __init__(self, line: int, row: Mapping[str, str | None]) -> None:
        self.line = line
        self.faults: list[Fault] = []
        self._row = row

    def extras(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The values of every `extra.<name>` column, in order of name."""
        found = []
        for column in sorted(self._row):
            if column.startswith(EXTRA) and (values := self.many(column)):
                if any(len(value) > _LONGEST_EXTRA for value in values):
                    self.wrong(column, f"holds a value of more than {_LONGEST_EXTRA} letters")
                found.append((column.removeprefix(EXTRA), values))
        return tuple(found)

    def wrong(self, column: str, problem: str) -> None:
        """Remember a fault."""
        self.faults.append(Fault(self.line, column, problem))

    def text(self, column: str) -> str:
        """The cell without blanks around it, '' where absent."""
        return (self._row.get(column) or "").strip()

    def required(self, column: str) -> str:
        """The cell, which must not be empty."""
        value = self.text(column)
        if not value:
            self.wrong(column, "is empty")
        return value

    def many(self, column: str) -> tuple[str, ...]:
        """The values of a cell, separated by `;`."""
        return tuple(part for raw in self.text(column).split(";") if (part := raw.strip()))

    def day(self, column: str, text: str) -> date | None:
        """A date as YYYY-MM-DD or DD/MM/YYYY."""
        for form in ("%Y-%m-%d", "%d/%m/%Y"):
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007 (a day, not a moment)
            except ValueError:
                continue
        self.wrong(column, "is not a date (YYYY-MM-DD or DD/MM/YYYY)")
        return None

    def optional_day(self, column: str) -> date | None:
        """A date, None where the cell is empty."""
        text = self.text(column)
        return self.day(column, text) if text else None

    def choice(self, column: str, text: str, kind: type[Choice], default: Choice) -> Choice:
        """One word of a closed list."""
        try:
            return kind(text.lower())
        except ValueError:
            self.wrong(column, f"is none of {', '.join(kind)}")
            return default

    def yes(self, column: str, *, default: bool = False) -> bool:
        """Yes or no; `default` where the cell is empty."""
        word = self.text(column).lower()
        if word and word not in _YES | _NO:
            self.wrong(column, "is neither yes nor no")
        return word in _YES if word else default


@dataclass(frozen=True, slots=True)
class Columns(Generic[Value]):
    """A table: its column names, which of them must be there, and how a row is read and written."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    from_cells: Callable[[Cells], Value]
    write: Callable[[Value], dict[str, str]]
    prefix: str | None = None
    """Columns that begin so are allowed too."""

    def header_faults(self, header: Sequence[str]) -> list[Fault]:
        """Columns that are missing, unknown or named twice."""
        if not header:
            return [Fault(1, "", "has no column names")]
        names = [name.strip() for name in header]
        free = [name for name in names if self.prefix and name.startswith(self.prefix) and name != self.prefix]
        if len(free) > MOST_EXTRAS:
            return [Fault(1, "", f"names more than {MOST_EXTRAS} extra columns")]
        return [
            *(Fault(1, name, "is never taken") for name in free if never_compared(name)),
            *(Fault(1, name, "is a required column, and missing") for name in self.required if name not in names),
            *(
                Fault(1, _shown(name), "is not a column of this format")
                for name in names
                if name not in (*self.names, *free)
            ),
            *(
                Fault(1, name, "is there twice")
                for name in (*self.names, *dict.fromkeys(free))
                if names.count(name) > 1
            ),
        ]

    def read(self, line: int, row: Mapping[str | None, str | list[str] | None]) -> tuple[Value | None, list[Fault]]:
        """The value of one row, or its faults."""
        if None in row or any(cell is None for cell in row.values()):
            return None, [Fault(line, "", "has more or fewer cells than there are columns")]
        cells = Cells(line, {str(name).strip(): str(cell) for name, cell in row.items()})
        value = self.from_cells(cells)
        return (None, cells.faults) if cells.faults else (value, [])


def _shown(name: str) -> str:
    """A header may be data by mistake (a file without one): only what looks like a column name is told."""
    return name if name.replace("_", "").isalpha() and name.islower() else "a column"


def member_table() -> Columns[CohortMember]:
    """The columns of a watched person."""
    return Columns(tuple(MEMBER_COLUMNS), ("member_id", "status"), _member, _member_row, EXTRA)


def navigator_table() -> Columns[Navigator]:
    """The columns of a navigator."""
    return Columns(tuple(NAVIGATOR_COLUMNS), ("navigator_id",), _navigator, _navigator_row)


def _member(cells: Cells) -> CohortMember:
    feeds = tuple(cells.choice("allowed_feeds", word, Feed, Feed.POLICE) for word in cells.many("allowed_feeds"))
    return CohortMember(
        member_id=MemberId(cells.required("member_id")),
        status=cells.choice("status", cells.required("status") or "referred", MemberStatus, MemberStatus.REFERRED),
        identity=_identity(cells),
        programme=cells.text("programme"),
        area=cells.text("area"),
        force_area=cells.text("force_area"),
        household_id=HouseholdId(cells.text("household_id")) if cells.text("household_id") else None,
        associates=tuple(map(MemberId, cells.many("associates"))),
        navigator_id=NavigatorId(cells.text("navigator_id")) if cells.text("navigator_id") else None,
        cover_id=NavigatorId(cells.text("cover_id")) if cells.text("cover_id") else None,
        watch=WatchAuthority(
            reason=cells.text("watch_reason"),
            lawful_basis=cells.text("lawful_basis"),
            authorised_by=cells.text("authorised_by"),
            starts=cells.optional_day("starts"),
            review_on=cells.optional_day("review_on"),
            ends=cells.optional_day("ends"),
        ),
        allowed_feeds=feeds or tuple(Feed),
        safe_contact=cells.text("safe_contact"),
        staff_safety=cells.text("staff_safety"),
    )


def _identity(cells: Cells) -> Identity:
    given, family = cells.many("given_names"), cells.text("family_name")
    usual = (Name(given, family),) if given or family else ()
    births = (cells.day("date_of_birth", text) for text in cells.many("date_of_birth"))
    sex = SEX_WORDS.get(cells.text("sex").lower())
    if sex is None:
        cells.wrong("sex", "is none of male, female, not_specified, unknown")
    return Identity(
        names=(*usual, *map(alias_of, cells.many("aliases"))),
        dates_of_birth=tuple(DateOfBirth(born) for born in births if born is not None),
        sex=sex or Sex.UNKNOWN,
        identifiers=_identifiers(cells),
        postcodes=cells.many("postcodes"),
        addresses=cells.many("addresses"),
        phones=cells.many("phones"),
        emails=cells.many("emails"),
        extra=cells.extras(),
    )


def alias_of(text: str) -> Name:
    """An alias is written as one text: its last word is the family name, a single word a name they go by."""
    *given, last = text.split()
    return Name(tuple(given), last, NameKind.ALIAS) if given else Name((last,), "", NameKind.ALIAS)


def _identifiers(cells: Cells) -> tuple[Identifier, ...]:
    found = [
        Identifier(scheme, value)
        for column, scheme in (("nhs_number", Scheme.NHS), ("pnc_id", Scheme.PNC), ("cro", Scheme.CRO))
        for value in cells.many(column)
    ]
    for cell in cells.many("nominal_ids"):
        system, colon, value = cell.partition(":")
        if not (colon and system.strip() and value.strip()):
            cells.wrong("nominal_ids", "is not written as system:value")
        found.append(Identifier(Scheme.NOMINAL, value.strip(), system.strip()))
    return tuple(found)


def _joined(values: Iterable[str]) -> str:
    """Several values in one cell; a `;` of their own becomes a comma."""
    return ";".join(value.replace(";", ",") for value in values)


def _day(value: date | None) -> str:
    return value.isoformat() if value else ""


def _member_row(member: CohortMember) -> dict[str, str]:
    identity, watch = member.identity, member.watch
    usual = next((name for name in identity.names if name.kind is NameKind.USUAL), Name())
    others = [" ".join((*name.given, name.family)).strip() for name in identity.names if name is not usual]

    def of(scheme: Scheme) -> str:
        return _joined(identifier.value for identifier in identity.identifiers if identifier.scheme is scheme)

    nominals = (i for i in identity.identifiers if i.scheme is Scheme.NOMINAL)
    return {
        "given_names": _joined(usual.given),
        "family_name": usual.family,
        "aliases": _joined(others),
        "date_of_birth": _joined(born.value.isoformat() for born in identity.dates_of_birth),
        "sex": identity.sex.value,
        "nhs_number": of(Scheme.NHS),
        "pnc_id": of(Scheme.PNC),
        "cro": of(Scheme.CRO),
        "nominal_ids": _joined(f"{identifier.system}:{identifier.value}" for identifier in nominals),
        "addresses": _joined(identity.addresses),
        "postcodes": _joined(identity.postcodes),
        "phones": _joined(identity.phones),
        "emails": _joined(identity.emails),
        "member_id": member.member_id,
        "status": member.status.value,
        "programme": member.programme,
        "area": member.area,
        "navigator_id": member.navigator_id or "",
        "household_id": member.household_id or "",
        "associates": _joined(member.associates),
        "watch_reason": watch.reason,
        "lawful_basis": watch.lawful_basis,
        "authorised_by": watch.authorised_by,
        "starts": _day(watch.starts),
        "review_on": _day(watch.review_on),
        "ends": _day(watch.ends),
        "allowed_feeds": _joined(feed.value for feed in member.allowed_feeds),
        "cover_id": member.cover_id or "",
        "force_area": member.force_area,
        "safe_contact": member.safe_contact,
        "staff_safety": member.staff_safety,
        **{EXTRA + name: _joined(values) for name, values in identity.extra},
    }


def _navigator(cells: Cells) -> Navigator:
    return Navigator(
        navigator_id=NavigatorId(cells.required("navigator_id")),
        name=cells.text("name"),
        phone=cells.text("phone"),
        email=cells.text("email"),
        area=cells.text("area"),
        available=cells.yes("available", default=True),
        cover_id=NavigatorId(cells.text("cover_id")) if cells.text("cover_id") else None,
        health_approved=cells.yes("health_approved"),
        duty=cells.yes("duty"),
        gatekeeper=cells.yes("gatekeeper"),
        supervisor=cells.yes("supervisor"),
    )


def _navigator_row(navigator: Navigator) -> dict[str, str]:
    def word(value: bool) -> str:
        return "yes" if value else "no"

    return {
        "navigator_id": navigator.navigator_id,
        "name": navigator.name,
        "phone": navigator.phone,
        "email": navigator.email,
        "area": navigator.area,
        "available": word(navigator.available),
        "cover_id": navigator.cover_id or "",
        "health_approved": word(navigator.health_approved),
        "duty": word(navigator.duty),
        "gatekeeper": word(navigator.gatekeeper),
        "supervisor": word(navigator.supervisor),
    }
