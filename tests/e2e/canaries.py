"""Canaries: values that stand nowhere else in the world, planted in personal fields and searched for in bytes.

A canary is looked for as it is, in any case, without its spaces, percent-encoded, and in the three ways in which
base64 can hold it; a phone number also by its last nine digits.
"""

import base64
import quopri
from collections.abc import Iterable
from random import Random
from urllib.parse import quote

_CONSONANTS, _VOWELS = "bdfgklmnprtvz", "aeiou"


class Canaries:
    """Makes canaries and finds them. Each is known by where it was planted."""

    def __init__(self, seed: str) -> None:
        self._rng = Random(seed)
        self._planted: dict[str, str] = {}

    def word(self, where: str) -> str:
        """A made-up word of ten letters, capitalised."""
        letters = "".join(self._rng.choice(_CONSONANTS) + self._rng.choice(_VOWELS) for _ in range(5))
        return self.plant(where, letters.capitalize())

    def phrase(self, where: str, words: int = 2) -> str:
        """Several made-up words."""
        return " ".join(self.word(where) for _ in range(words))

    def plant(self, where: str, value: str) -> str:
        """A value made elsewhere (a check-digit-valid number, a postcode)."""
        self._planted[value] = where
        return value

    def __len__(self) -> int:
        return len(self._planted)

    def found_in(self, content: bytes, *, besides: Iterable[str] = ()) -> dict[str, str]:
        """Where the canaries that stand in `content` had been planted, by value; {} is what a test wants."""
        allowed = set(besides)
        forms = (content.lower(), quopri.decodestring(content).lower())
        return {
            value: where
            for value, where in self._planted.items()
            if value not in allowed
            and (any(spelt in form for spelt in _spellings(value) for form in forms) or _in_base64(value, content))
        }


def _spellings(value: str) -> set[bytes]:
    low = value.lower()
    spelt = {low, low.replace(" ", ""), quote(low), quote(low, safe=""), low.replace(" ", "+")}
    if value.startswith("+44"):
        spelt |= {value[4:], "0" + value[3:], f"0{value[3:7]} {value[7:]}"}
    if value.isdigit() and len(value) == 10:
        spelt.add(f"{value[:3]} {value[3:6]} {value[6:]}")
    return {each.encode() for each in spelt}


def _in_base64(value: str, content: bytes) -> bool:
    """Whether base64 of anything around the value stands in `content`: three alignments, ends cut off."""
    for shift in range(3):
        whole = base64.b64encode(b"\x00" * shift + value.encode())
        inner = whole[4 if shift else 0 :].rstrip(b"=")[:-1]
        if len(inner) >= 8 and (inner in content or inner.translate(_URL_SAFE) in content):
            return True
    return False


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
