"""A backtest is the live run again: same firings, ids, times and withdrawals, and the same alerts of them."""

import asyncio
from dataclasses import replace

from hypothesis import given, settings

from alerts.model import AlertState
from domain.ids import MemberId
from streams.archive import FiringStep
from streams.decide import A_MOMENT
from tests.trials import trials
from tests.unit.service.archived import POLICY, archive_of, by_person, lives, told_live
from tests.unit.streams.lives import COHORT, Chapter, chapters, told
from tests.unit.streams.play import Play, hours, member, tipt
from tests.unit.streams.test_passing import assault, faulty, violence


async def _played(life: list[Chapter], more: list[Chapter]) -> Play:
    play = Play(COHORT)
    events = told([*life, *more])
    for each in [*events, *events[::3]]:  # some of them are said twice
        await play.give_in_time(each)
    await play.keep_time()
    return play


@settings(max_examples=trials(200), deadline=None)
@given(chapters(), chapters())
def test_a_backtest_with_the_live_rules_says_what_was_said_live(life: list[Chapter], more: list[Chapter]) -> None:
    play = asyncio.run(_played(life, more))
    records = archive_of(play)
    again = lives(records, tipt(), replace(POLICY, until=play.clock.now() + A_MOMENT))
    for name, own in by_person(records).items():
        live = told_live(own)
        assert {each: seen.state.value for each, seen in again[name].firings.items()} == live
        came = [each for one in own for each in one.firings if each.step in (FiringStep.FIRED, FiringStep.MOVED_TO)]
        times = {each.firing_id: (each.fired_at, each.late, each.priority) for each in came}
        for firing_id, seen in again[name].firings.items():
            firing = seen.firing
            assert times[firing_id] == (firing.fired_at, firing.late, firing.priority.value)
        alerts = {each.alert_id: each for each in asyncio.run(play.alerts(name))}
        assert {
            each.alert_id: {firing.firing_id for firing in each.live}
            for each in again[name].alerts.values()
            if each.state is not AlertState.MERGED
        } == {
            each.alert_id: {firing.firing_id for firing in each.live}
            for each in alerts.values()
            if each.state is not AlertState.MERGED
        }


def test_a_rule_that_cannot_be_judged_for_a_person_is_left_out_and_named_and_the_others_are_counted() -> None:
    play = Play([member("M1")])
    asyncio.run(play.give(violence(), assault(at=hours(1))))
    records = archive_of(play)
    whole = lives(records, tipt())[MemberId("M1")]
    told = {seen.firing.rule_id for seen in whole.firings.values()}
    assert told >= {"VIOLENCE_VICTIM", "ED_WEAPON_ASSAULT"}
    assert whole.unjudged == ()
    life = lives(records, faulty(tipt(), "VIOLENCE_VICTIM"))[MemberId("M1")]
    assert {seen.firing.rule_id for seen in life.firings.values()} == told - {"VIOLENCE_VICTIM"}
    assert [fault.rule_id for fault in life.unjudged] == ["VIOLENCE_VICTIM"]
