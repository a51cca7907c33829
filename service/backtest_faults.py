"""What is wrong with a line of somebody's own history: which field, and what would be right. Never the value itself,
which may be about a person, and no library's words."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from domain.errors import FeedError

_Word = TypeVar("_Word", bound=Enum)
_MOMENT = "like 2025-03-02T09:00:00Z or 2025-03-02T10:00:00+01:00"
_SHAPES = {
    "str": "text in quotation marks",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list in square brackets",
    "object": "an object in braces",
    "null": "null or left out",
}
"""What msgspec calls a JSON value, as people call it."""
_MOST_WORDS = 12


def wrong(field: str, what: str) -> FeedError:
    """The fault of one field: 'occurred_at is missing'."""
    return FeedError(f"{field} {what}")


def word_of(words: type[_Word], value: object, field: str) -> _Word:
    """The word of our own that a field says. Raises FeedError with the nearest of ours, or with all of them."""
    try:
        return words(value)
    except ValueError:
        raise wrong(field, f"is none of our words; {_right(words, value)}") from None


def _right(words: type[Enum], value: object) -> str:
    ours = [str(each.value) for each in words]
    near = get_close_matches(str(value), ours, 1) if isinstance(value, str) else []
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(ours) - _MOST_WORDS} more" if len(ours) > _MOST_WORDS else ""
    return f"there are {', '.join(ours[:_MOST_WORDS])}{more}"


def check_moments(said: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Whether each field that is there says a moment with its zone. Raises FeedError."""
    for field in fields:
        value = said.get(field)
        if value is None:
            continue
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise wrong(field, f"is not a moment; write it {_MOMENT}") from None
        if moment.tzinfo is None:
            raise wrong(field, f"does not name its zone; write it {_MOMENT}")


def words_of(error: msgspec.ValidationError, within: str = "", owner: object = None) -> str:
    """What msgspec found wrong, in ours. `within` is the field that was read, `owner` the class that it was read as."""
    found, _, path = str(error).partition(" - at ")
    inner = path.strip("`").removeprefix("$").lstrip(".")
    place = ".".join(part for part in (within, inner) if part) or "the line"
    expected = re.match(r"Expected `([a-z]+)", found)
    if expected and expected[1] in _SHAPES:
        return f"{place} must be {_SHAPES[expected[1]]}"
    words = _words_in(owner, inner)
    if found.startswith("Invalid enum value") and words:
        value = re.search(r"'(.*)'", found)
        return f"{place} is none of our words; {_right(words, value[1] if value else None)}"
    if "datetime" in found:
        return f"{place} is not a moment; write it {_MOMENT}"
    lacking = re.search(r"missing required field `(\w+)`", found)
    return f"{place} lacks {lacking[1]}" if lacking else f"{place} is not as this kind of event has it"


def _words_in(owner: object, path: str) -> type[Enum] | None:
    """The words that a field of the class may say; None where it is no field of words."""
    name = re.split(r"[.\[]", path)[0]
    hint = get_type_hints(owner).get(name) if isinstance(owner, type) else None
    return next((each for each in _flat(hint) if isinstance(each, type) and issubclass(each, Enum)), None)


def _flat(hint: object) -> Iterable[object]:
    yield hint
    for inner in get_args(hint):
        yield from _flat(inner)
