"""Decisions made again, with other rules or after a fault of ours: nobody is alerted twice and no neighbour is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.kinds import Kind
from streams.decide import DecidePolicy
from streams.embedded import Observers
from streams.ports import Commit
from tests.unit.streams.deciding import STABBED, played
from tests.unit.streams.play import SECRET, ed, event, hours, tipt
from triggers.rules import RuleSet


class TestRepeats:
    async def test_a_decision_whose_settling_was_lost_says_the_same_and_alerts_nobody_again(self) -> None:
        play = await played()
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
        await play.accept(told)
        await play.recogniser.run_once(timedelta(0))
        (entry,) = await play.twin.decisions.read_matched(10, timedelta(0))
        play.twin.decisions.rewind()
        disposition = await play.decider._decide(entry)
        before = await play.alerts()
        await play.run()
        assert await play.twin.transport.disposition(told.event_id) == disposition
        assert await play.alerts() == before
        assert [alert.version for alert in before] == [1]

    async def test_rules_that_change_make_no_old_event_fire_and_take_none_back(self) -> None:
        all_rules = tipt()
        play = await played(rules=_without(all_rules, "ED_WEAPON_ASSAULT", "ED_ASSAULT"))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        assert await play.live() == []
        play.use(rules=all_rules)
        await play.give(ed(Kind.ED_UPDATED, "M1", visit="V", at=hours(1), acuity=2))
        assert await play.live() == []
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="W", at=hours(5), **STABBED))
        assert ("M1", "ED_WEAPON_ASSAULT") in await play.live()
        before = await play.live()
        play.use(rules=_without(all_rules, "ED_WEAPON_ASSAULT"))
        await play.give(event(Kind.VISIT_MADE, "M1", at=hours(6)))
        assert await play.live() == before

    async def test_everything_has_its_reference_from_the_secret_alone(self) -> None:
        plays = [await played(), await played()]
        for play in plays:
            await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        one, same = [(await play.alerts())[0].reference for play in plays]
        assert one == same
        other = await played()
        other.use(policy=DecidePolicy(secret=SECRET + b"!"))
        await other.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        assert (await other.alerts())[0].reference != one


class TestFaultsOfOurs:
    async def test_an_event_that_cannot_be_decided_is_kept_and_its_neighbours_go_on(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import streams.embedded as engine

        decide = engine.decide
        poison, sound = (ed(Kind.ED_ARRIVAL, "M1", visit=visit, **STABBED) for visit in ("bad", "good"))

        def failing(matched: object, *rest: object, **more: object) -> Commit:
            if matched.event.event_id == poison.event_id:  # type: ignore[attr-defined]
                raise KeyError("Family name of somebody")
            return decide(matched, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(engine, "decide", failing)
        play = await played()
        await play.give(poison, sound)
        assert await play.ended(poison) == "quarantined:processing_failed"
        assert await play.ended(sound) == "alert"
        (item,) = await play.twin.desk.quarantined(10)
        assert "Family" not in item.detail
        monkeypatch.setattr(engine, "decide", decide)
        from streams import codec

        assert await play.twin.transport.reopen(codec.decode_matched(item.raw), play.clock.now())
        await play.run()
        assert await play.ended(poison) == "alert"

    async def test_observers_hear_of_each_decision_once(self) -> None:
        heard: list[Commit] = []
        play = await played(observers=Observers(decided=lambda commit, _: heard.append(commit)))
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
        await play.give(told)
        await play.give(told)
        assert [commit.event_id for commit in heard] == [told.event_id]


def _without(rules: RuleSet, *names: str) -> RuleSet:
    return replace(rules, rules=tuple(rule for rule in rules.rules if rule.rule_id not in names))
