"""Evidence in plain words: "same date of birth, +13.9; surname one letter off, +7.3; different postcode, -2.3".

Levels only, never a value: the words may be shown and kept wherever the match itself may.
"""

from collections.abc import Iterable

from cohort.offered import EXTRA
from cohort.scoring import PRIOR
from domain.matches import Evidence

_SUBJECTS = {"given names": "given names", "family name": "surname", "email": "e-mail address", "phone": "phone number"}
_WHOLE = {
    ("name", "same_tokens"): "same names in another order",
    ("name", "part_of"): "one name is part of the other",
    ("name", "alias"): "known by this alias",
    ("name", "initial"): "same surname, only an initial of the given name",
    ("name", "family_only"): "same surname, given name not said",
    ("name", "given_only"): "same given name only",
    ("name", "family_shared"): "same surname, another given name",
    ("own name and birth", "both_differ"): "given names and date of birth are another person's (a relative?)",
    ("own name and birth", "given_names_differ"): "given names are another person's (a relative?)",
    ("own name and birth", "birth_differs"): "date of birth is another person's (a relative?)",
    ("given names", "same_call_name"): "same first name, other given names differ",
    ("given names", "short_form"): "given name is a short form of the other",
    ("given names", "swapped"): "given name and surname swapped",
    ("given names", "initial"): "given name agrees by its initial",
    ("family name", "one_of_two"): "one surname of a double surname the same",
    ("date of birth", "swapped"): "day and month of birth swapped",
    ("date of birth", "same_month"): "same month of birth, another day",
    ("date of birth", "same_year_month"): "same month and year of birth, another day",
    ("date of birth", "same_day_month"): "same birthday, another year",
    ("date of birth", "same_year"): "same year of birth, another day",
    ("date of birth", "estimated_near"): "estimated date of birth near the other",
    ("date of birth", "within_5_years"): "dates of birth within five years",
    ("postcode", "sector"): "same postcode sector",
    ("postcode", "district"): "same postcode district",
    ("address", "same_at_postcode"): "same house and street at that postcode",
    ("address", "other_at_postcode"): "another house at that postcode",
    ("address", "same_street_elsewhere"): "same house and street, another postcode",
    ("address", "same_street"): "same street, another house",
    ("email", "same_name"): "same e-mail name at another provider",
    ("NHS number", "same_verified"): "same NHS number, verified on both sides",
    ("NHS number", "different_verified"): "different NHS number, verified on both sides",
    ("member_id", "same"): "the programme's own member id",
    ("household", "same"): "the programme's own household key",
}  # fmt: skip
_PATTERNS = {
    "exact": "same {}", "same": "same {}", "close": "{} nearly the same", "near": "{} spelt alike",
    "one_edit": "{} one letter off", "two_edits": "{} two letters off", "similar": "{} similar",
    "part_of": "{} partly the same", "swapped": "{} with parts swapped", "different": "different {}",
    "within_1_percent": "{} within one per cent", "within_10_percent": "{} within ten per cent",
    "same_year_month": "{} in the same month", "same_day_month": "{} on the same day of another year",
    "same_year": "{} in the same year", "within_5_years": "{} within five years",
}  # fmt: skip


def plain(evidence: Iterable[Evidence]) -> str:
    """The evidence in plain words with its bits, in order, separated by semicolons. Pure; '' for none."""
    return "; ".join(f"{words(each)}, {each.bits:+.1f}" for each in evidence)


def words(evidence: Evidence) -> str:
    """One line of evidence in plain words, without its bits."""
    if evidence.comparison == PRIOR:
        return f"before comparing ({evidence.level})"
    whole = _WHOLE.get((evidence.comparison, evidence.level))
    if whole:
        return whole
    subject = _SUBJECTS.get(evidence.comparison, evidence.comparison.removeprefix(EXTRA).replace("_", " "))
    pattern = _PATTERNS.get(evidence.level)
    if pattern is None:
        return f"{subject}: {evidence.level.replace('_', ' ')}"
    said = pattern.format(subject)
    return said.replace("letter", "digit") if evidence.comparison in _DIGITS else said


_DIGITS = frozenset({"date of birth", "phone", "identifier text"})
