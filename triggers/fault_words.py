"""What a form refuses, in a supervisor's words: what was written, and what would be right.

Nobody who writes rules needs to know how they are read: no type names, no words of the library.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from math import isnan
from typing import Any, get_args

from pydantic import BaseModel

from triggers.reading import Path

_LONGEST_SHOWN = 40
_BEYOND = 1e15


def plain_path(loc: tuple[str | int, ...]) -> Path:
    """Where it is, without the names of types that were tried; no supervisor wrote them."""
    return tuple(part for part in loc if not _is_type_name(part))


def _is_type_name(part: object) -> bool:
    return isinstance(part, str) and (part.startswith(("function-", "literal[", "constrained-")) or part == "timedelta")


def shown(value: object) -> str:
    """A value as it was written, cut short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if isnan(value):
            return "no number at all"
        return str(value) if abs(value) < _BEYOND else "a number beyond all bounds"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, Mapping):
        return "a block of names and values"
    text = str(value)
    return f"'{text}'" if len(text) <= _LONGEST_SHOWN else f"'{text[:_LONGEST_SHOWN]}...'"


_FORMS = {
    r"^[A-Z][A-Z0-9_]{1,39}$": "2 to 40 capitals, digits and _, as in ED_ASSAULT",
    r"^[a-z][a-z0-9_.]{1,59}$": "2 to 60 small letters, digits, _ and ., as in ed.assault",
    r"^[a-z0-9_]{1,20}$": "small letters, digits and _, as in 24h",
}
"""What the patterns of language.py mean."""

_WRONG_KIND = {
    "string_type": "must be words (in quotes where they could be read as a number, a date or yes and no)",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list, as in [one, another]",
    "list_type": "must be a list, as in [one, another]",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of names to values",
    "model_attributes_type": "must be a mapping of names to values",
}

_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def plain_words(problem: Any, path: Path, form: type[BaseModel]) -> str:
    """One problem of a form, told."""
    kind, context, given = problem["type"], problem.get("ctx", {}), problem.get("input")
    name = _name(path)
    if kind == "missing":
        return f"{name} is missing"
    if kind == "extra_forbidden":
        return f"{name} is not part of the language here{_there_are(path, form)}"
    if kind in _WRONG_KIND:
        return f"{name} {_WRONG_KIND[kind]}, not {shown(given)}"
    if kind in ("enum", "literal_error"):
        return f"{name} is {shown(given)}; it must be {context.get('expected')}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{name} is out of bounds: it is {shown(given)} and must be {words} {context[key]}"
    if kind == "string_pattern_mismatch":
        written = _FORMS.get(context.get("pattern", ""), "as in the examples of docs/rules.md")
        return f"{name} is {shown(given)}, which is not in the form that is asked for: {written}"
    return _of_length(kind, context, name) or f"{name}{_own_words(problem)}"


def _of_length(kind: str, context: Mapping[str, Any], name: str) -> str:
    if kind == "string_too_short":
        return f"{name} needs at least {context.get('min_length')} characters"
    if kind == "string_too_long":
        return f"{name} may have at most {context.get('max_length')} characters"
    if kind == "too_short":
        return f"{name} has too few entries; it needs at least {context.get('min_length')}"
    if kind == "too_long":
        return f"{name} has too many entries; it may have at most {context.get('max_length')}"
    return ""


def _own_words(problem: Any) -> str:
    """What our own checks say; of anything else, that it cannot stand there."""
    if problem["type"] == "value_error":
        return f": {str(problem['msg']).removeprefix('Value error, ')}"
    return f" is {shown(problem.get('input'))}, which cannot stand here"


def _name(path: Path) -> str:
    """What it is called: a word that was written, or its place in a list."""
    if not path:
        return "this"
    last = path[-1]
    if isinstance(last, int):
        return f"entry {last + 1}" + (f" of '{path[-2]}'" if len(path) > 1 else "")
    return f"'{last[:_LONGEST_SHOWN]}'"


def _there_are(path: Path, form: type[BaseModel]) -> str:
    """What may stand there: the one that was probably meant, else all."""
    meant, fields = meant_at(form, path), fields_at(form, path[:-1])
    if meant:
        return f"; did you mean '{meant}'?"
    outside = len(path) > 1 and meant_at(form, path[-1:])
    if outside:
        return f"; did you mean '{outside}'? It is written beside '{path[0]}', not in it"
    return f"; there are {', '.join(fields)}" if fields else ""


def meant_at(form: type[BaseModel], path: Path) -> str:
    """The name of the form that was probably meant at the end of a path; '' where none is close."""
    return next(iter(get_close_matches(str(path[-1])[:60], fields_at(form, path[:-1]), n=1, cutoff=0.6)), "")


def fields_at(form: type[BaseModel], path: Path) -> list[str]:
    """The names that may stand at a path of a form, in their order."""
    here: type[BaseModel] | None = form
    for part in path:
        if here is None:
            return []
        if isinstance(part, str) and part in here.model_fields:
            here = _form_in(here.model_fields[part].annotation)
    return list(here.model_fields) if here is not None else []


def _form_in(annotation: Any) -> type[BaseModel] | None:
    """The form inside an annotation: of a list, of a mapping, or none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_form_in(part) for part in get_args(annotation))
    return next((found for found in inner if found is not None), None)
