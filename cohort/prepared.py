"""An identity made ready for comparison: every field normalised once, empty where nothing usable was said.

The same form for both sides, a mention and a member; symmetric by construction. Built by `prepare`.
Named tuples, not dataclasses: one is made per mention of every event, and a frozen dataclass takes four times as long.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from cohort.identifiers import canonical
from cohort.names import MOHAMMED, NO_NAMES, name_tokens
from cohort.normalise import address_line, birth_date, email, phone, postcode, pseudo
from cohort.text_levels import compact, plain_text
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex


class PreparedName(NamedTuple):
    """One name as tokens: `tokens` is given then family; `call` the name they go by; `alias` alias and street names.

    `call` is the first given name that is not the prefix Mohammed, '' where no given name is known.
    """

    given: tuple[str, ...]
    family: tuple[str, ...]
    tokens: tuple[str, ...]
    call: str
    alias: bool

    def __repr__(self) -> str:
        return "PreparedName()"


class PreparedIdentity(NamedTuple):
    """Every comparable field. `births` are yyyymmdd; `references` are (scheme, system, value) of local schemes.

    `extras` are the (name, values) of `Identity.extra` as written: what they are compared as is up to the model.
    `plain` are (field, text) of postcodes, address lines and identifiers not in the UK's form: text only, apart
    from the sound ones, so that nothing that trusts those can rest on them.
    """

    names: tuple[PreparedName, ...] = ()
    births: tuple[int, ...] = ()
    birth_estimated: bool = False
    sex: Sex | None = None
    postcodes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    nhs: tuple[str, ...] = ()
    nhs_verified: tuple[str, ...] = ()
    pnc: tuple[str, ...] = ()
    cro: tuple[str, ...] = ()
    upn: tuple[str, ...] = ()
    references: tuple[tuple[str, str, str], ...] = ()
    has_identifiers: bool = False
    unknown: bool = False
    deceased: bool = False
    multiple_birth: bool = False
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()
    plain: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return "PreparedIdentity()"

    def plain_texts(self, kind: str) -> tuple[str, ...]:
        """What was said in a field but is not in the UK's form: `postcode`, `address`, or a scheme of identifiers."""
        return tuple(text for known, text in self.plain if known == kind)

    def extra(self, name: str) -> tuple[str, ...]:
        """The values of an extra field, as written; () where there is none."""
        for known, values in self.extras:
            if known == name:
                return values
        return ()


def prepare(identity: Identity) -> PreparedIdentity:
    """The comparable form of `identity`. What says nothing (placeholders, defaults, bad check digits) is left out."""
    births, estimated = _births(identity.dates_of_birth) if identity.dates_of_birth else ((), False)
    nhs, verified, pnc, cro, upn, references = (
        _identifiers(identity.identifiers) if identity.identifiers else _NO_IDENTIFIERS
    )
    sex = identity.sex
    postcodes = _kept(postcode, identity.postcodes)
    addresses = _kept(address_line, identity.addresses)
    sound = len(postcodes) + len(addresses) + len(nhs) + len(pnc) + len(cro) + len(upn)
    said = len(identity.postcodes) + len(identity.addresses) + len(identity.identifiers) - len(references)
    return PreparedIdentity(
        prepared_names(identity.names),
        births,
        estimated,
        sex if sex is Sex.MALE or sex is Sex.FEMALE else None,
        postcodes,
        addresses,
        _kept(phone, identity.phones),
        _kept(email, identity.emails),
        nhs,
        verified,
        pnc,
        cro,
        upn,
        references,
        bool(nhs or pnc or cro or upn or references),
        identity.unknown,
        identity.deceased,
        identity.multiple_birth,
        identity.extra,
        _plain(identity) if sound < said else (),
    )


def _plain(identity: Identity) -> tuple[tuple[str, str], ...]:
    """What is not in the UK's form, as text. Pseudo postcodes, dummies and words without a digit say nothing."""
    texts = [("postcode", _code(text)) for text in identity.postcodes if postcode(text) is None and not pseudo(text)]
    texts += [("address", plain_text(text)) for text in identity.addresses if address_line(text) is None]
    texts += [
        (_WORD[each.scheme], _code(each.value))
        for each in identity.identifiers
        if canonical(each.scheme, each.value) is None
    ]
    return tuple(dict.fromkeys((kind, text) for kind, text in texts if text))


def _code(written: str) -> str:
    """The letters and digits of a code, upper-case; '' for one without a digit, or of one sign again and again."""
    text = compact(written)
    return text if len(set(text)) > 1 and any(map(str.isdigit, text)) and text not in _DUMMIES else ""


_DUMMIES = frozenset({"00000000Z"})


def _kept(clean: Callable[[str], str | None], values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        return ()
    if len(values) == 1:
        value = clean(values[0])
        return (value,) if value else ()
    return tuple(dict.fromkeys(value for value in map(clean, values) if value))


def _births(dates: tuple[DateOfBirth, ...]) -> tuple[tuple[int, ...], bool]:
    if len(dates) == 1:  # nearly always
        only = birth_date(dates[0])
        return (() if only is None else (only,)), dates[0].quality is DobQuality.ESTIMATED
    numbers = tuple(dict.fromkeys(number for number in map(birth_date, dates) if number is not None))
    return numbers, any(born.quality is DobQuality.ESTIMATED for born in dates)


def _is_alias(kind: NameKind) -> bool:
    return kind is NameKind.ALIAS or kind is NameKind.STREET


def prepared_names(names: tuple[Name, ...]) -> tuple[PreparedName, ...]:
    """Names cleaned, each once; those of which nothing is left are dropped."""
    if not names:
        return ()
    if len(names) == 1:
        prepared = prepared_name(names[0].given, names[0].family, _is_alias(names[0].kind))
        return (prepared,) if prepared.tokens else ()
    cleaned = [prepared_name(name.given, name.family, _is_alias(name.kind)) for name in names]
    if len(names) == 2 and cleaned[0] != cleaned[1] and all(name.tokens for name in cleaned):
        return tuple(cleaned)
    return tuple(dict.fromkeys(name for name in cleaned if name.tokens))


@lru_cache(maxsize=65_536)
def prepared_name(given_parts: tuple[str, ...], family_part: str, alias: bool) -> PreparedName:
    """One name cleaned: given parts in order, then family."""
    given: tuple[str, ...] = ()
    for part in given_parts:
        given += name_tokens(part)
    family = name_tokens(family_part) if family_part else ()
    if given + family in NO_NAMES:
        given = family = ()  # a placeholder put in two fields
    call = given[0] if given else ""
    if call == MOHAMMED:
        call = next((token for token in given if token != MOHAMMED), MOHAMMED)
    return PreparedName(given, family, given + family, call, alias)


_Values = tuple[str, ...]
_Identifiers = tuple[_Values, _Values, _Values, _Values, _Values, tuple[tuple[str, str, str], ...]]
_NO_IDENTIFIERS: _Identifiers = ((), (), (), (), (), ())
Item = TypeVar("Item")


def _identifiers(identifiers: tuple[Identifier, ...]) -> _Identifiers:
    """Canonical values by scheme. What cannot be an identifier of its scheme is left out, not compared."""
    nhs: list[str] = []
    pnc: list[str] = []
    cro: list[str] = []
    upn: list[str] = []
    verified: list[str] = []
    references: list[tuple[str, str, str]] = []
    for identifier in identifiers:
        scheme = identifier.scheme
        value = canonical(scheme, identifier.value)
        if value is None:
            continue
        if scheme is Scheme.NHS:
            nhs.append(value)
            if identifier.verified:
                verified.append(value)
        elif scheme is Scheme.NOMINAL or scheme is Scheme.CRN:
            references.append((_WORD[scheme], local_system(identifier.system), value))
        else:
            (pnc if scheme is Scheme.PNC else cro if scheme is Scheme.CRO else upn).append(value)
    return _once(nhs), tuple(verified), _once(pnc), _once(cro), _once(upn), _once(references)


def _once(values: list[Item]) -> tuple[Item, ...]:
    return tuple(values if len(values) < 2 else dict.fromkeys(values))


@lru_cache(maxsize=1024)
def local_system(written: str) -> str:
    """The name of a system of records, as it is compared."""
    return sys.intern(written.strip().casefold())


_WORD = {scheme: scheme.value for scheme in Scheme}
