"""The fields that a table may fill: short names of a person's columns (design.md section 7) and dotted envelope paths.

A target knows its place in the record, what sort of value goes there, and how to put it. `mentions.1.family_name` is
the second person of a row; a short name alone is the first.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import msgspec

from domain.identity import Scheme
from domain.kinds import Kind
from streams.feeds.border import ATTRIBUTES_IN, Line, MentionIn, RecordIn, Several
from streams.feeds.border_values import Birth, GradeWord, Moment
from streams.feeds.shapes import is_list, is_struct, member

_MENTION = re.compile(r"^mentions\.(\d{1,2})\.(.+)$")
_IDENTIFIERS = {"nhs_number": Scheme.NHS, "pnc_id": Scheme.PNC, "cro": Scheme.CRO, "upn": Scheme.UPN}
_LOCAL = {"nominal_ids": Scheme.NOMINAL, "crn": Scheme.CRN}
_NAMES = {"given_names", "family_name", "aliases", "street_names"}
_USUAL_NAME: dict[str, tuple[str | int, ...]] = {"given_names": (0, "given"), "family_name": (0, "family")}
_PERSON_FIELDS = {
    "date_of_birth": "dates_of_birth",
    "sex": "sex",
    "addresses": "addresses",
    "postcodes": "postcodes",
    "phones": "phones",
    "emails": "emails",
    "identity_unknown": "unknown",
}
_EXTRA = "extra."
"""Before a name of the sender's own choice, compared where a match model names it."""
_ExtraValues = Annotated[tuple[Line, ...], Several]
_OWN_FIELDS = {"role", "member_id", "ref"}
_GRADE_PARTS = frozenset({"source", "assessment", "handling"})
_NUMBERS = {int: "int", float: "float", bool: "bool"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a cell goes. `path` is the JSON path that faults name; `shape` the border type of the value.

    `category` is how a cell's text becomes a value: text, list, moment, birth, int, float or bool. `short` is a short
    name of a person's field that is put in its own way; else the value goes to `keys`.
    """

    path: str
    keys: tuple[str | int, ...]
    shape: Any
    category: str
    short: str = ""


def target_of(name: str, kinds: Iterable[Kind]) -> Target | None:
    """The target that `name` means in events of these kinds; None if there is no such field."""
    index, rest = 0, name
    if found := _MENTION.match(name):
        index, rest = int(found[1]), found[2]
    if (short := _short_target(rest, index)) is not None:
        return short
    keys = tuple(int(part) if part.isdigit() else part for part in name.split("."))
    if keys[0] == "attributes":
        shapes = [_shape_at(ATTRIBUTES_IN[kind], keys[1:]) for kind in kinds] if len(keys) > 1 else []
        shape = next((one for one in shapes if one is not None), None)
    else:
        shape = _shape_at(RecordIn, keys)
    if shape is None or isinstance(keys[-1], int) or not _is_plain(shape):
        return None
    return Target(path=json_path(keys), keys=keys, shape=shape, category=_category(shape))


def _is_plain(shape: Any) -> bool:
    """Whether one cell can hold it: not an object, nor a list of nothing but objects."""
    listed = member(shape, is_list)
    item = get_args(listed)[0] if listed is not None else shape
    return member(item, is_struct) is None or (
        listed is not None and member(item, lambda kind: kind is str) is not None
    )


def _short_target(rest: str, index: int) -> Target | None:
    person: tuple[str | int, ...] = ("mentions", index, "identity")
    if rest in _NAMES:
        keys = (*person, "names")
        return Target(json_path((*keys, *_USUAL_NAME.get(rest, ()))), keys, str, "list", rest)
    if rest in _IDENTIFIERS or rest in _LOCAL:
        return Target(json_path((*person, "identifiers")), (*person, "identifiers"), str, "list", rest)
    if rest.startswith(_EXTRA) and rest != _EXTRA:
        keys = (*person, "extra", rest.removeprefix(_EXTRA))
        return Target(json_path(keys), keys, _ExtraValues, "list")
    if rest in _PERSON_FIELDS:
        keys = (*person, _PERSON_FIELDS[rest])
    elif rest in _OWN_FIELDS:
        keys = ("mentions", index, rest)
    else:
        return None
    shape = _shape_at(MentionIn, keys[2:])
    return Target(json_path(keys), keys, shape, _category(shape))


def _shape_at(shape: Any, keys: tuple[str | int, ...]) -> Any:
    """The border type at a path below `shape`; None where there is none."""
    for key in keys:
        if isinstance(key, int):
            listed = member(shape, is_list)
            shape = get_args(listed)[0] if listed is not None else None
        elif key in _GRADE_PARTS and member(shape, lambda kind: kind is GradeWord) is not None:
            shape = str
        else:
            struct = member(shape, is_struct)
            parts = msgspec.structs.fields(struct) if struct is not None else ()
            shape = next((part.type for part in parts if part.encode_name == key), None)
        if shape is None:
            return None
    return shape


def _category(shape: Any) -> str:
    if (listed := member(shape, is_list)) is not None and member(shape, is_struct) is None:
        return "births" if member(get_args(listed)[0], lambda kind: kind is Birth) else "list"
    for own, category in ((Moment, "moment"), (Birth, "birth")):
        if member(shape, lambda kind, own=own: kind is own) is not None:
            return category
    found = member(shape, lambda kind: kind in _NUMBERS)
    text = member(shape, lambda kind: kind is str)
    return _NUMBERS[found] if found is not None and text is None else "text"


def json_path(keys: Iterable[str | int]) -> str:
    """A path as faults write it: mentions[0].identity.sex."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def put(record: dict[str, Any], target: Target, value: Any) -> None:
    """Put a cell's value in its place; objects and lists on the way are made."""
    if target.short in _NAMES:
        _put_names(_list_at(record, target.keys), target.short, value)
    elif target.short:
        _list_at(record, target.keys).extend(_identifier(target.short, text) for text in value)
    else:
        _at(record, target.keys[:-1])[target.keys[-1]] = value


def _put_names(names: list[dict[str, Any]], short: str, texts: list[str]) -> None:
    """The usual name is one entry; an alias is one entry each, its last word the family name."""
    if short in _USUAL_NAME:
        usual = next((name for name in names if "kind" not in name), None)
        if usual is None:
            usual = {}
            names.insert(0, usual)
        usual["given" if short == "given_names" else "family"] = " ".join(texts)
    for text in texts if short == "street_names" else ():
        names.append({"given": text, "kind": "street"})
    for text in texts if short == "aliases" else ():
        family, comma, given = text.partition(",")
        words = text.split()
        split = (given, family) if comma else (" ".join(words[:-1] or words), words[-1] if len(words) > 1 else "")
        names.append({"given": split[0], "family": split[1], "kind": "alias"})


def _identifier(short: str, text: str) -> dict[str, Any]:
    if short in _IDENTIFIERS:
        return {"scheme": _IDENTIFIERS[short].value, "value": text}
    system, colon, value = text.rpartition(":")
    return {"scheme": _LOCAL[short].value, "value": value, **({"system": system} if colon else {})}


def _list_at(record: dict[str, Any], keys: tuple[str | int, ...]) -> list[Any]:
    holder = _at(record, keys[:-1])
    found: list[Any] = holder.setdefault(keys[-1], [])
    return found


def _at(record: dict[str, Any], keys: tuple[str | int, ...]) -> Any:
    here: Any = record
    for key, after in zip(keys, (*keys, "")[1:], strict=True):
        empty: Any = [] if isinstance(after, int) else {}
        if isinstance(key, int):
            while len(here) <= key:
                here.append({})
            here = here[key]
        else:
            here = here.setdefault(key, empty)
    return here
