"""The working behind a kept answer: what every finder found and every rule judged, brought up to each change.

A change walks up the plan: from the sheets to the patterns that hold or held there, to the finders that join what those
found, to the rules that are about it and the rules that ask about those. What is not on the way is not looked at.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import repeat

from domain.ids import OccurrenceKey
from domain.kinds import Kind
from triggers.finding import NO_DIFFERENCE, Difference, Found, Hits
from triggers.indexing import HistoryIndex
from triggers.judging import Judged, Verdicts, nothing_judged, rejudge
from triggers.planning import Plan
from triggers.sheets import Sheet
from triggers.verdicts import Verdict

Sheets = Mapping[OccurrenceKey, tuple[Sheet | None, Sheet | None]]
"""Each sheet that is no longer the same: what it was, what it is."""


_NO_HITS: Hits = ()


Dues = tuple[datetime | None, datetime | None]
"""When the clock next brings about anything, and when anything that fires."""


class Working:
    """What finders found and rules judged, by place in the plan, and which verdicts the clock has yet to bring about.
    Its only owner changes it."""

    __slots__ = ("_dues", "_found", "_judged", "_waiting", "plan")

    def __init__(self, plan: Plan, found: list[Found], judged: list[Judged]) -> None:
        self.plan = plan
        self._found = found
        self._judged = judged
        self._waiting: dict[int, Verdict] = {}  # by id
        self._dues: Dues | None = (None, None)  # None: those that wait are others than when it was asked last

    @property
    def verdicts(self) -> Iterable[Verdict]:
        """Every candidate with its verdict, also those that the clock has not brought about yet."""
        return (verdict for judged in self._judged for verdict in judged.verdicts)

    @property
    def waiting(self) -> Iterable[Verdict]:
        """Those of them that the clock has yet to bring about."""
        return self._waiting.values()

    @property
    def dues(self) -> "Dues":
        """When the clock next brings about anything, and when anything that fires; None: nothing waits."""
        if self._dues is None:
            times = [(verdict.learnt_at, verdict.fired) for verdict in self._waiting.values()]
            firing = (at for at, fired in times if fired)
            self._dues = (min((at for at, _ in times), default=None), min(firing, default=None))
        return self._dues

    def rung(self, now: datetime) -> list[Verdict]:
        """Those that the clock has brought about by `now`; they wait no more."""
        come = [verdict for verdict in self._waiting.values() if verdict.learnt_at <= now]
        for verdict in come:
            del self._waiting[id(verdict)]
        self._dues = None
        return come

    def take_in(
        self, sheets: Sheets, index: HistoryIndex, now: datetime | None, *, anew: bool = False
    ) -> tuple[list[Verdict], list[Verdict]]:
        """Brought up to the index, in which these sheets changed: the verdicts that are no longer, and the new ones, as
        far as the clock has brought them about by `now`.

        `anew`: nothing was worked out before, and there may be something to find without any sheet.
        """
        differences = self._look(sheets, index, anew=anew)
        if not differences:
            return [], []
        self._join(differences)
        gone, come = self._judge(differences)
        return self._seen(gone, come, now) if self.plan.waiting and (gone or come) else (gone, come)

    def _seen(
        self, gone: Iterable[Verdict], come: Iterable[Verdict], now: datetime | None
    ) -> tuple[list[Verdict], list[Verdict]]:
        """Those that the clock need not, or did, bring about; the others wait."""
        waiting, self._dues = self._waiting, None
        left = [verdict for verdict in gone if waiting.pop(id(verdict), None) is None]
        new: list[Verdict] = []
        for verdict in come:
            if verdict.seen_at(now):
                new.append(verdict)
            else:
                waiting[id(verdict)] = verdict
        return left, new

    def _look(self, sheets: Sheets, index: HistoryIndex, *, anew: bool) -> dict[int, Difference]:
        """What single events and other finders in the history find differently, by their places."""
        plan, found = self.plan, self._found
        differing: dict[int, dict[OccurrenceKey, tuple[Hits, Hits]]] = {}
        for key, (was, now) in sheets.items():
            held = 0 if now is None else now.held(plan.holding)
            left = held if was is None else held | was.held(plan.holding)
            alone = now.alone if was is None and now is not None and held else None
            while left:
                bit = left & -left
                left ^= bit
                place, finder = plan.events[bit]
                if alone is not None and finder.simple:
                    hits = found[place].hits[key] = (finder.wanted.hit_at(alone),)
                    differing.setdefault(place, {})[key] = (_NO_HITS, hits)
                    continue
                pair = finder.find(found[place], key, now if held & bit else None)
                if pair is not None:
                    differing.setdefault(place, {})[key] = pair
        differences: dict[int, Difference] = {**differing}
        for place, looking, kinds in plan.looking:
            keys = _with_kinds(sheets, kinds)
            if keys or anew:
                difference = looking.look(found[place], keys, index)
                if difference:
                    found[place] = found[place].differing(difference)
                    differences[place] = difference
        return differences

    def _join(self, differences: dict[int, Difference]) -> None:
        """Add to the differences what finders that join others' find differently."""
        plan, found = self.plan, self._found
        above = plan.above
        todo = 0
        for place in differences:
            todo |= above[place]
        while todo:
            bit = todo & -todo
            todo ^= bit
            place = bit.bit_length() - 1
            joining = plan.joining[place]
            parts = joining.parts
            found[place], difference = joining.next(
                found[place],
                list(map(found.__getitem__, parts)),
                list(map(differences.get, parts, repeat(NO_DIFFERENCE))),
            )
            if difference:
                differences[place] = difference
                todo |= above[place]

    def _judge(self, differences: Mapping[int, Difference]) -> tuple[list[Verdict], list[Verdict]]:
        """Bring the rules up to what was found: the verdicts that are no longer, and those that are new."""
        gone: list[Verdict] = []
        come: list[Verdict] = []
        plan = self.plan
        moved: dict[int, set[OccurrenceKey]] = {}
        todo = 0
        for place in differences:
            todo |= plan.judged[place]
        while todo:
            bit = todo & -todo
            todo ^= bit
            place = bit.bit_length() - 1
            planned = plan.rules[place]
            changed: Collection[OccurrenceKey] = differences.get(planned.finder, NO_DIFFERENCE)
            if moved and planned.asks:
                changed = {*changed, *(key for asked in planned.asks.values() for key in moved.get(asked, ()))}
            asked_of = partial(self._asked, planned.asks) if planned.asks else _nobody_fired
            left, new = rejudge(planned.judge, self._judged[place], self._found[planned.finder].hits, changed, asked_of)
            if left or new:
                gone += left
                come += new
                asking = plan.asked_by[place]
                if asking:
                    moved[place] = {verdict.occurrence for verdict in (*left, *new)}
                    todo |= asking
        return gone, come

    def _asked(self, places: Mapping[str, int], rule: str, occurrence: OccurrenceKey, at: datetime | None) -> Verdicts:
        place = places.get(rule)
        return () if place is None else self._judged[place].fired_on(occurrence, at)


def _nobody_fired(_rule: str, _occurrence: OccurrenceKey, _at: datetime | None) -> Verdicts:
    """For a rule that asks about none that is there."""
    return ()


def _with_kinds(sheets: Sheets, kinds: frozenset[Kind]) -> frozenset[OccurrenceKey]:
    """Those that hold, or held, something of these kinds."""
    keys = []
    for key, pair in sheets.items():
        for sheet in pair:
            if sheet is not None:
                for entry in sheet.standing:
                    if entry.kind in kinds:
                        keys.append(key)
    return frozenset(keys)


def nothing_worked_out(plan: Plan) -> Working:
    """What is found and judged of no history."""
    return Working(
        plan, [finder.empty() for finder in plan.finders], [nothing_judged(planned.judge) for planned in plan.rules]
    )
