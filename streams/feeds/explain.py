"""Why a record cannot be taken: the slow pass, run only after the fast decoder refused it.

Walks the decoded record beside the types of border.py and collects every fault with its path. Problems are told in our
own words or msgspec's type names, never with a value; a key that is not a plain field name is not repeated either.
"""

import re
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from domain.kinds import Feed, Kind
from streams.feeds.border_values import BorderFault, border_hook
from streams.feeds.outcome import RejectReason
from streams.feeds.shapes import is_enum, is_list, is_struct, max_length, member

MAX_FAULTS = 20
"""Faults told of one record; the rest are counted."""

PLAIN_KEY = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_AT_PATH = re.compile(r" - at `[^`]*`$")
_INTEL_TEXT = frozenset(
    {
        "text",
        "narrative",
        "summary",
        "provenance_text",
        "body",
        "report",
        "report_text",
        "notes",
        "free_text",
        "details",
    }
)
_HINTS = {
    "object": "object_of_search",
    "navigator": "navigator_id",
    "nsir_category": "category",
    "duration": "duration_hours",
    "grading": "grade",
    "nhs_number": "identifiers with scheme nhs",
    "date_of_birth": "dates_of_birth",
    "name": "names",
    "timestamp": "occurred_at",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a record. `path` is a JSON path such as mentions[0].identity.sex; '' is the whole record."""

    path: str
    reason: RejectReason
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


def told(faults: list[Fault]) -> str:
    """All faults in one line, safe to log and to send back."""
    shown = "; ".join(str(fault) for fault in faults[:MAX_FAULTS])
    rest = len(faults) - MAX_FAULTS
    return f"{shown}; and {rest} more" if rest > 0 else shown


class RecordWalk:
    """One walk over a record; `faults` are in the order of the schema.

    Unknown keys (counted in `unknown`) and every other faulty part are taken out of the record in place, so that what
    is left can be checked further.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.faults: list[Fault] = []
        self.unknown = 0

    def visit(self, value: Any, kind: Any, path: str) -> bool:
        """Check `value` against the border type `kind`; true if it, or what is left of it, may stay."""
        struct = member(kind, is_struct)
        if struct is not None and isinstance(value, dict):
            return self._visit_object(value, struct, path)
        listed = member(kind, is_list)
        if listed is not None and isinstance(value, list):
            return self._visit_list(value, kind, listed, path)
        return self._visit_leaf(value, kind, path)

    def _visit_object(self, value: dict[str, Any], struct: type[msgspec.Struct], path: str) -> bool:
        known = {part.encode_name: part for part in msgspec.structs.fields(struct)}
        for key in [key for key in value if key not in known]:
            self.unknown += 1
            self.faults.append(self._unknown_key(key, path))
            del value[key]
        complete = True
        for key, part in known.items():
            here = f"{path}.{key}" if path else key
            if key not in value:
                if part.required:
                    self.faults.append(Fault(here, RejectReason.MISSING_FIELD, "is missing"))
                    complete = False
            elif part.type is not msgspec.Raw and not self.visit(value[key], part.type, here):
                del value[key]
                complete = complete and not part.required
        return complete

    def _visit_list(self, value: list[Any], kind: Any, listed: Any, path: str) -> bool:
        most = max_length(kind)
        if most is not None and len(value) > most:
            self.faults.append(Fault(path, RejectReason.TOO_MANY_REPEATS, f"{len(value)} values, at most {most}"))
            return False
        item = get_args(listed)[0]
        kept = [entry for index, entry in enumerate(value) if self.visit(entry, item, f"{path}[{index}]")]
        value[:] = kept
        return True

    def _visit_leaf(self, value: Any, kind: Any, path: str) -> bool:
        try:
            msgspec.convert(value, kind, dec_hook=border_hook)
        except msgspec.ValidationError as error:
            self.faults.append(Fault(path, *_leaf_problem(error, kind)))
            return False
        except RecursionError:
            self.faults.append(Fault(path, RejectReason.TOO_DEEP, "nested too deeply"))
            return False
        return True

    def _unknown_key(self, key: str, path: str) -> Fault:
        shown = key if PLAIN_KEY.match(key) else "(a key that is not a plain field name)"
        if self._feed is Feed.INTEL and key.lower() in _INTEL_TEXT:
            problem = "intelligence text must not be sent; send grade, origin unit and themes only"
        elif key in _HINTS:
            problem = f"unknown field; use {_HINTS[key]}"
        else:
            problem = "unknown field"
        return Fault(f"{path}.{shown}" if path else shown, RejectReason.UNKNOWN_FIELD, problem)


def _leaf_problem(error: msgspec.ValidationError, kind: Any) -> tuple[RejectReason, str]:
    cause = error.__cause__
    if isinstance(cause, BorderFault):
        return cause.reason, str(cause)
    words = member(kind, is_enum)
    if words is Kind:
        return RejectReason.UNKNOWN_KIND, "not a kind that this service knows"
    if words is not None:
        return RejectReason.BAD_VALUE, f"not one of: {', '.join(str(word.value) for word in words)}"
    problem = _AT_PATH.sub("", str(error))
    return RejectReason.BAD_VALUE, problem if problem.startswith("Expected") else "cannot be read"
