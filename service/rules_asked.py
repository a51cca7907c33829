"""The rules that a command is asked about, read as the rule book would read them: beside what is live.

A file stands in the place of the live rule set of its name, so that `check`, `test`, `explain`, `submit` and `backtest`
say the same of the same file. `wanted` is the one place that knows which names there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain.errors import NotFound, RuleError
from triggers.lifecycle_contents import replacing, set_named, shipped_contents
from triggers.lifecycle_reading import REFERENCE, Told, read_contents
from triggers.lifecycle_trials import FILES
from triggers.lifecycle_values import Contents, RuleText, RuleVersion, text_digest
from triggers.loading import SHIPPED, shipped_rules
from triggers.ports import RuleBookStore
from triggers.rules import RuleSet, combined, rule_set

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rules that a name stands for, as written. `own` is the one set of the `contents` that is asked about, the
    others stand beside it; '' where all of them are. `digest` is what a backtest of them names; `decided` are the files
    that are, or were, live as they stand."""

    name: str
    contents: Contents
    digest: str
    own: str = ""
    version: int = 1
    decided: frozenset[str] = frozenset()


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


def version_named(which: str) -> int | None:
    """The number of the version that is asked for, as '7' or 'rules@7'; None where it is no version."""
    number = which.removeprefix("rules@")
    return int(number) if number.isdecimal() else None


def needs_book(which: str) -> bool:
    """Whether the rule book must be asked which rules these are, or what is live beside them."""
    return is_file(which) or which == LIVE or version_named(which) is not None


async def live_contents(book: RuleBookStore | None) -> Contents:
    """What is live by the book; the shipped rules where there is no book, or nothing in it."""
    version = await _live_version(book)
    return shipped_contents() if version is None else version.contents


async def _live_version(book: RuleBookStore | None) -> RuleVersion | None:
    head = None if book is None else await book.head()
    return None if book is None or head is None or head.live is None else await book.version(head.live)


async def wanted(which: str, book: RuleBookStore | None, reference: str | None = None) -> Wanted:
    """The rules named by `which`: a YAML file (in the place of the live rule set of its name, beside the others), a
    shipped rule set by its name, a version by its number, or `live`; by the `reference` lists given, else by theirs.

    Without a `book` to ask, what is shipped counts as live. Raises NotFound where there are none of that name, and
    RuleError where a file is no text.
    """
    if is_file(which):
        return _of_file(Path(which), await live_contents(book), reference)
    if which in SHIPPED:
        contents = shipped_contents((which,))
        return _by(reference, Wanted(which, contents, contents.digest, which))
    if which == LIVE:
        return _by(reference, _of_version(LIVE, await _live_version(book), shipped_contents()))
    number = version_named(which)
    if number is None:
        raise NotFound(
            f"'{which}' is neither a YAML file, nor 'live', nor a version's number, nor shipped ({', '.join(SHIPPED)})."
        )
    version = None if book is None else await book.version(number)
    if version is None:
        raise NotFound(f"There is no version {number} in the rule book.")
    return _by(reference, _of_version(f"version {number}", version, version.contents))


def _of_file(file: Path, live: Contents, reference: str | None) -> Wanted:
    text = text_of(file)
    contents = replacing(live, RuleText(file.stem, text), reference=reference)
    digest = text_digest(text) if reference is None else contents.digest
    return Wanted(file.name, contents, digest, set_named(text) or file.stem, decided=contents.shared_with(live))


def _of_version(name: str, version: RuleVersion | None, otherwise: Contents) -> Wanted:
    if version is None:
        return Wanted(name, otherwise, otherwise.digest)
    contents = version.contents
    return Wanted(name, contents, version.digest, version=version.number, decided=contents.names)


def _by(reference: str | None, found: Wanted) -> Wanted:
    """The same rules by lists of one's own: other rules, with a digest of their own."""
    if reference is None:
        return found
    contents = replace(found.contents, reference=reference)
    return replace(found, contents=contents, digest=contents.digest)


def read_wanted(which: Wanted) -> Asked:
    """The rules, read together with what is beside them; or every fault."""
    read = read_contents(which.contents, which.decided)
    remarks = tuple(_in_words(remark, which.own) for remark in read.remarks if which.own in {"", remark.file})
    if read.faults:
        return Asked(which.name, None, None, tuple(_in_words(fault, which.own) for fault in read.faults), remarks)
    whole = combined(read.sets.values())
    return Asked(which.name, read.sets[which.own] if which.own else _all_of(which, whole), whole, (), remarks)


def _all_of(which: Wanted, whole: RuleSet) -> RuleSet:
    return rule_set(which.name, which.version, whole.rules, whole.reference, owner=whole.owner)


def _in_words(told: Told, own: str) -> str:
    """What is told, with the file's name where it is not the one that was asked about."""
    return str(told.what) if told.file == own else str(told)


def together(names: Sequence[str], reference: str | None = None) -> RuleSet:
    """Shipped sets and files as one set, each beside the others and nothing else. Files are told by the path as it is
    written, so that two of one base name are two. Raises NotFound, or RuleError with every fault of every file."""
    for name in names:
        if names.count(name) > 1:
            raise RuleError(f"'{name}' is named more than once")
    texts = [_named(name) for name in names]
    contents = Contents(tuple(texts), shipped_contents(()).reference if reference is None else reference)
    read = read_contents(contents)
    if read.faults:
        raise RuleError("\n".join(map(str, read.faults)))
    return combined(read.sets.values())


def _named(name: str) -> RuleText:
    if is_file(name):
        return RuleText(name, text_of(Path(name)))
    if name not in SHIPPED:
        shipped_rules(name)
    return shipped_contents((name,)).rules[0]


def refused(name: str, faults: Sequence[str]) -> str:
    """Every fault of a file, a line each, under its name."""
    lines = "\n".join(f"  {fault}" for fault in faults)
    return f"{name} has {len(faults)} fault{'' if len(faults) == 1 else 's'}:\n{lines}"


OF_RULES = "Look at these again; they hinder nothing:"
OF_TESTS = "Look at these again; the tests ran all the same:"
"""No word of hindering: that an entry says nothing may be the very reason why a test passes."""
OF_A_VERSION = "Look at these again; they keep the version from nothing:"
"""Over remarks on rules and on their tests together."""


def remarked(remarks: Sequence[str], heading: str = OF_RULES) -> tuple[str, ...]:
    """What looks like a slip and is no fault, a line each, under a heading; nothing where there is none."""
    return (heading, *(f"  {remark}" for remark in remarks)) if remarks else ()


def lists_in(file: Path | None) -> str | None:
    """The text of reference lists of one's own; None where no file is given."""
    return None if file is None else text_of(file, REFERENCE.removeprefix("the "))
