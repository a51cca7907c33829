"""Which event patterns of a rule set hold at a moment: all of them asked at once, a test that several share asked once.

Written out as one function for each kind of event and relation, so that an event meets only the patterns that read it
and most events meet none (the alpha network of Rete: Forgy 1982). It answers as each pattern's own `holds` does.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from domain.kinds import Kind
from domain.matches import Relation
from triggers.conditions import All, Condition, written_true
from triggers.moments import Moment
from triggers.patterns import RELATIONS, EventPattern

Asked = Callable[[Moment], int]
"""Answers with the bits of the patterns that hold."""

_TOLD = re.compile(r"m\.values\.get\('(\w+)'\)")
_FACT = re.compile(r"\b(c\d+)\(m\)")
"""How `written_true` writes a word as it was told, and any other fact."""


class Holding:
    """Event patterns, each with a bit of its own; what holds at a moment is the sum of the bits."""

    __slots__ = ("_asked", "_patterns", "_roles_asked")

    def __init__(self, patterns: Iterable[tuple[int, EventPattern]]) -> None:
        self._patterns = tuple(patterns)
        self._roles_asked = sum(bit for bit, pattern in self._patterns if pattern.asks_role)
        self._asked: dict[Relation, dict[Kind, Asked]] = {relation: {} for relation in Relation}

    def at(self, moment: Moment) -> int:
        """The bits of the patterns that hold at `moment`."""
        kind, known = moment.entry.kind, self._asked[moment.relation]
        asked = known.get(kind)
        if asked is None:
            asked = known[kind] = self._written(kind, moment.relation)
        held = asked(moment)
        return held & self._roles_asked if held and moment.bystander() else held

    def _written(self, kind: Kind, relation: Relation) -> Asked:
        bits: dict[Condition, int] = {}
        for bit, pattern in self._patterns:
            if kind in pattern.kinds and relation in RELATIONS[pattern.subject]:
                bits[pattern.where] = bits.get(pattern.where, 0) | bit
        if not bits:
            return _nothing
        scope: dict[str, Any] = {"__builtins__": {}}
        lines = _branches([(_parts(where), bit) for where, bit in bits.items()], scope, "    ")
        source = "\n".join(["def asked(m):", *_read_once(lines, scope), "    return held"])
        exec(source, scope)  # noqa: S102 - our own names only, as in conditions.py
        asked: Asked = scope["asked"]
        return asked


def _read_once(lines: Sequence[str], scope: Mapping[str, Any]) -> list[str]:
    """The lines, with each told word, and each fact that is asked more than once, read before them."""
    told = dict.fromkeys(name for line in lines for name in _TOLD.findall(line))
    asked = [name for line in lines for name in _FACT.findall(line)]
    often = Counter(id(scope[name]) for name in asked)
    first = {id(scope[name]): name for name in reversed(asked)}
    read = {name: f"read_{first[id(scope[name])]}" for name in asked if often[id(scope[name])] > 1}
    return [
        "    get = m.values.get",
        *(f"    told_{name} = get({name!r})" for name in told),
        *(f"    {local} = {local.removeprefix('read_')}(m)" for local in dict.fromkeys(read.values())),
        "    held = 0",
        *(_FACT.sub(lambda one: read.get(one[1], one[0]), _TOLD.sub(r"told_\1", line)) for line in lines),
    ]


def _nothing(_moment: Moment) -> int:
    return 0


MOST_PARTS = 20
"""A condition of more parts is asked as one: its branches would be indented deeper than Python reads."""


def _parts(where: Condition) -> tuple[Condition, ...]:
    """What must hold together."""
    parts = tuple(_flat(where))
    return parts if len(parts) <= MOST_PARTS else (where,)


def _flat(where: Condition) -> Iterator[Condition]:
    if isinstance(where, All):
        for part in where.parts:
            yield from _flat(part)
    else:
        yield where


Branch = tuple[Sequence[Condition], int]


def _branches(asked: Sequence[Branch], scope: dict[str, Any], indent: str) -> list[str]:
    """Lines that ask what most have in common first, and the rest only where that holds."""
    held = sum(bit for parts, bit in asked if not parts)
    lines = [f"{indent}held |= {held}"] if held else []
    left = [(parts, bit) for parts, bit in asked if parts]
    while left:
        often = Counter(part for parts, _ in left for part in dict.fromkeys(parts))
        shared = max(often, key=often.__getitem__)  # of equally frequent ones, the first as written
        inside = [([part for part in parts if part != shared], bit) for parts, bit in left if shared in parts]
        left = [(parts, bit) for parts, bit in left if shared not in parts]
        lines.append(f"{indent}if {written_true(shared, scope)}:")
        lines.extend(_branches(inside, scope, indent + "    "))
    return lines
