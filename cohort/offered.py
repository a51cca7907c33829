"""Every comparison that a model may ask for, by its name and the levels it gives.

One name may be offered in two finenesses ("date of birth" of the shipped model, and that of trained ones): the levels
that a model lists say which it means. `extra:<column>` is offered for every column, with a kind.
"""

from collections.abc import Iterable

from cohort.comparisons import COMPARISONS
from cohort.fine_comparisons import FINE, Offer, extra
from cohort.prepared import PreparedIdentity
from cohort.text_levels import Kind
from domain.errors import ConfigError

EXTRA = "extra:"


def _nothing(_: PreparedIdentity) -> tuple[str, ...]:
    return ()


OFFERS: dict[str, tuple[Offer, ...]] = {}
for _name, (_compare, _levels) in COMPARISONS.items():
    OFFERS[_name] = (Offer(_name, _compare, _levels, _nothing, frozenset()),)
for _offer in FINE:
    OFFERS[_offer.name] = (*OFFERS.get(_offer.name, ()), _offer)


def offered(name: str, levels: Iterable[str], kind: str | None = None) -> Offer:
    """The comparison `name` that answers exactly `levels`, in any order. Raises ConfigError naming what is odd."""
    wanted = sorted(levels)
    if name.startswith(EXTRA):
        if kind not in tuple(Kind):
            raise ConfigError(f"The comparison {name} needs a kind: {', '.join(Kind)}")
        offers: tuple[Offer, ...] = (extra(name.removeprefix(EXTRA), Kind(kind)),)
    else:
        offers = OFFERS.get(name, ())
    if not offers:
        raise ConfigError(f"The match model asks for an unknown comparison: {name}")
    for offer in offers:
        if sorted(offer.levels) == wanted:
            return offer
    nearest = min(offers, key=lambda each: len(set(each.levels) ^ set(wanted)))
    odd = ", ".join(sorted(set(nearest.levels) ^ set(wanted))) or "a level is given twice"
    raise ConfigError(f"The levels of {name} are not those that the comparison offers: {odd}")
