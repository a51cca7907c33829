"""What a form refuses, mended just so far that the rest of it can be read: then all faults are told at once.

Nothing that was mended ever acts; it is read for its faults and thrown away. What stands in for a refused part says
nothing, and what is told of it, or of what holds it, is not the author's fault and is not heard.
"""

import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from triggers.fault_words import meant_at, plain_path
from triggers.reading import Path

Form = TypeVar("Form", bound=BaseModel)

_MOST = 20
"""So many parts of one rule are mended; with more it is no rule yet."""

_LEFT_OUT = object()
_PATTERN = {"event": {"kinds": ["crime.recorded"]}}
_STAND_INS: tuple[object, ...] = (
    *(_LEFT_OUT, "1d", 1, 2, "P2", "stand_in", "STAND_IN", "a stand-in for what cannot be read", ["a stand-in"]),
    *(_PATTERN, [_PATTERN], {"stand_in": 1}),
    {"priority": "P2", "headline": "a stand-in for a headline", "message_key": "stand_in"},
)
"""Tried in turn, until the form takes one in the place of what it refuses."""


@dataclass(frozen=True, slots=True)
class Mended(Generic[Form]):
    """A form read from mended data, and the places that were mended."""

    form: Form
    places: tuple[Path, ...]

    def concerns(self, path: Path) -> bool:
        """Whether what is told of a path may come of the mending: it lies in a mended place, or holds one."""
        return any(path[: len(place)] == place or place[: len(path)] == path for place in self.places if path)


def mended(data: object, form: type[Form]) -> Mended[Form] | None:
    """The form that refuses `data`, read from as much of it as it takes. None where too little is left."""
    left, places = copy.deepcopy(data), list[Path]()
    for _ in range(_MOST):
        refused = _first_refused(left, form)
        if refused is None:
            return Mended(form.model_validate(left), tuple(places))
        if _renamed(left, refused, form):
            continue
        place = refused
        while place and not _replaced(left, place, form):
            place = place[:-1]
        if not place:
            return None
        places.append(place)
    return None


def _first_refused(data: object, form: type[BaseModel]) -> Path | None:
    """The place of the form's first fault; None where it has none."""
    try:
        form.model_validate(data)
    except ValidationError as error:
        return plain_path(error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"])
    return None


def _renamed(data: object, place: Path, form: type[BaseModel]) -> bool:
    """Gives a misspelt name the one that was meant, where that is free: what stands under it is read as that."""
    holder, name = _at(data, place[:-1]), place[-1] if place else None
    if not isinstance(holder, dict) or name not in holder:
        return False
    meant = meant_at(form, place)
    if not meant or meant in holder:
        return False
    holder[meant] = holder.pop(name)
    return True


def _replaced(data: object, place: Path, form: type[BaseModel]) -> bool:
    """Leaves out what stands at `place`, or puts something in, so that the form's next fault lies elsewhere."""
    holder, last = _at(data, place[:-1]), place[-1]
    if not isinstance(holder, dict) and not _holds(holder, last):
        return False
    before = copy.copy(holder)
    for each in _STAND_INS:
        if each is not _LEFT_OUT:
            holder[last] = copy.deepcopy(each)
        elif _holds(holder, last):
            del holder[last]
        refused = _first_refused(data, form)
        missed = each is _LEFT_OUT and refused == place[:-1]  # its holder cannot be without it
        if refused is None or (refused[: len(place)] != place and not missed):
            return True
        _restore(holder, before)
    return False


def _at(data: Any, place: Path) -> Any:
    """What stands at a place; None where there is no such place."""
    for part in place:
        if not _holds(data, part):
            return None
        data = data[part]
    return data


def _holds(holder: object, part: str | int) -> bool:
    if isinstance(holder, dict):
        return part in holder
    return isinstance(holder, list) and isinstance(part, int) and 0 <= part < len(holder)


def _restore(holder: Any, before: Any) -> None:
    """The holder as it was, in its place."""
    holder.clear()
    if isinstance(holder, dict):
        holder.update(before)
    else:
        holder.extend(before)
