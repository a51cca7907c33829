"""Faults of a rule file: where, and what would be right, in a supervisor's words. All of them are told at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from domain.errors import RuleError
from triggers.reading import Document, Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the rule it is in ('' for the file itself), its path, its line and what is wrong."""

    rule: str
    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        """'line 12, ED_ASSAULT, when.event: ...'."""
        where = [f"line {self.line}"]
        if self.rule:
            where.append(self.rule)
        if self.path:
            where.append(".".join(str(part) for part in self.path))
        return f"{', '.join(where)}: {self.message}"


class RuleFileError(RuleError):
    """A rule file has faults. `faults` holds every one of them."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{name} has {len(self.faults)} fault{'' if len(self.faults) == 1 else 's'}:\n{lines}")


@dataclass(slots=True)
class Faults:
    """Collects faults while a document is read."""

    document: Document
    found: list[Fault] = field(default_factory=list)

    def add(self, message: str, *, path: Path, root: Path = (), rule: str = "") -> None:
        """Note a fault at `root` + `path`; the path is told from `root` on."""
        fault = Fault(rule, path, self.document.line((*root, *path)), message)
        if fault not in self.found:
            self.found.append(fault)

    def add_form(self, error: ValidationError, *, root: Path = (), rule: str = "", path: Path = ()) -> None:
        """Note every fault of a form that stands at `root` + `path`, in plain words."""
        for problem in error.errors(include_url=False):
            inner = tuple(part for part in problem["loc"] if not _is_type_name(part))
            self.add(_plain_words(problem, inner), path=(*path, *inner), root=root, rule=rule)

    def refuse(self, name: str) -> None:
        """Raise RuleFileError if anything was found."""
        if self.found:
            raise RuleFileError(name, sorted(self.found, key=lambda fault: (fault.line, fault.message)))


def _is_type_name(part: object) -> bool:
    """Pydantic names the tried type of a union in its path; no supervisor wrote it."""
    return isinstance(part, str) and (part.startswith(("function-", "literal[", "constrained-")) or part == "timedelta")


def _plain_words(problem: Any, path: Path) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    name = str(path[-1]) if path else "the file"
    given = problem.get("input")
    plain = {
        "missing": f"'{name}' is missing",
        "extra_forbidden": f"'{name}' is not part of the language here",
        "string_type": f"'{name}' must be words",
        "string_too_short": f"'{name}' needs at least {context.get('min_length')} characters",
        "string_too_long": f"'{name}' may have at most {context.get('max_length')} characters",
        "string_pattern_mismatch": f"'{name}' is {given!r}, which is not in the form that is asked for",
        "int_type": f"'{name}' must be a whole number",
        "int_from_float": f"'{name}' must be a whole number",
        "int_parsing": f"'{name}' must be a whole number",
        "bool_type": f"'{name}' must be true or false",
        "bool_parsing": f"'{name}' must be true or false",
        "tuple_type": f"'{name}' must be a list",
        "dict_type": f"'{name}' must be a mapping of names to values",
        "model_type": f"'{name}' must be a mapping of names to values",
        "model_attributes_type": f"'{name}' must be a mapping of names to values",
    }
    if kind in plain:
        return plain[kind]
    if kind in ("enum", "literal_error"):
        return f"'{name}' is {given!r}; it must be {context.get('expected')}"
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        return f"'{name}' is out of bounds: {problem['msg'].lower()}"
    if kind in ("too_short", "too_long"):
        return f"'{name}' has too {'few' if kind == 'too_short' else 'many'} entries"
    return f"'{name}': {str(problem['msg']).removeprefix('Value error, ')}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' where something known is close, else ''."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.7)
    return f"; did you mean '{close[0]}'?" if close else ""
