"""From the columns that a Splink model names to the values of an identity: extras as written, else our own fields.

A value of `Identity.extra` under the column's name wins: that is the table's own text, and what Splink saw. Where there
is none (live feeds), the column's field of the prepared identity stands in, in its normalised form.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from cohort.prepared import PreparedIdentity
from cohort.splink_conditions import Row

MOST_ROWS = 16
"""Combinations of several values (two postcodes, three names) of one identity that are compared; the first ones."""
_EXTRA = "extra."
Values = tuple[str, ...]


def _iso(birth: int) -> str:
    return f"{birth // 10_000:04}-{birth // 100 % 100:02}-{birth % 100:02}"


FIELDS: dict[str, Callable[[PreparedIdentity], Values]] = {
    "given_names": lambda who: tuple(" ".join(name.given) for name in who.names if not name.alias),
    "family_name": lambda who: tuple(" ".join(name.family) for name in who.names if not name.alias),
    "full_name": lambda who: tuple(" ".join(name.tokens) for name in who.names if not name.alias),
    "aliases": lambda who: tuple(" ".join(name.tokens) for name in who.names if name.alias),
    "date_of_birth": lambda who: tuple(map(_iso, who.births)),
    "sex": lambda who: (who.sex.value,) if who.sex else (),
    "postcodes": lambda who: who.postcodes or who.plain_texts("postcode"),
    "addresses": lambda who: who.addresses or who.plain_texts("address"),
    "phones": lambda who: who.phones,
    "emails": lambda who: who.emails,
    "nhs_number": lambda who: who.nhs,
    "pnc_id": lambda who: who.pnc,
    "cro": lambda who: who.cro,
    "upn": lambda who: who.upn,
    "nominal_ids": lambda who: tuple(value for scheme, _, value in who.references if scheme == "nominal"),
    "crn": lambda who: tuple(value for scheme, _, value in who.references if scheme == "crn"),
}
"""Our fields -> their values in prepared form."""
_NAMES = frozenset({"given_names", "family_name", "full_name"})
"""Fields that belong together: the values at one place are parts of one name."""
_SINGULAR = {"postcode": "postcodes", "address": "addresses", "phone": "phones", "email": "emails"}
_USUAL = {
    "given_names": "given_name given_names first_name firstname forename forenames forename1 first_names",
    "family_name": "surname family_name last_name lastname family",
    "full_name": "full_name name fullname forename_surname_concat first_and_surname",
    "date_of_birth": "dob date_of_birth birth_date birthdate dateofbirth",
    "sex": "sex gender",
    "postcodes": "postcode postcodes post_code postal_code zip zip_code zipcode postcode_fake",
    "addresses": "address addresses address_1 address_line_1 address1 full_address",
    "phones": "phone phones phone_number telephone mobile",
    "emails": "email emails email_address",
    "nhs_number": "nhs_number nhs_no nhsnumber nhs",
    "pnc_id": "pnc_id pnc pnc_number",
    "cro": "cro cro_number",
    "upn": "upn",
    "aliases": "aliases alias",
}
USUAL: dict[str, str] = {name: field for field, names in _USUAL.items() for name in names.split()}
"""Names that columns usually have -> our field."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column's value is found: extras of these names (lower case) first, then a field of ours, '' if none."""

    extras: tuple[str, ...]
    field: str


def source_of(column: str, columns: Mapping[str, str]) -> Source | None:
    """Where `column` is found, by the mapping given or else by its usual name; None where neither knows it."""
    name = column.casefold()
    target = next((field for given, field in columns.items() if given.casefold() == name), None) or USUAL.get(name)
    if target is None:
        return None
    if target.startswith(_EXTRA):
        return Source(tuple(dict.fromkeys((name, target[len(_EXTRA) :].casefold()))), USUAL.get(name, ""))
    return Source((name,), _SINGULAR.get(target, target))


def unknown_fields(columns: Mapping[str, str]) -> list[str]:
    """The targets of a mapping that are no field of ours."""
    return [
        field
        for field in columns.values()
        if _SINGULAR.get(field, field) not in FIELDS and not (field.startswith(_EXTRA) and len(field) > len(_EXTRA))
    ]


Extras = Mapping[str, Values]
Recall = Callable[[PreparedIdentity], Extras]


def remembered_extras() -> Recall:
    """Extras by name in lower case; those of the last two identities are kept, for every comparison asks for them."""
    last: tuple[tuple[PreparedIdentity | None, Extras], ...] = ((None, {}), (None, {}))

    def recall(who: PreparedIdentity) -> Extras:
        nonlocal last
        newest, older = last
        if newest[0] is who:
            return newest[1]
        if older[0] is who:
            return older[1]
        extras = {name.casefold(): values for name, values in who.extras}
        last = ((who, extras), newest)
        return extras

    return recall


class Reader:
    """The rows of some columns: one for an ordinary identity, more where a column has several values.

    `lists` are the places of columns that hold a list: all of their values are one value.
    """

    __slots__ = ("_lists", "_recall", "_sources")

    def __init__(self, sources: Sequence[Source], lists: frozenset[int], recall: Recall) -> None:
        self._sources = tuple(sources)
        self._lists = lists
        self._recall = recall

    def rows(self, who: PreparedIdentity) -> tuple[Row, ...]:
        """At least one row, in the order of the columns; None where the identity says nothing."""
        extras = self._recall(who)
        row: list[object] = []
        for place, source in enumerate(self._sources):
            written = extras.get(source.extras[0])
            if written is None and (len(source.extras) > 1 or source.field):
                return self._several(who, extras)
            if place in self._lists:
                row.append(written)
            elif not written:
                row.append(None)
            elif len(written) == 1:
                row.append(written[0])
            else:
                return self._several(who, extras)
        return (tuple(row),)

    def _several(self, who: PreparedIdentity, extras: Extras) -> tuple[Row, ...]:
        groups: dict[object, list[tuple[int, tuple[object, ...]]]] = {}
        for place, source in enumerate(self._sources):
            written = next((extras[name] for name in source.extras if name in extras), None)
            if written is None and source.field in _NAMES and place not in self._lists:
                groups.setdefault("names", []).append((place, _or_null(FIELDS[source.field](who))))
                continue
            values = written if written is not None else _derived(source.field, who)
            if place in self._lists:
                groups[place] = [(place, (values,))]
            else:
                groups[place] = [(place, values or (None,))]
        return self._combined(list(groups.values()))

    def _combined(self, groups: Sequence[list[tuple[int, tuple[object, ...]]]]) -> tuple[Row, ...]:
        choices = [list(zip(*(values for _, values in group), strict=True)) for group in groups]
        places = [place for group in groups for place, _ in group]
        rows = []
        for chosen in islice(product(*choices), MOST_ROWS):
            row: list[object] = [None] * len(self._sources)
            for place, value in zip(places, (value for choice in chosen for value in choice), strict=True):
                row[place] = value
            rows.append(tuple(row))
        return tuple(rows)


def _or_null(values: Values) -> tuple[str | None, ...]:
    """The parts of names; null where one is not known, one null where there is no name."""
    return tuple(value or None for value in values) or (None,)


def _derived(field: str, who: PreparedIdentity) -> Values | None:
    return (FIELDS[field](who) or None) if field else None
