"""Which records of the archive some rules need to see: the others are neither decoded nor judged again.

Leaving a record out changes nothing for rules that never wait, because

- an occurrence's key names its family (`domain.events.occurrence_key`), so an occurrence is left out whole or not at
  all, and a rule meets only occurrences that hold one of its own kinds (`triggers.working`);
- what reaches beyond its own family is kept whatever its kind: changes of who the person is, what takes back another
  event or a link, links, and records that brought further entries. What a human ruled is about one occurrence, what
  was given to somebody else too, or about a hospital's record of a patient (`streams.rulings`, `streams.bequeathing`);
- an answer is the same whether worked out at once or step by step (the oracle), so neither a member whose record
  changed, nor history that was forgotten, need be taken in before the next record that these rules see.

The clock is the exception: what it brings about is told to whoever the person was at that instant. Rules that wait see
every record.
"""

from collections.abc import Iterable

from domain.kinds import TAKES_BACK, Kind
from triggers.alone import families_read, keeps_time, kinds_of
from triggers.rules import RuleSet
from triggers.standing import STANDING_KINDS

REACHING = STANDING_KINDS | TAKES_BACK | {Kind.ASSOCIATION_ADDED}
"""Kinds that may change what stands beyond their own family (`triggers.indexing`, `triggers.linked`)."""


def kinds_needed(sets: Iterable[RuleSet]) -> frozenset[Kind] | None:
    """The kinds of records that these rules need to see, as far as they can do without others; None: they need all."""
    listed = list(sets)
    if any(map(keeps_time, listed)):
        return None
    families = frozenset[str]().union(*map(families_read, listed))
    needed = kinds_of(families) | REACHING
    return None if needed == frozenset(Kind) else needed


def needed_where(kinds: frozenset[Kind] | None) -> str:
    """What is asked of a row of the archive. Kinds are ours: nothing is spliced."""
    if kinds is None:
        return "true"
    listed = ", ".join(f"'{kind.value}'" for kind in sorted(kinds))
    return f"""(kind IN ({listed}) OR extra <> '[]' OR entry NOT LIKE '%"retracts":null%')"""
