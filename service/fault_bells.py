"""Who hears that a rule cannot be judged, or that events are set aside: all supervisors, at once, without content.

Rung from what is kept with the decisions, so both engines and every worker ring the same bell, and a restart neither
forgets nor repeats it: once for each rule, version and cause, and again on each day on which it is met.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts.model import Purpose
from alerts.planning import Row
from alerts.ports import Outbox
from domain.clock import LONDON
from service.bells import bell_rows, those_in_charge
from streams.decide import World
from streams.tallies import SeenFault, Tallies

NEWS_FOR = timedelta(hours=24)
"""What was last met before is over, as far as anybody can know, and no news."""
MOST_BELLS = 5
"""Of one look: whoever is called five times for it looks at all of it."""
_RULE_WORDS = (
    "Rule {rule} (version {version}) cannot be judged for some people; the other rules go on. What it would have said "
    "is judged late, once it can be: have it mended, or take its version back. Cause: {cause}."
)
_EVENT_WORDS = (
    "Events or waits of some people fail as a whole and alert nobody. They are kept: once it is mended, take the "
    "events again (reachpoint quarantine replay). Cause: {cause}."
)


class FaultBells:
    """Rings for what could not be judged. `ring` is called every few seconds by each worker."""

    def __init__(self, outbox: Outbox, tallies: Tallies) -> None:
        self._outbox = outbox
        self._tallies = tallies
        self._rung: set[str] = set()  # the store knows too; this saves asking it
        self.seen: tuple[SeenFault, ...] = ()  # at the last look: what was met within the day

    async def ring(self, world: World, now: datetime) -> tuple[SeenFault, ...]:
        """Order what is due; the faults for which messages were new. Raises StoreUnavailable."""
        self.seen = tuple(await self._tallies.faults(now - NEWS_FOR))
        new = [fault for fault in self.seen if _about(fault) not in self._rung]
        told = []
        for place, fault in enumerate(_most_telling(new)):
            rows = () if place >= MOST_BELLS else rows_for(fault, world, now)
            if rows and await self._outbox.order(rows):
                told.append(fault)
            if rows or place >= MOST_BELLS:  # where nobody is there to hear, somebody may be later
                self._rung.add(_about(fault))
        return tuple(told)


def words_of(fault: SeenFault) -> str:
    """What a fault means, for a supervisor. Names no person."""
    if fault.rule_id:
        return _RULE_WORDS.format(rule=fault.rule_id, version=fault.version, cause=fault.cause)
    return _EVENT_WORDS.format(cause=fault.cause)


def rows_for(fault: SeenFault, world: World, now: datetime) -> tuple[Row, ...]:
    """The messages of one fault; the same on the same day."""
    purpose = Purpose.RULE_FAULT if fault.rule_id else Purpose.SET_ASIDE
    return bell_rows(those_in_charge(world), purpose, _about(fault), world, now, urgent=True)


def _most_telling(faults: Iterable[SeenFault]) -> list[SeenFault]:
    """Whole events first: of them nobody at all was told."""
    return sorted(faults, key=lambda fault: (bool(fault.rule_id), fault.name))


def _about(fault: SeenFault) -> str:
    return f"fault|{fault.name}|{fault.last_at.astimezone(LONDON).date().isoformat()}"
