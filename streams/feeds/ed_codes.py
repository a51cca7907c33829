"""ED code lists as data: from ICD-10, SNOMED CT and a site's own codes to our classes (domain.md 1.4).

Nothing is guessed from text: a code that no list names says nothing and is not kept.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.attributes import Intent, Mechanism
from domain.errors import ConfigError

_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?[*+]?")
_SNOMED = re.compile(r"\d{6,18}")
_EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code says; None where it says nothing of that sort. `code_class` as in EdAttributes."""

    intent: Intent | None = None
    mechanism: Mechanism | None = None
    code_class: str | None = None
    safeguarding: str | None = None


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """The lists in force from a day on. ICD-10 by three-character category, SNOMED by id."""

    effective: date
    icd10: Mapping[str, Meaning]
    snomed: Mapping[str, Meaning]


NO_CODES = CodeVersion(date.min, {}, {})


@dataclass(frozen=True, slots=True)
class EdCodes:
    """All lists. `versions` is ordered by day; sites are MSH-4 facilities."""

    versions: tuple[CodeVersion, ...] = ()
    dispositions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    local_codes: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)

    def in_force(self, day: date) -> CodeVersion:
        """The version of that day; the first one for days before it."""
        if not self.versions:
            return NO_CODES
        return next((version for version in reversed(self.versions) if version.effective <= day), self.versions[0])

    def disposition(self, site: str, code: str) -> str | None:
        """How the visit ended, in our words; None for a code that no list names."""
        own = self.dispositions.get(site, {}).get(code)
        return own or self.dispositions.get(_EVERYWHERE, {}).get(code)

    def local(self, site: str, code: str) -> Meaning | None:
        """What a site's own admit reason means; the whole value must be a code of its table."""
        own = self.local_codes.get(site, {}).get(code)
        return own or self.local_codes.get(_EVERYWHERE, {}).get(code)


@dataclass(frozen=True, slots=True)
class Coded:
    """A code as a message gives it. `system` is the coding system as written, '' where it is not said."""

    code: str
    system: str = ""


@dataclass(frozen=True, slots=True)
class Classified:
    """What all codes of a message say together."""

    codes: tuple[str, ...] = ()
    intent: Intent | None = None
    mechanism: Mechanism | None = None
    code_class: str | None = None
    safeguarding: tuple[str, ...] = ()


NOTHING = Classified()

_INTENTS = (Intent.ASSAULT, Intent.SELF_HARM, Intent.UNDETERMINED, Intent.ACCIDENTAL, Intent.UNKNOWN)
_MECHANISMS = (
    Mechanism.FIREARM,
    Mechanism.SHARP,
    Mechanism.CORROSIVE,
    Mechanism.SEXUAL,
    Mechanism.BLUNT_OBJECT,
    Mechanism.BODY_PART,
    Mechanism.OTHER,
    Mechanism.UNKNOWN,
)
_CLASSES = ("assault", "self_harm", "injury", "mental_health")
"""Gravest first: where codes differ, the gravest one stands, because a doubt must still raise something."""


def classify(coded: Iterable[Coded], local: Iterable[Meaning], version: CodeVersion) -> Classified:
    """Our classes for the codes of one message. A mechanism counts only where its code agrees on the intent."""
    found = [(label, meaning) for one in coded if (pair := _look_up(one, version)) for label, meaning in (pair,)]
    meanings = [meaning for _, meaning in found] + list(local)
    if not meanings:
        return NOTHING
    intents = {meaning.intent for meaning in meanings}
    intent = next((known for known in _INTENTS if known in intents), None)
    mechanisms = {meaning.mechanism for meaning in meanings if meaning.intent in (intent, None)}
    classes = {meaning.code_class for meaning in meanings}
    return Classified(
        codes=tuple(dict.fromkeys(label for label, _ in found)),
        intent=intent,
        mechanism=next((known for known in _MECHANISMS if known in mechanisms), None),
        code_class=next((known for known in _CLASSES if known in classes), None),
        safeguarding=tuple(dict.fromkeys(m.safeguarding for m in meanings if m.safeguarding)),
    )


def _look_up(coded: Coded, version: CodeVersion) -> tuple[str, Meaning] | None:
    """The label and meaning of a code; its form decides where the coding system is not said."""
    system = re.sub(r"[^A-Z0-9]", "", coded.system.upper())
    code = coded.code.upper().replace(" ", "")
    if system in {"", "I10", "I10P", "ICD10", "ICD10UK", "ICD10WHO", "ICD", "10"} and _ICD10.fullmatch(code):
        meaning = version.icd10.get(code[:3])
        return (f"icd10:{code[:3]}", meaning) if meaning else None
    if system in {"", "SCT", "SCTUK", "SNOMED", "SNOMEDCT", "SNM", "SNM3"} and _SNOMED.fullmatch(code):
        meaning = version.snomed.get(code)
        return (f"snomed:{code}", meaning) if meaning else None
    return None


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    intent: Intent | None = None
    mechanism: Mechanism | None = None
    code_class: str | None = Field(default=None, alias="class", pattern="^(assault|self_harm|injury|mental_health)$")
    safeguarding: str | None = None

    def over(self, earlier: Meaning) -> Meaning:
        said = self.model_dump(exclude_none=True, include=set(Meaning.__dataclass_fields__))
        return replace(earlier, **said)


class _Icd10(_Row):
    codes: str = Field(pattern=r"^[A-Z]\d\d(-[A-Z]\d\d)?$")  # one category, or the first and the last of a family


class _Snomed(_Row):
    codes: tuple[Annotated[str, Field(pattern=r"^\d{6,18}$")], ...]


class _Version(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    effective: date
    icd10: tuple[_Icd10, ...] = ()
    snomed: tuple[_Snomed, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    versions: tuple[_Version, ...] = ()
    dispositions: dict[str, dict[str, str]] = {}
    local_codes: dict[str, dict[str, _Row]] = {}


def load_ed_codes(*site_files: Path) -> EdCodes:
    """The shipped lists, with each site file laid over them: its versions replace those of the same day, its other
    tables are added. Raises `ConfigError`, which names the file and the place in it."""
    shipped = files("streams.feeds").joinpath("data/ed_codes.yaml").read_text("utf-8")
    codes = _parse(shipped, "shipped ed_codes.yaml")
    for path in site_files:
        codes = _merge(codes, _parse(path.read_text("utf-8"), path.name))
    return codes


def _parse(text: str, name: str) -> EdCodes:
    try:
        content = _File.model_validate(yaml.safe_load(text) or {})
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigError(f"ED code list {name} cannot be used: {error}") from error
    versions = tuple(
        CodeVersion(version.effective, _table(version.icd10), _table(version.snomed))
        for version in sorted(content.versions, key=lambda version: version.effective)
    )
    local = {
        site: {code: row.over(Meaning()) for code, row in rows.items()} for site, rows in content.local_codes.items()
    }
    return EdCodes(versions, content.dispositions, local)


def _table(rows: Iterable[_Icd10 | _Snomed]) -> dict[str, Meaning]:
    table: dict[str, Meaning] = {}
    for row in rows:
        for code in _family(row.codes) if isinstance(row, _Icd10) else row.codes:
            table[code] = row.over(table.get(code, Meaning()))
    return table


def _family(codes: str) -> list[str]:
    """`X85-Y09` to every category from X85 to Y09."""
    first, _, last = codes.partition("-")
    start, end = (ord(edge[0]) * 100 + int(edge[1:]) for edge in (first, last or first))
    return [f"{chr(number // 100)}{number % 100:02d}" for number in range(start, end + 1)]


def _merge(below: EdCodes, above: EdCodes) -> EdCodes:
    versions = {version.effective: version for version in (*below.versions, *above.versions)}
    return EdCodes(
        tuple(versions[day] for day in sorted(versions)),
        {**below.dispositions, **above.dispositions},
        {**below.local_codes, **above.local_codes},
    )
