"""YAML into plain data, safely: no tags, no aliases, bounded size and depth, no key twice, every path with its line."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from domain.errors import RuleError
from triggers.yaml_words import yaml_words

MAX_BYTES = 128 * 1024
MAX_DEPTH = 40
MAX_NODES = 12_000
MAX_DOCUMENTS = 500
"""Documents of one file: as many rule tests as anybody still finds their way in."""
MAX_SCALAR = 2_000
"""Characters of one value: longer ones are no sentence, and some kinds of number take for ever to read."""

Path = tuple[str | int, ...]


class Unreadable(RuleError):
    """Text that is no plain, bounded YAML: what was `told`, and the `line` (from 1; 0: of the text as a whole)."""

    def __init__(self, told: str, line: int = 0) -> None:
        self.told = told
        self.line = line
        super().__init__(f"line {line}: {told}" if line else told)


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and, for each path in it, the line it starts on (from 1)."""

    data: Any
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest part of it that is in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def further_down(self, lines: int) -> "Document":
        """The same, in a text in which so many lines come before it."""
        return Document(self.data, {path: line + lines for path, line in self.lines.items()}) if lines else self


class _NoParser:
    """In the place of libyaml's where PyYAML was built without it."""


_WITH_LIBYAML: bool = yaml.__with_libyaml__
_CParser: Any = yaml.cyaml.CParser if _WITH_LIBYAML else _NoParser  # type: ignore[attr-defined]  # no types


class _Bounded:
    """Refuses aliases (they can blow a small file up), tags outside plain data, depth and size beyond bounds."""

    depth = 0
    nodes = 0
    check_event: Any  # of the parser beside it
    get_event: Any
    peek_event: Any

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.get_event()
            raise Unreadable("aliases (*) are not allowed in a rule file", event.start_mark.line + 1)
        self.depth += 1
        self.nodes += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            line = self.peek_event().start_mark.line + 1
            raise Unreadable("the file is nested too deeply or too large to be a rule file", line)
        node = super().compose_node(parent, index)  # type: ignore[misc] # the composer's, whoever reads
        self.depth -= 1
        return node


class _Quick(
    _Bounded,
    yaml.composer.Composer,
    _CParser,  # type: ignore[misc]
    yaml.constructor.SafeConstructor,
    yaml.resolver.Resolver,
):
    """Text read by libyaml, in a third of the time: what a start of the service mostly waited for."""

    def __init__(self, text: str) -> None:
        _CParser.__init__(self, text)
        yaml.composer.Composer.__init__(self)
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)


class _Exact(_Bounded, yaml.SafeLoader):
    """Text read by Python, which says better what is wrong with it: for what libyaml refuses."""


def read_yaml(text: str | bytes) -> Document:
    """The one document in `text`. Raises RuleError, with the line, for anything that is not plain, bounded YAML."""
    documents = read_yaml_all(text)
    if len(documents) > 1:
        raise RuleError("the file holds several documents (---); one is wanted")
    return documents[0] if documents else Document(None, {})


def read_yaml_all(text: str | bytes) -> tuple[Document, ...]:
    """Every document in `text` (separated by ---), in order. Raises RuleError as `read_yaml` does."""
    return _read(_content(text))


def read_yaml_each(text: str | bytes) -> tuple[Document | Unreadable, ...]:
    """Every document in `text`, in order, and for one that is no plain, bounded YAML why not: it spoils no other.

    Raises RuleError where the text as a whole cannot be read, or holds more than MAX_DOCUMENTS.
    """
    content = _content(text)
    begun = sum(1 for _ in _BEGINS.finditer(content))
    if begun > MAX_DOCUMENTS:
        raise RuleError(
            f"the file holds {begun} documents (---); at most {MAX_DOCUMENTS} are allowed; make several files"
        )
    try:
        return _read(content)
    except Unreadable:
        return tuple(each for before, part in _parts(content) for each in _each(before, part))


def _parts(content: str) -> Iterator[tuple[int, str]]:
    """The text cut where documents begin, each part with how many lines come before it."""
    cuts = [0, *(found.start() for found in _BEGINS.finditer(content) if found.start()), len(content)]
    before = 0
    for begins, ends in pairwise(cuts):
        part = content[begins:ends]
        yield before, part
        before += part.count("\n")


_BEGINS = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)


def _each(before: int, part: str) -> tuple[Document | Unreadable, ...]:
    """What one part holds, read by itself, so that a long file is read in the time that its length takes."""
    try:
        return tuple(document.further_down(before) for document in _read(part))
    except Unreadable as fault:
        return (Unreadable(fault.told, before + max(fault.line, 1)),)


def _content(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise RuleError(f"the file has {len(raw)} bytes; at most {MAX_BYTES} are allowed")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RuleError("the file is not UTF-8 text") from error


def _read(content: str) -> tuple[Document, ...]:
    try:
        if _WITH_LIBYAML:
            with contextlib.suppress(yaml.YAMLError):
                return tuple(_documents(_Quick(content)))
        return tuple(_documents(_Exact(content)))
    except yaml.YAMLError as error:
        raise Unreadable(*yaml_words(error, content)) from error
    except RecursionError as error:
        raise Unreadable("the file is nested too deeply to be a rule file") from error


def _documents(loader: _Quick | _Exact) -> Iterator[Document]:
    while loader.check_node():
        node = loader.get_node()
        lines: dict[Path, int] = {}
        if node is not None:
            yield Document(_plain(loader, node, (), lines), lines)


def _plain(loader: _Quick | _Exact, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    line = lines[path] = node.start_mark.line + 1
    if node.tag not in _TAGS:
        raise Unreadable("tags (!) are not allowed in a rule file", line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(loader, part, (*path, place), lines) for place, part in enumerate(node.value)]
    if len(node.value) > MAX_SCALAR:
        raise Unreadable(f"this value has {len(node.value)} characters; at most {MAX_SCALAR} are allowed", line)
    try:
        return loader.construct_object(node)
    except ValueError as error:
        if node.tag == _TIMESTAMP:
            return node.value  # a day that no calendar has, such as 2009-13-04: what it stands for will say so
        raise Unreadable("this value cannot be read; put quotes around words", line) from error
    except (LookupError, AttributeError, TypeError, OverflowError) as error:
        raise Unreadable("this value cannot be read; put quotes around words", line) from error


_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")
)
"""What plain data is made of."""


def _mapping(loader: _Quick | _Exact, node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise Unreadable("a key must be a plain word", line)
        key = str(key_node.value)
        if len(key) > MAX_SCALAR:
            raise Unreadable("a key must be a plain word", line)
        if key in data:
            raise Unreadable(f"'{key[:60]}' is given twice", line)
        data[key] = _plain(loader, value_node, (*path, key), lines)
        lines[(*path, key)] = line
    return data
