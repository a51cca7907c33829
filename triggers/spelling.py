"""What authors of rule tests write, in the words of domain/ (kinds, attributes): what domain.md allows.

Feeds are tidied at the border (streams/feeds); a rule test never passes there, so its spellings are read here: names
as domain.md section 11 gives them, codes with or without points, grades as "1BP", words in any case. What nobody could
have meant is refused with what would be right.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from domain.attributes import ATTRIBUTES_BY_KIND, MissingRisk
from domain.kinds import Kind
from triggers.grade_spelling import grade_parts
from triggers.language import span_of
from triggers.reference import folded_word

NAMES: Mapping[str, Mapping[str, str]] = {
    "ed": {
        "safeguarding_flags": "safeguarding",
        "safeguarding_concern": "safeguarding",
        "class": "code_class",
        "our_class": "code_class",
        "alcohol": "alcohol_drug",
        "visit": "visit_key",
        "visit_number": "visit_key",
        "site": "site_ods",
    },
    "incident": {"nsir_category": "category", "nsir": "category", "qualifier": "qualifiers"},
    "crime": {"offence": "ho_code", "code": "ho_code", "flag": "flags", "injury": "injury_level"},
    "custody": {"offence": "offences", "ho_codes": "offences"},
    "arrest": {"offence": "offences", "ho_codes": "offences"},
    "outcome": {"offence": "offences", "ho_codes": "offences"},
    "stopsearch": {"object": "object_of_search"},
    "missing": {"episode": "episode_id", "duration": "duration_hours"},
    "da": {"household": "household_key", "household_id": "household_key"},
    "exploitation": {"type": "exploitation_type", "exploitation": "exploitation_type"},
    "nrm": {"type": "exploitation_type", "exploitation": "exploitation_type"},
    "intel": {"theme": "themes", "tags": "themes", "tag": "themes", "unit": "origin_unit"},
    "programme": {
        "navigator": "navigator_id",
        "review_on": "review_date",
        "associate": "other_member",
        "linked_with": "other_member",
        "member": "other_member",
        "new_status": "status",
        "to": "status",
    },
}
"""Names that authors use beside the canonical ones, by the first word of the kind."""

NOTED = frozenset(
    {
        "coded_at",
        "group",
        "weight",
        "model_version",
        "decided_by",
        "channel",
        "arrest_time",
        "person",
        "bail_conditions",
    }
)
"""Names of domain.md 11 and 2.3 that say nothing to a rule; read and left (the group of a crime speaks for its code,
where none is told)."""

_CODE_NAMES = {
    "code": "",
    "codes": "",
    "icd": "icd10",
    "icd10": "icd10",
    "icd_10": "icd10",
    "icd10_code": "icd10",
    "diagnosis": "",
    "diagnosis_code": "",
    "snomed": "snomed",
    "snomed_ct": "snomed",
    "chief_complaint": "",
}
_SYSTEM_NAMES = ("code_system", "coding_system", "system")
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?[*+]?")
_SNOMED = re.compile(r"\d{6,18}")
_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "intent": {"self_inflicted": "self_harm", "selfharm": "self_harm", "accident": "accidental"},
    "mechanism": {"sharp_object": "sharp", "knife": "sharp", "gun": "firearm", "blunt": "blunt_object"},
    "risk": {
        "absent": MissingRisk.VERY_LOW,
        "none": MissingRisk.NO_APPARENT,
        "no_apparent_risk": MissingRisk.NO_APPARENT,
    },
}
ROLES: Mapping[str, str] = {
    "household_member": "household",
    "reporting_person": "reporting",
    "detained": "arrested",
    "named_in_text": "named",
}
"""The roles of domain.md 2.3 as it words them."""

_COMPLAINTS = {"assault": "assault", "self_harm": "snomed:248062006", "suicidal": "snomed:6471006"}

GROUPS_TOLD_ALONE = frozenset({"homicide", "weapons", "robbery", "drugs"})
OFFENCE_SUBCLASSES = {"8/1": "8N", "105/1": "105A"}
OFFENCES_SUPERSEDED = {"5A": "5D", "8F": "8N", "8G": "8N", "8H": "8P", "8J": "8P"}
"""The same as streams/feeds/data/offences.yaml (a test holds them together); this floor may not read the border's."""

_PLAIN_OFFENCE = re.compile(r"0*(\d{1,3}[A-Z]?|\d{1,3}\.\d{1,2})")
_CLASS_AND_SUBCLASS = re.compile(r"0*(\d{1,3})/0*(\d{1,2})")
_WHOLE_CLASSES = frozenset({"1", "2", "35", "36", "48", "66", "71", "72", "80", "81", "83", "90", "104", "106", "13"})
_DOTTED = frozenset({"4.1", "4.2", "4.3", "4.4", "4.6", "4.7", "4.8", "4.9", "4.10", "37.1"})


@dataclass(frozen=True, slots=True)
class Spelt:
    """Attributes under their canonical names, and what an author put among them that belongs to the envelope. `given`
    has the author's own name for each canonical one."""

    values: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    force_area: str | None = None
    place: Mapping[str, Any] | None = None


def spelt(kind: Kind, written: Mapping[str, Any], tell: Callable[[str, str], None]) -> Spelt:
    """`written` as `kind` knows it. What means nothing here is told, in an author's words, with its name, and left."""
    family = "programme" if kind.value.split(".")[0] not in NAMES else kind.value.split(".")[0]
    known = frozenset(each.name for each in fields(ATTRIBUTES_BY_KIND[kind]))
    values: dict[str, Any] = {}
    codes: list[str] = []
    given_as: dict[str, str] = {}
    system = next((str(written[name]) for name in _SYSTEM_NAMES if name in written), "")
    for given, value in written.items():
        name = NAMES[family].get(folded_word(given), folded_word(given))
        given_as[name] = given
        try:
            if family == "ed" and name in _CODE_NAMES:
                codes += _codes(name, value, system, values)
            elif name in _ENVELOPE or name in NOTED or (family == "ed" and name in _SYSTEM_NAMES):
                continue
            elif name in known and not _is_place(name, value):
                values[name] = _word(name, value, codes)
            elif name in _MARKS.get(family, ()):
                values.update(_marked(name, value))
            elif not _is_place(name, value):
                tell(_unknown(kind, given, known), given)
        except ValueError as error:
            tell(str(error), given)
    if codes:
        values["codes"] = codes
    if kind is Kind.CRIME_RECORDED and not values.get("ho_code") and group_told(written) in GROUPS_TOLD_ALONE:
        values["ho_code"] = group_told(written).upper()
    found = written.get("found_place")  # where they were found is where this happened
    place = found if isinstance(found, Mapping) else None
    return Spelt(values, given_as, _text(written.get("role")), _text(written.get("force_area")), place)


def group_told(written: Mapping[str, Any]) -> str:
    """The offence group that a crime is said to be of; '' where none is said."""
    return next((folded_word(str(value)) for name, value in written.items() if folded_word(name) == "group"), "")


def _is_place(name: str, value: Any) -> bool:
    """Where a missing person was found, given as a place and not as a word: it belongs to the envelope."""
    return name == "found_place" and isinstance(value, Mapping)


_ENVELOPE = frozenset({"role", "force_area"})
_MARKS = {"crime": ("domestic_abuse",), "exploitation": ("flags", "flag"), "nrm": ("flags", "flag")}


def _marked(name: str, value: Any) -> dict[str, Any]:
    """A truth written as a field of its own, or flags where the canonical form has fields."""
    if name == "domestic_abuse":
        return {"flags": ["domestic_abuse"]} if value else {}
    marks = {folded_word(str(one)) for one in (value if isinstance(value, list) else [value])}
    return {mark: True for mark in ("county_lines", "criminal_exploitation") if mark in marks}


def _unknown(kind: Kind, name: str, known: frozenset[str]) -> str:
    if not known:
        return f"'{name}' cannot stand here: {kind} takes no attributes at all"
    near = get_close_matches(folded_word(name), known, 1)
    told = f"did you mean '{near[0]}'?" if near else f"{kind} may have {', '.join(sorted(known))}"
    return f"'{name}' is not an attribute here; {told}"


def _word(name: str, value: Any, codes: list[str]) -> Any:
    if name in ("intent", "mechanism") and _SNOMED.fullmatch(str(value).strip()):
        codes.append(f"snomed:{str(value).strip()}")
        return None
    if name in ("intent", "mechanism", "risk", "status", "role_removed") and isinstance(value, str):
        word = folded_word(value)
        return role_word(word) if name == "role_removed" else _SYNONYMS.get(name, {}).get(word, word)
    if name in ("ho_code", "offences") and value is not None:
        return [offence_code(one) for one in value] if isinstance(value, list) else offence_code(value)
    if name == "alcohol_drug" and isinstance(value, str):
        return folded_word(value) not in ("", "no", "none", "false", "unknown")
    if name == "code_class" and isinstance(value, str):
        return folded_word(value)
    if name == "duration_hours" and isinstance(value, str) and value.strip()[-1:] in ("m", "h", "d"):
        return span_of(value) / timedelta(hours=1)
    if name == "grade":
        return grade_parts(value)
    return value


def role_word(told: str) -> str:
    """The word of `Role` for what an author wrote; as it was where none is meant."""
    return ROLES.get(folded_word(told), told)


def _codes(name: str, value: Any, system: str, values: dict[str, Any]) -> list[str]:
    """Codes as 'system:code'; a complaint in plain words says what its code would say."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            found += _codes("code", one.get("code"), str(one.get("system", system)), values)
            continue
        text = str(one).strip()
        if name == "chief_complaint" and folded_word(text) in _COMPLAINTS:
            meant = _COMPLAINTS[folded_word(text)]
            if ":" in meant:
                found.append(meant)
            else:
                values.setdefault("code_class", meant)
            continue
        found.append(_code(text, _CODE_NAMES[name] or system))
    return found


def _code(text: str, system: str) -> str:
    told, _, value = text.rpartition(":")
    code = value.replace(" ", "").upper()
    of = re.sub(r"[^a-z0-9]", "", (told or system).lower())
    if of.startswith(("icd", "i10")) or (not of and _ICD10.fullmatch(code)):
        return f"icd10:{code}"
    if of.startswith(("sno", "sct")) or (not of and _SNOMED.fullmatch(code)):
        return f"snomed:{code}"
    raise ValueError(f"'{text}' is neither an ICD-10 code such as X99 nor a SNOMED CT id such as 276853009")


def offence_code(raw: object) -> str:
    """The Home Office group code that `raw` spells ('8n', '008/01', 81); else `raw` in capitals without blanks."""
    cleaned = "".join(str(raw).split()).upper()
    if plain := _PLAIN_OFFENCE.fullmatch(cleaned):
        return OFFENCES_SUPERSEDED.get(plain[1], plain[1])
    if parts := _CLASS_AND_SUBCLASS.fullmatch(cleaned):
        dotted = f"{parts[1]}.{parts[2]}"
        whole = parts[1] if parts[1] in _WHOLE_CLASSES else cleaned
        return dotted if dotted in _DOTTED else OFFENCE_SUBCLASSES.get(f"{parts[1]}/{parts[2]}", whole)
    return cleaned


def _text(value: object) -> str | None:
    return None if value is None else str(value)
