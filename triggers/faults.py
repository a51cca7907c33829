"""Faults of a rule file, and remarks on it: where, and what would be right, in a supervisor's words, all at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

from domain.errors import RuleError
from triggers.fault_words import plain_path, plain_words
from triggers.reading import Document, Path

MOST_FAULTS = 100
"""A file with more faults than this is no rule file yet."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something said of a place in a file: the rule or rule test it is in ('' for the file itself), its path, its line
    (0 where none is known), and what."""

    rule: str
    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        """'line 12, ED_ASSAULT, when.event: ...'."""
        where = [f"line {self.line}"] if self.line else []
        if self.rule:
            where.append(self.rule)
        if self.path:
            where.append(".".join(str(part) for part in self.path))
        return f"{', '.join(where)}: {self.message}"


class Fault(Note):
    """What is wrong: nothing that has one acts."""

    __slots__ = ()


class Remark(Note):
    """What looks like a slip in a sound rule, and hinders nothing."""

    __slots__ = ()


class RuleFileError(RuleError):
    """A rule file has faults. `faults` holds every one of them, `remarks` what else was seen in it."""

    def __init__(self, name: str, faults: Sequence[Fault], remarks: Sequence[Remark] = ()) -> None:
        self.faults = tuple(faults)
        self.remarks = tuple(remarks)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{name} has {len(self.faults)} fault{'' if len(self.faults) == 1 else 's'}:\n{lines}")


@dataclass(slots=True)
class Faults:
    """Collects faults and remarks while a document is read; after MOST_FAULTS faults it refuses at once."""

    document: Document
    found: list[Fault] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    decided: bool = False  # somebody has put these rules live: what only a careful reader refuses hinders them no more

    def doubt(self, message: str, *, path: Path, root: Path = (), rule: str = "") -> None:
        """Note what lets nothing new go live, and is but remarked on in what is live already: a release that reads
        more carefully must silence nobody's rules."""
        (self.remark if self.decided else self.add)(message, path=path, root=root, rule=rule)

    def add(self, message: str, *, path: Path, root: Path = (), rule: str = "") -> None:
        """Note a fault at `root` + `path`; the path is told from `root` on."""
        fault = Fault(rule, path, self.document.line((*root, *path)), message)
        if fault not in self.found:
            self.found.append(fault)
        if len(self.found) >= MOST_FAULTS:
            self.refuse(f"the rule file (the first {MOST_FAULTS} are told)")

    def remark(self, message: str, *, path: Path, root: Path = (), rule: str = "") -> None:
        """Note what looks like a slip and is no fault, each once, as `add` does."""
        remark = Remark(rule, path, self.document.line((*root, *path)), message)
        if remark not in self.remarks and len(self.remarks) < MOST_FAULTS:
            self.remarks.append(remark)

    def add_form(
        self,
        error: ValidationError,
        form: type[BaseModel],
        *,
        root: Path = (),
        rule: str = "",
        path: Path = (),
    ) -> None:
        """Note every fault of a form that stands at `root` + `path`, in plain words."""
        told: set[Path] = set()
        problems = error.errors(include_url=False)
        paths = [plain_path(problem["loc"]) for problem in problems]
        around = {path[:length] for path in paths for length in range(len(path))}
        for problem in problems:
            inner = plain_path(problem["loc"])
            if problem["type"] == "too_short" and inner in around:
                continue  # entries were refused, and only so there are too few
            if problem["type"] == "literal_error" and inner in told:
                continue  # it was tried as something else first, and that was told
            told.add(inner)
            self.add(plain_words(problem, inner, form), path=(*path, *inner), root=root, rule=rule)

    def refuse(self, name: str) -> None:
        """Raise RuleFileError if anything was found."""
        if self.found:
            faults = sorted(self.found, key=lambda fault: (fault.line, fault.message))
            raise RuleFileError(name, faults, self.in_order)

    @property
    def in_order(self) -> tuple[Remark, ...]:
        """The remarks, by line."""
        return tuple(sorted(self.remarks, key=lambda remark: remark.line))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean ...?' where something known is close, else ''."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.7) if len(word) <= MAX_WORD else []
    return f"; did you mean '{close[0]}'?" if close else ""


MAX_WORD = 60
"""Longer words are misspellings of nothing."""
