"""How often Python looks for garbage: seldom, and never among what stands from the start.

Nearly everything that an event leaves behind is freed at once, by counting; the search is only for what refers to
itself. It went through all modules and people again and again: a fifth of the processor time of the engine's hops.
"""

import gc

_YOUNG = 20_000  # objects made and not freed, before the young ones are searched; Python's own is 700
_OLDER = 20  # searches of the young before the older ones are searched too
_ALL = 50


def collect_seldom() -> None:
    """Search less often. Once, when the process begins."""
    gc.set_threshold(_YOUNG, _OLDER, _ALL)


def leave_alone_what_stands() -> None:
    """Never search what is there now: modules, settings, rules, the index of people. What nobody refers to any more is
    still freed."""
    gc.collect()
    gc.freeze()


def look_at_all_again() -> None:
    """At the end: what was left alone is let go in order, or DuckDB complains of it on standard error."""
    gc.unfreeze()
