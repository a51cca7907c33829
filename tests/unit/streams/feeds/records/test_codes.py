"""Offence codes and intelligence grades: the table of domain.md 2.2 and 3.2, and what is unknown or malformed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attributes import Grade, Handling
from streams.feeds.intel_grades import most_cautious, parse_grade
from streams.feeds.offences import groups_of, normalise_offence, offence_tables

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("raw", "code", "why"),
    [
        ("8N", "8N", "already a group code"),
        (" 8n ", "8N", "case and blanks"),
        ("008N", "8N", "leading zeros"),
        ("008/01", "8N", "class and subclass, named by domain.md"),
        ("8/1", "8N", "the same without zeros"),
        ("105/01", "105A", "class and subclass, named by domain.md"),
        ("1", "1", "murder"),
        ("001/01", "1", "a class that is a code as a whole"),
        ("4.1", "4.1", "manslaughter"),
        ("4.10", "4.10", "corporate manslaughter is not 4.1"),
        ("004/10", "4.10", "class 4, subclass 10"),
        ("004/01", "4.1", "class 4, subclass 1"),
        ("037/01", "37.1", "class 37, subclass 1"),
        ("8G", "8N", "2010: actual bodily harm"),
        ("8H", "8P", "2010: aggravated grievous bodily harm"),
        ("5A", "5D", "2010: wounding or act endangering life"),
        ("008/99", "008/99", "an unknown subclass stays as sent"),
        ("xy 12", "XY12", "an unknown code stays, cleaned"),
        ("", "", "nothing"),
    ],
)
def test_spellings_of_an_offence(raw: str, code: str, why: str) -> None:
    assert normalise_offence(raw, TODAY) == code, why


@given(st.text(max_size=30))
def test_any_code_normalises_once_and_for_all(raw: str) -> None:
    once = normalise_offence(raw, TODAY)
    assert normalise_offence(once, TODAY) == once


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("1", "homicide"),
        ("4.10", "homicide"),
        ("8N", "violence_with_injury"),
        ("105A", "violence_without_injury"),
        ("10D", "weapons"),
        ("81", "weapons"),
        ("34B", "robbery"),
        ("92A", "drugs"),
        ("62A", "public_order"),
    ],
)
def test_groups_of_codes(code: str, group: str) -> None:
    assert groups_of(code) == {group}
    assert groups_of(code, on=TODAY) == {group}


def test_an_unknown_code_has_no_group_and_every_listed_code_is_its_own_spelling() -> None:
    assert groups_of("ZZ") == frozenset()
    for table in offence_tables():
        for code in table.groups:
            assert table.code_of(code) == code
        assert set(table.superseded.values()) | set(table.subclasses.values()) <= set(table.groups)


@pytest.mark.parametrize(
    ("said", "grade", "why"),
    [
        ("1BP", Grade(1, "B", Handling.P), "3x5x2 in one word"),
        (" 2 / c / C ", Grade(2, "C", Handling.C), "with slashes and blanks"),
        ({"source": "3", "assessment": "e", "handling": "c"}, Grade(3, "E", Handling.C), "parts as text"),
        (
            {"source": 1, "information": "A", "handling": "P"},
            Grade(1, "A", Handling.P),
            "the older word for assessment",
        ),
        ("A11", Grade(1, "A", Handling.C, "A11"), "5x5x5: law enforcement only"),
        ("B22", Grade(1, "A", Handling.P, "B22"), "5x5x5: handling 2 may be shared"),
        ("C33", Grade(2, "B", Handling.C, "C33"), "5x5x5"),
        ("D44", Grade(3, "D", Handling.BLOCK, "D44"), "5x5x5: originator only"),
        ("E 5 5", Grade(2, "E", Handling.BLOCK, "E 5 5"), "5x5x5: no further dissemination"),
        ({"source": "B", "assessment": "2", "handling": 4}, Grade(1, "A", Handling.BLOCK, "B24"), "5x5x5 in parts"),
        ({"source": 1, "assessment": "B"}, Grade(1, "B", Handling.NONE), "no handling given"),
        ({"source": 9, "assessment": "Z", "handling": "Q"}, Grade(), "every part malformed"),
        ({"source": True, "assessment": 1.5, "handling": []}, Grade(), "not even the right sort"),
        ("reliable source near the park", Grade(), "words are not kept, not even as the original"),
        (None, Grade(), "nothing"),
    ],
)
def test_grades(said: object, grade: Grade, why: str) -> None:
    assert parse_grade(said) == grade, why


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_grade_is_never_an_error(said: object) -> None:
    assert isinstance(parse_grade(said), Grade)


def test_the_most_cautious_handling_wins_either_way_round() -> None:
    order = [Handling.NONE, Handling.P, Handling.C, Handling.BLOCK]
    for low in order:
        for high in order[order.index(low) :]:
            assert most_cautious(low, high) is high is most_cautious(high, low)
