"""Who PID says it is: numbers, names, dates, reach, and the marks of reliability."""

from datetime import date

import pytest

from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from tests.unit.streams.feeds.ed.messages import adt, event


def identity(pid: dict[int, str], *extra: str) -> Identity:
    return event(adt("A31", *extra, pid=pid)).mentions[0].identity


NHS = Identifier(Scheme.NHS, "9990000018")
TRACED = Identifier(Scheme.NHS, "9990000018", verified=True)


@pytest.mark.parametrize(
    ("pid", "identifiers", "why"),
    [
        ({3: "9990000018^^^NHS"}, (NHS,), "by authority"),
        ({3: "9990000018^^^X9Z^NH"}, (NHS,), "by type"),
        ({3: "999 000-0018^^^NHS"}, (NHS,), "as printed"),
        ({3: "9990000018^^^NHS", 32: "NSTS01"}, (TRACED,), "traced"),
        ({3: "9990000018^^^NHS", 32: "UA~NSTS01"}, (TRACED,), "traced, among other marks"),
        ({3: "9990000018^^^NHS", 32: "NSTS02"}, (NHS,), "not traced"),
        ({3: "9990000019^^^NHS~H1^^^X9ZPAS"}, (Identifier(Scheme.NOMINAL, "H1", "X9ZPAS"),), "wrong check digit"),
        ({3: "3333333333^^^NHS"}, (), "all digits the same"),
        (
            {3: "9990000018^^^NHS~9990000026^^^NHS", 32: "NSTS01"},
            (NHS, Identifier(Scheme.NHS, "9990000026")),
            "one trace status cannot prove two numbers",
        ),
        ({3: "H1"}, (Identifier(Scheme.NOMINAL, "H1", "X9Z"),), "a local number without authority is the facility's"),
        ({3: "H1^^^A&1.2&ISO~H1^^^B~H1^^^A"}, tuple(Identifier(Scheme.NOMINAL, "H1", s) for s in "AB"), "scoped, once"),
    ],
)
def test_identifiers(pid: dict[int, str], identifiers: tuple[Identifier, ...], why: str) -> None:
    assert identity(pid).identifiers == identifiers, why


@pytest.mark.parametrize(
    ("pid", "names", "why"),
    [
        ({5: "TESTONE^ARI^BEN^^MR^^L"}, (Name(("ARI", "BEN"), "TESTONE"),), "usual, given names in order"),
        (
            {5: "A^B^^^^^L~C^D^^^^^A~E^F^^^^^PREVIOUS-MAIDEN~G^H^^^^^PREFERRED"},
            (
                Name(("B",), "A"),
                Name(("D",), "C", NameKind.ALIAS),
                Name(("F",), "E", NameKind.PREVIOUS),
                Name(("H",), "G"),
            ),
            "repeats with types",
        ),
        ({5: "Unknown^^^^^^L"}, (), "the literal Unknown is no name"),
        ({5: "UNKNOWN^ARI"}, (Name(("ARI",), ""),), "half unknown"),
        ({5: "TESTONE^ARI", 32: "AL"}, (Name(("ARI",), "TESTONE", NameKind.ALIAS),), "the name is an alias"),
        ({5: 'TESTONE^""'}, (Name((), "TESTONE"),), "a null part"),
        ({5: "PSEUDO^X^^^^^S"}, (), "a pseudonym is nobody's name"),
        ({5: "VAN TEST&VAN&TEST^ARI"}, (Name(("ARI",), "VAN TEST"),), "surname in parts"),
        ({5: "X" * 257 + "^ARI"}, (), "longer than any name"),
        ({5: "O\\T\\ONE^ARI"}, (Name(("ARI",), "O&ONE"),), "escaped"),
    ],
)
def test_names(pid: dict[int, str], names: tuple[Name, ...], why: str) -> None:
    assert identity(pid).names == names, why


@pytest.mark.parametrize(
    ("pid", "dates", "why"),
    [
        ({7: "20090204"}, (DateOfBirth(date(2009, 2, 4)),), "stated"),
        ({7: "200902040130"}, (DateOfBirth(date(2009, 2, 4)),), "the time of birth does not move the day"),
        ({7: "20090204", 32: "ED"}, (DateOfBirth(date(2009, 2, 4), DobQuality.ESTIMATED),), "marked estimated"),
        ({7: "19000101", 32: "UD"}, (DateOfBirth(date(1900, 1, 1), DobQuality.DEFAULT),), "marked default"),
        ({7: "2009"}, (DateOfBirth(date(2009, 1, 1), DobQuality.ESTIMATED),), "a year alone"),
        ({7: "20990204"}, (), "not born yet"),
        ({7: "20090231"}, (), "no such day"),
        ({7: "Unknown"}, (), "no date"),
    ],
)
def test_dates_of_birth(pid: dict[int, str], dates: tuple[DateOfBirth, ...], why: str) -> None:
    assert identity(pid).dates_of_birth == dates, why


@pytest.mark.parametrize(
    ("code", "sex"),
    [
        *(("1", Sex.MALE), ("m", Sex.MALE), ("2", Sex.FEMALE), ("F", Sex.FEMALE)),
        *(("9", Sex.NOT_SPECIFIED), ("O", Sex.NOT_SPECIFIED), ("A", Sex.NOT_SPECIFIED)),
        *(("0", Sex.UNKNOWN), ("U", Sex.UNKNOWN), ("?", Sex.UNKNOWN)),
    ],
)
def test_sex(code: str, sex: Sex) -> None:
    assert identity({8: code}).sex is sex


def test_addresses_home_first_with_their_postcodes() -> None:
    found = identity(
        {11: "2 TMP ST^^SAMPLETON^^zz99  3wz^^TMP~1 HOME ST^FLAT 2^SAMPLETON^^ZZ99 3VZ^GBR^H~BAD^^^^ZZ99 9ZZ^^BA"}
    )
    assert found.addresses == ("1 HOME ST, FLAT 2, SAMPLETON", "2 TMP ST, SAMPLETON")
    assert found.postcodes == ("ZZ99 3VZ", "ZZ99 3WZ")


@pytest.mark.parametrize(
    ("pid", "phones", "emails", "why"),
    [
        ({13: "01632960001~07700900123"}, ("01632960001", "07700900123"), (), "landline and mobile"),
        ({13: "01632960001", 14: "01632960001~0770 090 0123"}, ("01632960001", "0770 090 0123"), (), "work, once"),
        ({13: "^NET^Internet^ari@example.com"}, (), ("ari@example.com",), "e-mail"),
        ({13: "ari@example.com"}, (), ("ari@example.com",), "e-mail where a number belongs"),
        ({13: "unknown~x~123"}, (), (), "no numbers"),
    ],
)
def test_phones(pid: dict[int, str], phones: tuple[str, ...], emails: tuple[str, ...], why: str) -> None:
    found = identity(pid)
    assert (found.phones, found.emails) == (phones, emails), why


@pytest.mark.parametrize(
    ("flag", "shielded"), [("Y", True), ("1", True), ("X", True), ("N", False), ("", False), ('""', False)]
)
def test_location_hiding_keeps_where_they_live_out(flag: str, shielded: bool) -> None:
    pid = {11: "1 HOME ST^^SAMPLETON^^ZZ99 3VZ", 13: "01632960001", 14: "^NET^^ari@example.com"}
    found = identity(pid, f"ZU8||||{flag}")
    reach = (found.addresses, found.postcodes, found.phones, found.emails)
    assert (reach == ((), (), (), ())) is shielded
    assert found.names


def test_a_default_address_is_no_evidence() -> None:
    assert identity({11: "1 HOME ST^^^^ZZ99 3VZ", 32: "UA"}).postcodes == ()


@pytest.mark.parametrize(
    ("pid", "flags", "why"),
    [
        ({31: "Y"}, (True, False, False), "identity unknown"),
        ({30: "Y"}, (False, True, False), "dead"),
        ({29: "20260101"}, (False, True, False), "dead since"),
        ({24: "Y"}, (False, False, True), "of a multiple birth"),
        ({25: "2"}, (False, False, True), "born second"),
        ({25: "1"}, (False, False, False), "born first says nothing"),
        ({24: "NO", 30: "N", 31: "N"}, (False, False, False), "none"),
    ],
)
def test_marks(pid: dict[int, str], flags: tuple[bool, bool, bool], why: str) -> None:
    found = identity(pid)
    assert (found.unknown, found.deceased, found.multiple_birth) == flags, why
