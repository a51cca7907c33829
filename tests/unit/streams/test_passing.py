"""One faulty rule does not silence the others: their alerts leave, nothing is withdrawn, and what it missed comes once
it can be judged."""

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.model import AlertState
from domain.ids import MemberId
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams import codec
from streams.embedded import Observers
from streams.messages import PersonState, Unjudged
from streams.passing import TRY_EVERY, Asked, sparing, state_after
from streams.ports import Commit
from tests.unit.streams.play import START, Play, ed, event, hours, member, minutes, tipt
from triggers.conditions import ALWAYS
from triggers.hearing import Span
from triggers.history import History, entry_of
from triggers.loading import shipped_rules
from triggers.moments import Moment
from triggers.rules import Case, Rule, RuleSet, combined
from triggers.sparing import said_in_full

SECRET = "Quillfeather 9990000018"
DAY = timedelta(days=1)


def faulty(rules: RuleSet, *names: str, when: Callable[[Moment], bool] = lambda _: True) -> RuleSet:
    """The rules, of which these raise when they are asked for their headline, where `when` holds."""

    def ask(moment: Moment) -> bool | None:
        if when(moment):
            raise KeyError(SECRET)
        return None

    def harmed(rule: Rule) -> Rule:
        return dataclasses.replace(rule, then=dataclasses.replace(rule.then, headlines=(Case(ALWAYS, ask, ""),)))

    return replace(rules, rules=tuple(harmed(rule) if rule.rule_id in names else rule for rule in rules.rules))


def assault(visit: str = "V1", at: timedelta = timedelta(0), **fields: Any) -> Any:
    return ed(Kind.ED_ARRIVAL, "M1", visit=visit, at=at, intent="assault", mechanism="sharp", **fields)


def violence(at: timedelta = timedelta(0), who: str = "M1", **fields: Any) -> Any:
    return event(Kind.CRIME_RECORDED, (who, Role.VICTIM), at=at, attributes={"ho_code": "8N"}, **fields)


class House(Play):
    """A play that keeps what was decided."""

    def __init__(self, *people: Any, rules: RuleSet, **fields: Any) -> None:
        self.commits: list[Commit] = []
        observers = Observers(decided=lambda commit, _: self.commits.append(commit))
        super().__init__(people or [member("M1")], rules=rules, observers=observers, **fields)

    async def state(self, name: str = "M1") -> PersonState:
        return (await self.twin.timers.load_person(MemberId(name))).state


async def all_told(rules: RuleSet, *events: Any) -> set[tuple[str, str]]:
    play = await Play([member("M1")], rules=rules).prepare()
    await play.give(*events)
    return set(await play.live())


async def test_the_other_rules_alerts_leave_at_once() -> None:
    everything = await all_told(tipt(), assault())
    assert ("M1", "ED_WEAPON_ASSAULT") in everything
    assert len(everything) == 1
    play = House(rules=faulty(tipt(), "VIOLENCE_VICTIM"))
    await play.prepare()
    first, second = violence(), assault(at=hours(1))
    await play.give(first)
    assert await play.ended(first) == "suppressed:not_judged"
    await play.give(second)
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")]
    (fault,) = play.commits[-1].unjudged
    assert (fault.rule_id, fault.version) == ("VIOLENCE_VICTIM", 1)
    assert fault.cause.startswith("KeyError at test_passing.py:")
    records = [commit.archived for commit in play.commits if commit.archived]
    assert records and {record.rules for record in records} == {"rules@1 without VIOLENCE_VICTIM@1"}
    assert SECRET not in str(play.commits)


async def test_nothing_of_a_rule_that_comes_to_raise_is_withdrawn() -> None:
    play = House(rules=tipt())
    await play.prepare()
    await play.give(violence())
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")]
    play.use(rules=faulty(tipt(), "VIOLENCE_VICTIM"), rules_mark="rules@2")
    await play.give(assault(at=hours(1)))
    assert await play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M1", "VIOLENCE_VICTIM")]
    assert all(alert.state is not AlertState.WITHDRAWN for alert in await play.alerts())


@pytest.mark.parametrize("by", ["an event", "the clock"])
async def test_what_was_missed_comes_once_the_rule_is_mended(by: str) -> None:
    play = House(rules=faulty(tipt(), "VIOLENCE_VICTIM"))
    await play.prepare()
    await play.give(violence())
    assert await play.live() == []
    play.use(rules=tipt())  # the software is mended: the rules have no other mark
    if by == "an event":
        await play.give(event(Kind.CUSTODY_RELEASED, "M1", at=minutes(10)))
    else:
        await play.until(START + TRY_EVERY)
    (firing,) = await play.standing()
    assert (firing.rule_id, firing.late) == ("VIOLENCE_VICTIM", True)
    assert (await play.state()).unjudged == ()
    await play.until(START + DAY)
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")], "once"


async def test_a_mended_version_that_is_published_brings_it_at_once() -> None:
    play = House(rules=faulty(tipt(), "VIOLENCE_VICTIM"))
    await play.keep_time()
    await play.give(violence())
    play.use(rules=tipt(), rules_mark="rules@2")
    await play.until(START + minutes(1))
    assert await play.live() == [("M1", "VIOLENCE_VICTIM")]


async def test_what_was_told_before_it_raised_is_not_told_again() -> None:
    play = House(rules=tipt())
    await play.prepare()
    await play.give(violence())
    await play.until(START + DAY * 2)
    (before,) = await play.alerts()
    play.use(rules=faulty(tipt(), "VIOLENCE_VICTIM"))
    await play.give(violence(2 * DAY, key="second"), violence(2 * DAY + minutes(1), key="third"))
    assert await play.alerts() == [before]
    play.use(rules=tipt())
    await play.until(START + 3 * DAY)
    told = await play.standing()
    assert sorted((one.fired_at - START, one.late) for one in told) == [(timedelta(0), False), (2 * DAY, True)]


async def test_a_wait_that_ended_meanwhile_comes_about_late() -> None:
    rules = combined([shipped_rules("tipt"), shipped_rules("programme")])
    play = House(rules=faulty(rules, "T1"))
    await play.keep_time()
    await play.give(event(Kind.REFERRAL_RECEIVED, "M1"))
    await play.until(START + hours(30))
    assert ("M1", "T1") not in await play.live()
    assert ("M1", "T2") in await play.live()
    play.use(rules=rules)
    await play.until(START + hours(31))
    assert {one.step for one in await play.standing() if one.rule_id == "T1" and one.late} == {"20h", "24h"}


async def test_a_rule_that_raises_for_one_moment_only_is_judged_again_when_that_is_gone() -> None:
    play = House(rules=faulty(tipt(), "VIOLENCE_VICTIM", when=lambda moment: moment.entry.source_key == "poison"))
    await play.prepare()
    await play.give(violence(key="poison"), violence(minutes(5), key="sound"))
    assert await play.live() == []
    assert [record.rule_id for record in (await play.state()).unjudged] == ["VIOLENCE_VICTIM"]


async def test_where_every_rule_raises_the_event_is_set_aside() -> None:
    play = House(rules=faulty(tipt(), *(rule.rule_id for rule in tipt().rules)))
    await play.prepare()
    one = violence()
    await play.give(one)
    assert await play.ended(one) == "suppressed:not_judged", "rules that say nothing of it can be judged"


async def test_a_fault_in_no_rule_is_set_aside_as_before() -> None:
    play = House(rules=replace(tipt(), reference=None))  # type: ignore[arg-type]
    await play.prepare()
    one = violence()
    await play.give(one)
    assert await play.ended(one) == "quarantined:processing_failed"


def test_what_left_the_history_meanwhile_is_made_up_for() -> None:
    told = violence()
    entry = entry_of(told, subject="M1", relation=Relation.SELF, role=Role.VICTIM)
    span, harmed = Span(START, START + hours(1)), faulty(tipt(), "VIOLENCE_VICTIM")

    def asked(state: PersonState, after: History) -> Asked:
        return Asked(state, member("M1"), after, span, lambda kept: kept, before=state.history, after=after)

    first = asked(PersonState(MemberId("M1"), 1, (entry,)), ())
    state, faults = sparing(
        first,
        harmed,
        None,
        lambda rules, known, faults: (
            state_after(first, said_in_full(first.hear(rules, known)), harmed, faults, START),
            faults,
        ),
    )
    assert [fault.rule_id for fault in faults] == ["VIOLENCE_VICTIM"]
    assert (state.history, state.gone) == ((), (entry,))
    mended = asked(state, ()).hear(tipt(), None)
    assert [firing.rule_id for firing in mended.changes.withdrawn] == ["VIOLENCE_VICTIM"]
    assert state_after(asked(state, ()), mended, tipt(), (), START).gone == ()


async def test_the_clock_asks_again_and_writes_only_once_a_day() -> None:
    play = House(rules=faulty(tipt(), "VIOLENCE_VICTIM"))
    await play.keep_time()
    await play.give(violence())
    before = await play.state()
    await play.until(START + TRY_EVERY)
    after = await play.state()
    assert after.unjudged == before.unjudged
    await play.until(START + DAY)
    (record,) = (await play.state()).unjudged
    assert record.seen_at > before.unjudged[0].seen_at


def test_a_state_written_before_is_read_and_one_with_records_comes_back() -> None:
    entry = PersonState(MemberId("M1"), 3)
    old = codec.encode(entry).replace(b',"unjudged":[],"gone":[]', b"")
    assert b"unjudged" not in old
    assert codec.decode_person(old) == entry
    record = Unjudged(tipt().rules[0].rule_id, 1, "KeyError at x.py:1", START, START, ("a|b||self",), ())
    kept = replace(entry, unjudged=(record,))
    assert codec.decode_person(codec.encode(kept)) == kept
