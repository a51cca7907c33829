"""`python -m tests.rules_bench`: what one event costs the rules of one person, beside zen-engine in the same run.

An evaluation is what one event costs until the verdicts of all rules stand again, nobody asked twice: index upkeep,
every rule that it touches, what is withdrawn. The events are those of a made-up life (rule_lives.py) in its own
proportions; how many of them change no answer, and what these cost, is told apart, so that nobody takes cheap events
for fast rules. Rules that an event does not touch are not run: that is the design, and why the share is told.

Processor time, medians, the cyclic collector off while measuring (as limits.md part B section 3 did). The peer gets
the shapes that it can say, as one decision graph, and its answers are checked against ours event by event; it cannot
say merged episodes, tellings of two feeds, corrections, lateness, cooling or retractions, which ours do as well.
"""

import argparse
import gc
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import zen
from rich.console import Console
from rich.table import Table

from domain.attributes import (
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    IntelAttributes,
    MissingAttributes,
    SearchAttributes,
)
from domain.matches import Relation
from domain.people import CohortMember
from tests.rule_lives import MEMBER, START, life
from triggers.evaluate import Changes, Kept, Step, evaluate, kept
from triggers.history import History, HistoryEntry
from triggers.loading import shipped_rules
from triggers.remembering import KeptPeople, changes_between
from triggers.rules import RuleSet

SIZES = (20, 200, 1_000)
MORE = 200
"""Events that are added one by one, while a history stays about as long as it is said to be."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time for one person with a history of `size` entries."""

    size: int
    from_scratch: float
    one_more: float
    in_words: float
    hop: float  # as the decide hop asks: before and after from the stored history, nothing remembered
    remembered: float  # the same with `KeptPeople`
    openings: float  # one more, where every event opens something: what the peer is compared on
    peer: float
    changing: float  # share of the events, 0 to 1, that change a verdict
    when_changing: float  # one more, where it changes a verdict
    when_not: float  # one more, where it changes none
    kilobytes: float  # what is kept of one person, their history included


def measured(rules: RuleSet, size: int, *, rounds: int = 5, peer_events: int = 40) -> Cost:
    """The costs at one size. Raises AssertionError where the peer answers differently."""
    entries = _longer(life(3, (size + MORE) * 2), size)
    firsts = _longer(life(4, (size + MORE) * 2, first_only=True), size)
    return Cost(
        size=size,
        from_scratch=_median(rounds, 1, lambda: evaluate(rules, MEMBER, tuple(entries[:size]))),
        one_more=statistics.median(_one_by_one(rules, entries, size)[0] for _ in range(rounds)),
        in_words=statistics.median(_one_by_one(rules, entries, size)[1] for _ in range(rounds)),
        hop=_hop(rules, entries, size, changes_between),
        remembered=_hop(rules, entries, size, KeptPeople().changes),
        openings=statistics.median(_one_by_one(rules, firsts, size)[0] for _ in range(rounds)),
        peer=_peer(rules, firsts, size, peer_events),
        kilobytes=_kilobytes(rules, size),
        **_apart(rules, entries, size, rounds),
    )


def _apart(rules: RuleSet, entries: Sequence[HistoryEntry], size: int, rounds: int) -> dict[str, float]:
    """Events that change a verdict, and those that change none; each by its best of several rounds."""
    best = [float("inf")] * (len(entries) - size)
    changes = [False] * len(best)
    for _ in range(rounds):
        now = _ready(rules, entries[:size])
        gc.disable()
        for place, entry in enumerate(entries[size:]):
            began = time.process_time()
            step = now.changed((entry,))
            best[place] = min(best[place], (time.process_time() - began) * 1e6)
            now, changes[place] = step.kept, bool(step.gone or step.come)
        gc.enable()
    some = [cost for cost, changing in zip(best, changes, strict=True) if changing]
    none = [cost for cost, changing in zip(best, changes, strict=True) if not changing]
    return {
        "changing": len(some) / len(best),
        "when_changing": statistics.fmean(some or [0.0]),
        "when_not": statistics.fmean(none or [0.0]),
    }


def _kilobytes(rules: RuleSet, size: int) -> float:
    """What is kept of a person with so many entries; the entries are made anew, as a service decodes them."""
    kept(rules, MEMBER, tuple(life(3, size)))
    gc.collect()
    tracemalloc.start()
    now = _ready(rules, life(3, size))
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now.member is MEMBER
    return used / 1024


def _longer(entries: list[HistoryEntry], size: int) -> list[HistoryEntry]:
    return entries[: size + MORE]


def _median(rounds: int, count: int, work: Callable[[], object]) -> float:
    spans = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        began = time.process_time()
        work()
        spans.append((time.process_time() - began) / count * 1e6)
        gc.enable()
    return statistics.median(spans)


def _one_by_one(rules: RuleSet, entries: Sequence[HistoryEntry], size: int) -> tuple[float, float]:
    """Microseconds an event: to know what fires, and to say it in the words that alerts need."""
    now, steps = _ready(rules, entries[:size]), []

    def add() -> None:
        known = now
        for entry in entries[size:]:
            step = known.changed((entry,))
            known = step.kept
            steps.append(step)

    one_more = _median(1, len(entries) - size, add)
    words = _median(1, len(entries) - size, lambda: [step.changes for step in steps])
    return one_more, one_more + words


Asked = Callable[[RuleSet, CohortMember, History, History], Changes]


def _hop(rules: RuleSet, entries: Sequence[HistoryEntry], size: int, asked: Asked) -> float:
    """Microseconds an event between two stored histories."""
    whole = tuple(entries)
    asked(rules, MEMBER, whole[: size - 1], whole[:size])
    places = range(size, size + 60)
    return _median(1, len(places), lambda: [asked(rules, MEMBER, whole[:at], whole[: at + 1]) for at in places])


def _ready(rules: RuleSet, entries: Sequence[HistoryEntry]) -> Kept:
    now = kept(rules, MEMBER, tuple(entries))
    assert now.verdicts is not None
    return now


# -- the peer ------------------------------------------------------------------------------------------------------


def _peer(rules: RuleSet, entries: Sequence[HistoryEntry], size: int, count: int) -> float:
    """Microseconds an event for zen-engine over the same histories, its answers checked against ours."""
    decision = zen.ZenEngine().create_decision(json.dumps(graph(rules)))
    told = [told_to_peer(rules, entry) for entry in entries]
    now = _ready(rules, entries[:size])
    spans = []
    for place in range(size, size + count):
        context = {"before": told[:place], "last": told[place]}
        began = time.process_time()
        answer = decision.evaluate(context)["result"]
        spans.append((time.process_time() - began) * 1e6)
        step = now.changed((entries[place],))
        now = step.kept
        theirs = {name for name, holds in answer.items() if holds}
        assert theirs == ours(step, entries[place]), (place, theirs, ours(step, entries[place]))
    return statistics.median(spans)


CANNOT_SAY = ("CROSS_FEED_BURST", "REPEAT_MISSING")
"""Rules of ours that rest on merging, which the peer's expressions cannot do."""


def ours(step: Step, entry: HistoryEntry) -> set[str]:
    """The rules that find their pattern completed by this event, and DA_P1 where the third at home makes it urgent."""
    found = {str(one.rule_id) for one in step.come if one.anchor == entry.event_id and one.unguarded}
    urgent = {
        "DA_P1" for one in step.come if one.anchor == entry.event_id and (one.rule_id, one.priority) == ("DA_IN_HOUSEHOLD", "P1")
    }  # fmt: skip
    return (found | urgent) - set(CANNOT_SAY)


def told_to_peer(rules: RuleSet, entry: HistoryEntry) -> dict[str, Any]:
    """An entry as flat JSON; folded words and theme families worked out beforehand, in the peer's favour."""
    said = entry.attributes
    told: dict[str, Any] = {
        "t": (entry.occurred_at - START) // timedelta(minutes=1),
        "kind": entry.kind.value,
        "self": entry.relation is Relation.SELF,
        "role": entry.role.value if entry.role else "",
        "intent": "",
        "mechanism": "",
        "codes": [],
        "found": [],
        "risk": "",
        "themes": [],
        "families": [],
        "unit": "",
        "passes": False,
        "good": False,
    }
    match said:
        case EdAttributes():
            told |= {"intent": said.intent or "", "mechanism": said.mechanism or ""}
        case CrimeAttributes():
            told |= {"codes": [said.ho_code] if said.ho_code else []}
        case CustodyAttributes():
            told |= {"codes": list(said.offences)}
        case SearchAttributes():
            told |= {"found": list(said.found)}
        case MissingAttributes():
            told |= {"risk": said.risk or ""}
        case IntelAttributes():
            grade = said.grade
            good = grade.source in (1, 2) and grade.assessment in ("A", "B", "C")
            families = sorted(rules.reference.families_of(said.themes))
            told |= {"themes": list(said.themes), "unit": said.origin_unit or "", "good": good, "families": families}
            told |= {"passes": good and grade.handling == "P"}
        case _:
            pass
    return told


def expressions(rules: RuleSet) -> Mapping[str, str]:
    """Our rules in the peer's language."""

    def listed(name: str) -> str:
        return json.dumps(sorted(rules.reference.words(name)))

    suspect = "last.self and last.role in ['suspect', 'arrested', 'charged', 'offender']"
    offence = "some(last.codes as code, code in {})"
    hurt = "(#.kind == 'crime.recorded' and #.role == 'victim' and some(#.codes as code, code in {}))"
    visit = "last.self and last.kind == 'ed.arrival'"
    armed = f"last.mechanism in {listed('weapon_mechanisms')}"
    carrying = f"({suspect} and {offence.format(listed('weapon_offences'))})"
    searched = f"(last.self and some(last.found as word, word in {listed('weapon_words')}))"
    violent = f"({suspect} and {offence.format(listed('violence_suspect'))})"
    report = "last.self and last.kind == 'intel.submitted' and last.passes"
    victim = f"last.self and last.kind == 'crime.recorded' and last.role == 'victim'"  # noqa: F541
    linked = "not last.self"
    themed = "some(last.themes as theme, theme in {})"
    day = 24 * 60
    return {
        "ED_WEAPON_ASSAULT": f"{visit} and last.intent == 'assault' and {armed}",
        "ED_ASSAULT": f"{visit} and last.intent == 'assault' and not ({armed})",
        "ED_REPEAT_ASSAULT": f"{visit} and last.intent == 'assault' and len(filter(before, #.self and "
        f"#.intent == 'assault' and last.t - #.t <= {365 * day})) >= 1",
        "ED_SELF_HARM_CRISIS": f"{visit} and last.intent == 'self_harm'",
        "CUSTODY_ARREST": "last.self and last.kind == 'custody.arrived'",
        "WEAPON_CARRYING": f"{carrying} or {searched}",
        "VIOLENT_SUSPECT": violent,
        "VIOLENCE_VICTIM": f"{victim} and {offence.format(listed('violence_victim'))}",
        "VICTIM_TO_SUSPECT": f"({carrying} or {searched} or {violent} or ({report} and "
        f"{themed.format(listed('weapon_themes'))})) and some(before, #.self and #.t < last.t and "
        f"last.t - #.t <= {30 * day} and (#.intent == 'assault' or {hurt.format(listed('violence_victim'))}))",
        "ASSOCIATE_HARMED": f"{linked} and ((last.kind == 'crime.recorded' and last.role == 'victim' and "
        f"{offence.format(listed('gravest_violence'))}) or (last.kind == 'ed.arrival' and last.intent == 'assault' "
        f"and {armed}))",
        "MISSING_CHILD": "last.self and last.kind == 'missing.reported' and last.risk in ['medium', 'high']",
        "COUNTY_LINES_SIGNS": f"{report} and {themed.format(listed('exploitation_themes'))}",
        "INTEL_THREAT": f"{report} and {themed.format(listed('threat_themes'))}",
        "INTEL_CORROBORATED": f"{report} and some(before, #.self and #.passes and #.unit != last.unit and "
        f"last.t - #.t <= {28 * day} and some(#.families as family, family in last.families))",
        "DA_IN_HOUSEHOLD": "last.kind == 'da.incident'",
        "DA_P1": f"last.kind == 'da.incident' and len(filter(before, #.kind == 'da.incident' and "
        f"last.t - #.t <= {365 * day})) >= 2",
    }


def graph(rules: RuleSet) -> dict[str, Any]:
    """One decision: input, all expressions in one node, output. Separate calls cost the peer 2.6 times as much."""
    listed = [{"id": name, "key": name, "value": value} for name, value in expressions(rules).items()]
    spot = {"x": 0, "y": 0}
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": spot},
            {
                "id": "all",
                "type": "expressionNode",
                "name": "all",
                "position": spot,
                "content": {"expressions": listed},
            },
            {"id": "out", "type": "outputNode", "name": "out", "position": spot},
        ],
        "edges": [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "all"},
            {"id": "2", "type": "edge", "sourceId": "all", "targetId": "out"},
        ],
    }


def show(sizes: Sequence[int] = SIZES) -> list[Cost]:
    """Measure and print."""
    rules = shipped_rules()
    costs = [measured(rules, size) for size in sizes]
    title = f"Rules: one person, {len(rules.rules)} rules, processor time (us)"
    table = Table("history", "from scratch", "one more event", "a second", "and in words", "decide hop", "remembered",
                  "zen-engine", "ours, same events", "zen / ours", title=title)  # fmt: skip
    for cost in costs:
        table.add_row(
            f"{cost.size:,}",
            f"{cost.from_scratch:,.0f}",
            f"{cost.one_more:,.1f}",
            f"{1e6 / cost.one_more:,.0f}",
            f"{cost.in_words:,.1f}",
            f"{cost.hop:,.0f}",
            f"{cost.remembered:,.0f}",
            f"{cost.peer:,.0f}",
            f"{cost.openings:,.1f}",
            f"{cost.peer / cost.openings:,.0f}",
        )
    console = Console(width=140)
    console.print(table)
    for cost in costs:
        console.print(
            f"{cost.size:,} entries: {cost.changing:.0%} of the events change a verdict and cost {cost.when_changing:,.1f} "
            f"us, the others {cost.when_not:,.1f} us; {cost.kilobytes:,.0f} kB a person"
        )
    return costs


def main() -> None:
    """Measure and print; `--sizes` of the history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    show(parser.parse_args().sizes)


if __name__ == "__main__":
    main()
