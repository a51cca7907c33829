"""Younger than so many years is asked of the London day, also around midnight, new year and from other time zones."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from domain.identity import DateOfBirth, Identity
from tests.unit.triggers.histories import MEMBER
from triggers.reference import Reference
from triggers.standing import Person

_DAYS = st.dates(date(2005, 1, 1), date(2020, 12, 31))


@given(_DAYS, st.integers(-40, 40), st.integers(0, 14), st.integers(-12, 14))
def test_under_an_age_agrees_with_the_age(born: date, hours: int, years: int, zone: int) -> None:
    person = Person(replace(MEMBER, identity=Identity(dates_of_birth=(DateOfBirth(born),))), (), Reference())
    for day in (datetime(born.year + years, 1, 1, tzinfo=UTC), datetime(born.year + years + 2, 1, 1, tzinfo=UTC)):
        at = (day + timedelta(hours=hours)).astimezone(timezone(timedelta(hours=zone)))
        age = person.age(at)
        assert person.under(years, at) == (age is not None and age < years)
        birthday = day.replace(month=born.month, day=min(born.day, 28)) + timedelta(hours=hours)
        assert person.under(years, birthday) == ((person.age(birthday) or 0) < years)


def test_whose_date_of_birth_is_not_known_is_under_no_age() -> None:
    person = Person(replace(MEMBER, identity=Identity()), (), Reference())
    assert not person.under(10, datetime(2026, 1, 1, tzinfo=UTC))
