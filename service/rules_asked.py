"""The rules that a command is asked about, read as the rule book would read them: beside what is live.

A file stands in the place of the live rule set of its name, so that `check`, `test`, `explain`, `submit` and `backtest`
say the same of the same file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import NotFound, RuleError
from triggers.lifecycle_contents import replacing, set_named, shipped_contents
from triggers.lifecycle_reading import REFERENCE, Told, read_contents
from triggers.lifecycle_values import Contents, RuleText
from triggers.loading import SHIPPED, shipped_rules
from triggers.rules import RuleSet, combined

FILES = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What was read. `own` are the rules that were asked about, `whole` those with what is beside them; both None where
    there is a fault. `faults` and `remarks` are of the own file, or of another that the own one spoils."""

    name: str
    own: RuleSet | None
    whole: RuleSet | None
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def is_file(which: str) -> bool:
    """Whether rules are asked for by the name of a file."""
    return Path(which).suffix.lower() in FILES


def text_of(file: Path, what: str = "rule file") -> str:
    """What is written in a file. Raises NotFound where there is none, RuleError where it is no text."""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise RuleError(f"{file.name}: the file is not UTF-8 text") from None
    except OSError as error:
        raise NotFound(f"The {what} {file.name} cannot be read ({error.strerror}).") from None


def asked(which: str, live: Contents, reference: str | None = None) -> Asked:
    """The rules of a file, beside what is `live`, or those of a shipped set; by the reference lists given, else by the
    live ones. Raises NotFound where there are none of that name, and RuleError where the file is no text."""
    if not is_file(which):
        if which not in SHIPPED:
            shipped_rules(which)
        contents = shipped_contents((which,))
        contents = contents if reference is None else Contents(contents.rules, reference)
        return _read(contents, which, which)
    file = Path(which)
    text = text_of(file)
    contents = replacing(live, RuleText(file.stem, text), reference=reference)
    return _read(contents, set_named(text) or file.stem, file.name)


def _read(contents: Contents, own: str, shown: str) -> Asked:
    read = read_contents(contents)
    remarks = tuple(_in_words(remark, own) for remark in read.remarks if remark.file == own)
    if read.faults:
        return Asked(shown, None, None, tuple(_in_words(fault, own) for fault in read.faults), remarks)
    return Asked(shown, read.sets[own], combined(read.sets.values()), (), remarks)


def _in_words(told: Told, own: str) -> str:
    """What is told, with the file's name where it is not the one that was asked about."""
    return str(told.what) if told.file == own else str(told)


def together(names: Sequence[str], reference: str | None = None) -> RuleSet:
    """Shipped sets and files as one set, each beside the others and nothing else. Raises NotFound or RuleError with
    every fault of every file."""
    texts = [_named(name) for name in names]
    contents = Contents(tuple(texts), shipped_contents(()).reference if reference is None else reference)
    read = read_contents(contents)
    if read.faults:
        raise RuleError("\n".join(map(str, read.faults)))
    return combined(read.sets.values())


def _named(name: str) -> RuleText:
    if is_file(name):
        return RuleText(Path(name).name, text_of(Path(name)))
    if name not in SHIPPED:
        shipped_rules(name)
    return shipped_contents((name,)).rules[0]


def refused(name: str, faults: Sequence[str]) -> str:
    """Every fault of a file, a line each, under its name."""
    lines = "\n".join(f"  {fault}" for fault in faults)
    return f"{name} has {len(faults)} fault{'' if len(faults) == 1 else 's'}:\n{lines}"


def remarked(remarks: Sequence[str]) -> tuple[str, ...]:
    """What looks like a slip and hinders nothing, a line each, under a heading; nothing where there is none."""
    return ("Look at these again; they hinder nothing:", *(f"  {remark}" for remark in remarks)) if remarks else ()


def lists_in(file: Path | None) -> str | None:
    """The text of reference lists of one's own; None where no file is given."""
    return None if file is None else text_of(file, REFERENCE.removeprefix("the "))
