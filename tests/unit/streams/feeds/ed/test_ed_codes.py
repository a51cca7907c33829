"""Code lists as data: versions by day, sites over the shipped ones, faults told."""

from datetime import date
from pathlib import Path

import pytest

from domain.attributes import Intent, Mechanism
from domain.errors import ConfigError
from streams.feeds.ed_codes import NO_CODES, EdCodes, load_ed_codes


@pytest.mark.parametrize(
    ("first", "last", "intent", "count"),
    [("X85", "Y09", Intent.ASSAULT, 25), ("X60", "X84", Intent.SELF_HARM, 25), ("Y10", "Y34", Intent.UNDETERMINED, 25)],
)
def test_the_families_of_the_domain_page_are_whole(first: str, last: str, intent: Intent, count: int) -> None:
    table = load_ed_codes().in_force(date(2026, 1, 1)).icd10
    family = [code for code, meaning in table.items() if meaning.intent is intent]
    assert (min(family), max(family), len(family)) == (first, last, count)


@pytest.mark.parametrize(
    ("code", "mechanism"),
    [("X93", Mechanism.FIREARM), ("X95", Mechanism.FIREARM), ("X99", Mechanism.SHARP), ("X96", None), ("Y06", None)],
)
def test_weapons_are_those_of_the_rules(code: str, mechanism: Mechanism | None) -> None:
    assert load_ed_codes().in_force(date(2026, 1, 1)).icd10[code].mechanism is mechanism


def test_the_version_in_force_on_the_day_counts(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("versions: [{effective: 2026-06-01, icd10: [{codes: X99, intent: accidental}]}]")
    codes = load_ed_codes(site)
    assert codes.in_force(date(2026, 5, 31)).icd10["X99"].intent is Intent.ASSAULT
    assert codes.in_force(date(2026, 6, 1)).icd10["X99"].intent is Intent.ACCIDENTAL
    assert codes.in_force(date(1990, 1, 1)).icd10["X99"].intent is Intent.ASSAULT


def test_no_lists_say_nothing() -> None:
    assert EdCodes().in_force(date(2026, 1, 1)) is NO_CODES


@pytest.mark.parametrize(
    "text",
    [
        "versions: [{effective: someday}]",
        "local_codes: {X9Z: {K: {intent: grumpy}}}",
        "unknown: 1",
        "[",
        "versions: [{effective: 2026-01-01, icd10: [{codes: stabbing, intent: assault}]}]",
        "versions: [{effective: 2026-01-01, icd10: [{codes: [x99], intent: assault}]}]",
        "- a list",
    ],
)
def test_a_faulty_list_is_refused_by_name(tmp_path: Path, text: str) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(text)
    with pytest.raises(ConfigError, match=r"site\.yaml"):
        load_ed_codes(site)
