"""References that can be read aloud: short, random-looking, the same on every replay, and saying nothing of anybody.

A reference is a keyed hash of the alert's id, so that without the secret it can be neither computed from a person nor
traced back to one.
"""

import hmac

from domain.errors import ConfigError

ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""28 symbols: no vowels, so that no words appear; no 0/O and no 1/I/L, which are read for one another."""

SYMBOLS = 8
"""28**8 = 3.8e11 references: among a million alerts about one pair in a lifetime may share one."""

MIN_SECRET_BYTES = 16


def reference_of(key: str, secret: bytes) -> str:
    """The reference of an alert id (or any other key), as XXXX-XXXX. The same key and secret give the same one.

    Raises ConfigError if the secret is shorter than 16 bytes.
    """
    if len(secret) < MIN_SECRET_BYTES:
        raise ConfigError("The secret for references must have at least 16 bytes.")
    number = int.from_bytes(hmac.digest(secret, b"reference:" + key.encode(), "sha256"), "big")
    number %= len(ALPHABET) ** SYMBOLS  # the symbols are its lowest digits: a small number is quicker to take apart
    symbols: list[str] = []
    for _ in range(SYMBOLS):
        number, index = divmod(number, len(ALPHABET))
        symbols.append(ALPHABET[index])
    return "".join(symbols[:4]) + "-" + "".join(symbols[4:])


def normalise_reference(typed: str) -> str:
    """What a person typed or dictated, as XXXX-XXXX; '' if it is no reference. Case, spaces and dashes are free."""
    symbols = "".join(character for character in typed.upper() if character.isalnum())
    if len(symbols) != SYMBOLS or any(character not in ALPHABET for character in symbols):
        return ""
    return f"{symbols[:4]}-{symbols[4:]}"
