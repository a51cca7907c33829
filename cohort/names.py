"""Names as written -> tokens that can be compared: folded to ASCII, upper-case, placeholders and particles gone.

Tables follow domain.md 5.1 and the MoJ cleaning rules it quotes. Pure, memoised per string, bounded.
"""

import re
import sys
import unicodedata
from functools import lru_cache

_LETTERS_WITHOUT_DECOMPOSITION = str.maketrans(
    {
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH",
        "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ı": "i", "ħ": "h", "Ħ": "H",
    }
)  # fmt: skip
_APOSTROPHES = re.compile(r"['`´‘’ʻʼʾʿ‛′]")
_NOT_A_LETTER = re.compile(r"[^A-Z]+")
_PLACEHOLDER_PREFIX = re.compile(r"^(?:DUPLICATE|MIG_ERROR|NO_SHOW)_", re.IGNORECASE)
_PLACEHOLDER_PHRASES = ("NOT ENTERED", "NOT KNOWN")
NO_NAMES = frozenset(tuple(phrase.split()) for phrase in _PLACEHOLDER_PHRASES)
"""Placeholders as tokens: what is left where one was spread over given and family name."""
_PLACEHOLDER_TOKENS = frozenset({"UNKNOWN", "BABY"})
_DROPPED_PARTICLES = frozenset({"AL", "EL", "BIN", "IBN", "BINT"})
_JOINED_PREFIXES = {"MC": "MC", "MAC": "MAC", "ABU": "ABU", "ABD": "ABDUL", "ABDUL": "ABDUL", "ABDEL": "ABDUL"}
_MARKS = frozenset({"Mn", "Mc"})
MOHAMMED = sys.intern("MOHAMMED")
_MOHAMMED_VARIANTS = frozenset(
    {
        "MOHAMMED", "MOHAMMAD", "MOHAMED", "MOHAMAD", "MUHAMMAD", "MUHAMMED", "MUHAMAD", "MUHAMED", "MOHAMMOD",
        "MAHAMMED", "MAXAMED", "MOHD", "MUHD", "MD",
    }
)  # fmt: skip
_NICKNAMES = (
    ("MICHAEL", "MIKE", "MICK", "MICKY", "MIKEY"), ("WILLIAM", "WILL", "BILL", "BILLY", "LIAM"),
    ("ROBERT", "ROB", "BOB", "BOBBY", "ROBBIE"), ("RICHARD", "RICK", "RICKY", "DICK", "RICH"),
    ("JAMES", "JIM", "JIMMY", "JAMIE"), ("JOHN", "JACK", "JOHNNY"), ("THOMAS", "TOM", "TOMMY"),
    ("JOSEPH", "JOE", "JOEY"), ("DANIEL", "DAN", "DANNY"), ("MATTHEW", "MATT"), ("CHRISTOPHER", "CHRIS"),
    ("ANTHONY", "TONY"), ("ANDREW", "ANDY", "DREW"), ("DAVID", "DAVE", "DAVEY"), ("EDWARD", "ED", "EDDIE", "TED"),
    ("ALEXANDER", "ALEX", "SASHA", "OLEK"), ("SAMUEL", "SAM", "SAMMY"), ("BENJAMIN", "BEN"), ("JOSHUA", "JOSH"),
    ("ELIZABETH", "LIZ", "BETH", "LIZZIE"), ("KATHERINE", "KATE", "KATIE", "CATHERINE", "CATH"),
    ("REBECCA", "BECKY", "BECCA"), ("JESSICA", "JESS"), ("CHARLOTTE", "CHARLIE", "LOTTIE"), ("CHARLES", "CHARLIE"),
    ("KATARZYNA", "KASIA"), ("MALGORZATA", "GOSIA"), ("AGNIESZKA", "AGA"), ("JAKUB", "KUBA"), ("TOMASZ", "TOMEK"),
    ("STANISLAW", "STASZEK"), ("FRANCISCO", "PACO"), ("JOSE", "PEPE"), ("ALEXANDRU", "ALEX"), ("IONUT", "ION"),
)  # fmt: skip
_SOUNDEX_CODES = {
    letter: code
    for code, letters in {"1": "BFPV", "2": "CGJKQSXZ", "3": "DT", "4": "L", "5": "MN", "6": "R"}.items()
    for letter in letters
}


def _nickname_groups() -> dict[str, frozenset[int]]:
    groups: dict[str, set[int]] = {}
    for number, names in enumerate(_NICKNAMES):
        for name in names:
            groups.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in groups.items()}


_GROUPS = _nickname_groups()


def fold(text: str) -> str:
    """`text` in upper-case ASCII: accents dropped, l-stroke and its kin spelt out, other scripts gone."""
    if text.isascii():
        return text.upper()
    decomposed = unicodedata.normalize("NFKD", text.translate(_LETTERS_WITHOUT_DECOMPOSITION))
    return decomposed.encode("ascii", "ignore").decode("ascii").upper()


@lru_cache(maxsize=131_072)
def name_tokens(text: str) -> tuple[str, ...]:
    """The comparable tokens of one part of a name, in order; () for a placeholder or an empty part.

    Apostrophes out, hyphen to space, MC X and ABD X joined, AL- and BIN dropped, Mohammed's spellings made one.
    """
    if text.isascii() and text.isalpha():  # one plain word: nine names of ten
        token = _variant(text.upper())
        return () if token in _PLACEHOLDER_TOKENS else (sys.intern(token),)
    plain = fold(_APOSTROPHES.sub("", _PLACEHOLDER_PREFIX.sub("", text.strip())))
    words = _NOT_A_LETTER.sub(" ", plain).strip() or _other_script(text)
    if not words or any(phrase in words for phrase in _PLACEHOLDER_PHRASES):
        return ()
    return tuple(sys.intern(token) for token in _joined(words.split()) if token not in _PLACEHOLDER_TOKENS)


def _other_script(text: str) -> str:
    """The letters of a name of which ASCII keeps nothing (Cyrillic, Arabic, Chinese): compared as they stand."""
    if text.isascii() or not any(map(str.isalpha, text)):
        return ""
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(sign if sign.isalpha() or unicodedata.category(sign) in _MARKS else " " for sign in plain).strip()


def _joined(words: list[str]) -> list[str]:
    tokens: list[str] = []
    prefix = ""
    for position, word in enumerate(words):
        last = position == len(words) - 1
        if not last and word in _JOINED_PREFIXES:
            prefix += _JOINED_PREFIXES[word]
        elif len(words) > 1 and word in _DROPPED_PARTICLES and not (last and (prefix or not tokens)):
            continue
        else:
            tokens.append(_variant(prefix + word))
            prefix = ""
    return tokens


def _variant(token: str) -> str:
    return MOHAMMED if token in _MOHAMMED_VARIANTS else token


@lru_cache(maxsize=131_072)
def stem(token: str) -> str:
    """A surname without its gendered ending (-ska, -cka, -ova): Kowalska and Kowalski are one family."""
    if len(token) > 5 and token.endswith(("SKA", "CKA")):
        return token[:-1] + "I"
    if len(token) > 6 and token.endswith("OVA"):
        return token[:-3]
    return token


_SPELT = (
    ("UDDIN", "UDIN"), ("ULLAH", "ULA"), ("ULLA", "ULA"), ("KH", "K"), ("PH", "F"), ("CK", "K"), ("Q", "K"), ("W", "V"),
    ("EE", "I"), ("OO", "U"), ("OU", "U"), ("EI", "I"), ("IY", "I"), ("Y", "I"), ("AE", "E"), ("AI", "E"), ("DH", "D"),
    ("ZH", "Z"), ("GH", "G"), ("TH", "T"), ("BH", "B"),
)  # fmt: skip
_ENDINGS = ("AITE", "YTE", "IUTE", "UTE", "IENE", "KOVA", "OVA", "SKA", "CKA", "SKI", "CKI", "SKY", "AITIS", "AS", "IS")


@lru_cache(maxsize=131_072)
def spelling(token: str) -> str:
    """What is left of a name when ways of writing the same sounds are one: Kumar and Koomar, Qasim and Kaseem.

    Long and short vowels, doubled letters, the h after k, g, d, t, b; gendered endings of the Baltic and Czech (5.1).
    """
    word = token
    for written, plain in _SPELT:
        word = word.replace(written, plain)
    word = "".join(letter for place, letter in enumerate(word) if not place or letter != word[place - 1])
    if len(token) > 6:
        ending = next((ending for ending in _ENDINGS if word.endswith(ending) and len(word) - len(ending) > 3), "")
        word = word.removesuffix(ending)
    return sys.intern(word)


@lru_cache(maxsize=131_072)
def phonetic(token: str) -> str:
    """American Soundex of the stem, four characters; of another script the stem. Finds candidates, is no evidence."""
    word = stem(token)
    if not word.isascii():
        return word
    if not word:
        return ""
    code = word[0]
    last = _SOUNDEX_CODES.get(word[0], "")
    for letter in word[1:]:
        digit = _SOUNDEX_CODES.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "HW":
            last = digit
    return sys.intern((code + "000")[:4])


def same_person_short(first: str, second: str) -> bool:
    """Whether two given names are a known short form of each other (Mike, Michael)."""
    groups = _GROUPS.get(first)
    return groups is not None and not groups.isdisjoint(_GROUPS.get(second, frozenset()))
