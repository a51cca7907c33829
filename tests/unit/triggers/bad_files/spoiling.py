"""What the ways to spoil a good rule file share.

Each spoiler takes a random number source and a good file as data, spoils it in place so that it can be nothing but bad,
and answers with the rule in which the fault lies ('' for the file itself).
"""

from collections.abc import Callable
from random import Random
from typing import Any

Data = dict[str, Any]
Spoiler = Callable[[Random, Data], str]


def any_rule(random: Random, data: Data) -> Data:
    """One rule of the file, to be spoilt in place."""
    rule: Data = random.choice(data["rules"])
    return rule


def with_pattern(random: Random, data: Data, when: Any, **more: Any) -> str:
    """The rule gets another pattern of its own."""
    rule = any_rule(random, data)
    rule["when"] = when
    rule.update(more)
    return str(rule["id"])


def event(kinds: str = "ed.*", **where: Any) -> Data:
    """The pattern of one event, as an author writes it."""
    return {"event": {"kinds": [kinds], "where": where} if where else {"kinds": [kinds]}}


ASSAULT = event(intent="assault")
