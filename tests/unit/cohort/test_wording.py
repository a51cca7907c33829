"""Evidence reads as plain words, for every comparison at every level, and never holds a value."""

from cohort.offered import OFFERS
from cohort.wording import plain, words
from domain.matches import Evidence


def test_a_waterfall_reads_as_a_sentence() -> None:
    said = [
        Evidence("date of birth", "exact", 13.94),
        Evidence("family name", "one_edit", 7.3),
        Evidence("postcode", "different", -2.31),
        Evidence("extra:place_of_birth", "close", 3.0),
    ]
    assert plain(said) == (
        "same date of birth, +13.9; surname one letter off, +7.3; different postcode, -2.3; "
        "place of birth nearly the same, +3.0"
    )
    assert plain(()) == ""


def test_every_level_of_every_comparison_has_words() -> None:
    for name, offers in OFFERS.items():
        for level in {level for offer in offers for level in offer.levels} - {"missing"}:
            said = words(Evidence(name, level, 1.0))
            assert "_" not in said and ":" not in said, (name, level, said)
