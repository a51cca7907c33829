"""Keys of a model's own: combinations of parts, all of which must agree; what is no part is refused by name."""

import dataclasses
from datetime import date

import pytest

from cohort.blocking import blocking_keys, check_keys, probe_keys
from cohort.index import CohortChanges, CohortIndex
from cohort.prepared import prepare
from domain.errors import ConfigError
from domain.identity import DateOfBirth, Identity, Name
from tests.unit.cohort.people import member_of

ANNA = Identity(
    names=(Name(("Anna", "Maria"), "Kowalska"),),
    dates_of_birth=(DateOfBirth(date(1999, 3, 14)),),
    postcodes=("WV1 1AA",),
    addresses=("12 High Street",),
    phones=("07700 900123",),
    emails=("a@example.com",),
    extra=(("state", ("VIC", "Nsw ")),),
)


@pytest.mark.parametrize(
    ("keys", "other", "meets", "why"),
    [
        (("birth",), Identity(dates_of_birth=ANNA.dates_of_birth), True, "one part alone"),
        (("birth", "given"), Identity(dates_of_birth=ANNA.dates_of_birth), False, "a part that one side lacks"),
        (("birth_month",), Identity(dates_of_birth=(DateOfBirth(date(1999, 3, 2)),)), True, "year and month"),
        (("birth_day",), Identity(dates_of_birth=(DateOfBirth(date(1989, 3, 14)),)), True, "month and day"),
        (("birth_day",), Identity(dates_of_birth=(DateOfBirth(date(1999, 3, 15)),)), False, "another day"),
        (("given", "outcode"), Identity((Name(("Anna",), ""),), postcodes=("WV1 9ZZ",)), True, "name and district"),
        (("family_sound",), Identity((Name(("Jan",), "Kowalsky"),)), True, "sounds alike"),
        (("family",), Identity((Name(("Kowalska",), "Anna"),)), False, "the family name is not a given name"),
        (("token",), Identity((Name(("Kowalska",), "Beata"),)), True, "any name"),
        (("token_sound",), Identity((Name(("Ana",), "Beata"),)), True, "any name by sound"),
        (("house",), Identity(addresses=("12 HIGH ST",)), True, "the address line"),
        (("extra.state",), Identity(extra=(("state", ("nsw",)),)), True, "one of several values, any case"),
        (("extra.state",), Identity(extra=(("state", ("qld",)),)), False, "another value"),
        (("extra.state",), Identity(extra=(("other", ("nsw",)),)), False, "another column"),
    ],
)
def test_a_key_of_a_models_own_brings_together(keys: tuple[str, ...], other: Identity, meets: bool, why: str) -> None:
    wanted = set(blocking_keys(prepare(ANNA), (keys,))) - set(blocking_keys(prepare(ANNA)))
    strong, weak = probe_keys(prepare(other), (keys,))
    assert wanted.isdisjoint([*strong, *weak]) is not meets, why


def test_what_is_no_part_is_refused_by_name() -> None:
    for wrong in ("surname", "extra.", "extra"):
        with pytest.raises(ConfigError, match=wrong):
            check_keys([("birth", wrong)])
    with pytest.raises(ConfigError, match="at least one"):
        CohortIndex.build((), keys=((),))


def test_an_index_keeps_its_keys_through_updates() -> None:
    index = CohortIndex.build([member_of(1, ANNA)], 1, keys=(("extra.state",),))
    said = prepare(Identity(extra=ANNA.extra))
    assert [row.member.member_id for row in index.candidates(said)] == ["M00001"]
    moved = dataclasses.replace(ANNA, extra=(("state", ("qld",)),))
    later = index.apply(CohortChanges((member_of(1, moved), member_of(2, ANNA))), 2)
    assert [row.member.member_id for row in later.candidates(said)] == ["M00002"]
    assert index.keys == later.keys == (("extra.state",),)
