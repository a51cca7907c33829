"""What a snooze or a passed moment takes out of a decision, with what record; and that nothing stays quiet after it."""

from dataclasses import replace
from datetime import date, timedelta

from alerts.held_back import HeldBack, HeldState, HeldWhy
from alerts.lifecycle import record_outcome
from alerts.model import Outcome
from alerts.snooze import NO_SNOOZES, Maker, Snooze, Snoozes, confirmed, lifted, snoozed
from domain.events import Event
from domain.ids import EventId, MemberId, NavigatorId, RuleId
from domain.kinds import Kind, Role
from domain.people import WatchAuthority
from domain.triggers import Cap, Priority
from service.rulebook import without
from streams.messages import Disposition
from streams.sifting import sift
from tests.unit.alerts.build import START, at, firing
from tests.unit.streams.play import Play, ed, event, hours, member, navigator, tipt
from triggers.changes import Changes
from triggers.rules import RuleSet

BY = Maker("S1", "supervisor")
OTHER = Maker("S2", "supervisor")
ASSAULT = {"intent": "assault", "mechanism": "body_part"}
STABBED = {"intent": "assault", "mechanism": "sharp"}


def snooze(rule: str = "ED_ASSAULT", *, minutes: float = 24 * 60, asks_p1: bool = False) -> Snooze:
    return snoozed(
        RuleId(rule), MemberId("M1"), ends_at=at(minutes), reason="in hospital", by=BY, asks_p1=asks_p1, now=START
    )


def quiet(*snoozes: Snooze) -> Snoozes:
    return Snoozes.of(snoozes or [snooze()])


def with_victims(**then: object) -> RuleSet:
    """The shipped rules with another consequence of VIOLENCE_VICTIM."""
    rules = [
        replace(rule, then=replace(rule.then, **then)) if rule.rule_id == "VIOLENCE_VICTIM" else rule  # type: ignore[arg-type]
        for rule in tipt().rules
    ]
    return replace(tipt(), rules=tuple(rules))


def record(name: str = "a", why: HeldWhy = HeldWhy.SNOOZED, **fields: object) -> HeldBack:
    return HeldBack(firing(name, **fields), why, at(0), "s1")  # type: ignore[arg-type]


def test_a_firing_under_a_snooze_is_recorded_and_not_told() -> None:
    found = sift(Changes(fired=(firing("a"), firing("b", rule="OTHER"))), (), quiet(), at(1))
    assert found.changes.fired == (firing("b", rule="OTHER"),)
    assert found.records == (HeldBack(firing("a"), HeldWhy.SNOOZED, at(1), snooze().snooze_id),)


def test_a_p1_goes_through() -> None:
    urgent = firing("a", priority=Priority.P1)
    assert sift(Changes(fired=(urgent,)), (), quiet(), at(1)).changes.fired == (urgent,)
    agreed = quiet(confirmed(snooze(asks_p1=True), OTHER, at(0)))
    assert sift(Changes(fired=(urgent,)), (), agreed, at(1)).changes.fired == ()


def test_what_was_told_before_is_still_corrected() -> None:
    told = Changes(withdrawn=(firing("a"),), moved=((firing("b"), firing("c")),))
    assert sift(told, (), quiet(), at(1)).changes == told


def test_a_held_firing_that_loses_its_ground_is_noted_so() -> None:
    found = sift(Changes(withdrawn=(firing("a"),)), (record(),), NO_SNOOZES, at(9))
    assert found.records == (record().become(HeldState.WITHDRAWN, at(9)),)


def test_a_held_firing_that_moves_stays_held_even_after_the_snooze() -> None:
    both = (EventId("e-a"), EventId("e-b"))
    found = sift(Changes(moved=((firing("a"), firing("b", contributing=both)),)), (record(),), NO_SNOOZES, at(9))
    assert found.changes.fired == () and found.changes.moved == ()
    assert [(one.trigger.firing_id, one.state) for one in found.records] == [
        ("f-a", HeldState.WITHDRAWN),
        ("f-b", HeldState.HELD),
    ]


def test_what_else_takes_the_place_of_a_held_firing_after_the_snooze_is_told() -> None:
    changes = Changes(moved=((firing("a"), firing("b")),))
    assert sift(changes, (record(),), NO_SNOOZES, at(9)).changes.fired == (firing("b"),)
    assert sift(changes, (record(),), quiet(), at(9)).changes.fired == ()


def test_a_held_firing_that_becomes_more_urgent_is_judged_anew() -> None:
    worse = firing("a", priority=Priority.P1)
    found = sift(Changes(moved=((firing("a"), worse),)), (record(),), quiet(), at(9))
    assert found.changes.fired == (worse,)


def test_what_has_lost_its_meaning_when_we_learn_of_it_is_recorded() -> None:
    stale = firing("a", expires_after=timedelta(minutes=30))
    assert sift(Changes(fired=(stale,)), (), NO_SNOOZES, at(29)).changes.fired == (stale,)
    found = sift(Changes(fired=(stale,)), (), NO_SNOOZES, at(30))
    assert found.changes.fired == () and [one.why for one in found.records] == [HeldWhy.EXPIRED]


class TestInTheFlow:
    """Both hops with a snooze in the world."""

    async def play(self, *snoozes: Snooze) -> Play:
        play = Play([member("M1")], navigators=[navigator()])
        play.world = replace(play.world, snoozes=quiet(*snoozes))
        return await play.prepare()

    async def held(self, play: Play) -> list[tuple[str, str]]:
        assert play.twin.server is not None
        return sorted((one.trigger.rule_id, one.state.value) for one in play.twin.server.held_back.values())

    async def test_it_ends_as_suppressed_with_a_record_and_no_alert(self) -> None:
        play = await self.play()
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **ASSAULT)
        await play.give(told)
        assert await play.ended(told) == str(Disposition.parse("suppressed:snoozed"))
        assert await play.alerts() == []
        assert await self.held(play) == [("ED_ASSAULT", "held")]

    async def test_another_rule_and_a_p1_still_alert(self) -> None:
        play = await self.play()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        assert ("M1", "ED_WEAPON_ASSAULT") in await play.live()

    async def test_a_repeated_event_makes_no_second_record(self) -> None:
        play = await self.play()
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **ASSAULT)
        await play.give(told, told)
        await play.give(ed(Kind.ED_UPDATED, "M1", visit="V", at=hours(1), **ASSAULT))
        assert await self.held(play) == [("ED_ASSAULT", "held")]

    def hurt(self, key: str, at: timedelta) -> Event:
        """A crime with M1 as its victim: at most one alert in 24 hours, whichever crime it is."""
        return event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), at=at, key=key, attributes={"ho_code": "105A"})

    async def test_after_its_end_a_held_firing_quiets_nobody(self) -> None:
        """The second crime would only be cooled by the first, which nobody was told of: so the first is told now."""
        play = await self.play(snooze("VIOLENCE_VICTIM", minutes=60))
        await play.give(self.hurt("C1", hours(0)))
        assert (await play.alerts(), await self.held(play)) == ([], [("VIOLENCE_VICTIM", "held")])
        await play.give(self.hurt("C2", hours(3)))
        assert await play.live() == [("M1", "VIOLENCE_VICTIM")]
        assert await self.held(play) == [("VIOLENCE_VICTIM", "told")]
        await play.give(self.hurt("C3", hours(4)))
        assert len(await play.alerts()) == 1  # from now on it cools as usual

    async def test_an_earlier_thing_heard_of_after_the_end_is_told(self) -> None:
        """It takes the place of the held one, which stood for something else: nobody was told of either."""
        play = await self.play(snooze("VIOLENCE_VICTIM", minutes=120))
        await play.give(self.hurt("C1", hours(1)))
        await play.give(replace(self.hurt("C2", hours(0.5)), received_at=START + hours(5)))
        assert await play.live() == [("M1", "VIOLENCE_VICTIM")]

    async def test_what_came_when_its_moment_had_passed_quiets_nobody(self) -> None:
        play = await Play([member("M1")], rules=with_victims(expires_after=hours(6))).prepare()
        first, second = replace(self.hurt("C1", hours(0)), received_at=START + hours(7)), self.hurt("C2", hours(8))
        await play.give(first)
        await play.give(second)
        assert [await play.ended(one) for one in (first, second)] == ["suppressed:expired", "alert"]

    async def test_what_a_rule_switched_off_did_not_tell_quiets_nobody_afterwards(self) -> None:
        """By the rules as they are again the first crime fired, and nobody was told: the second brings it out."""
        play = await Play([member("M1")], rules=without(tipt(), frozenset({"VIOLENCE_VICTIM"}))).prepare()
        await play.give(self.hurt("C1", hours(0)))
        play.use(rules=tipt(), rules_mark="rules@2")
        assert await play.live() == []  # it stays past by itself
        await play.give(self.hurt("C2", hours(3)))
        assert [(one.rule_id, one.late, one.rule_set) for one in await play.standing()] == [
            ("VIOLENCE_VICTIM", True, "rules@2")
        ]
        await play.give(self.hurt("C3", hours(4)))
        assert len(await play.standing()) == 1  # from now on it cools as usual

    async def test_what_a_watch_kept_quiet_before_it_began_quiets_nobody_afterwards(self) -> None:
        early = member("M1", watch=WatchAuthority(starts=date(2026, 3, 3)))
        play = await Play([early]).prepare()
        first, second = self.hurt("C1", hours(0)), self.hurt("C2", hours(3))
        await play.give(first)
        play.change(replace(early, watch=replace(early.watch, starts=date(2026, 1, 1))))
        await play.give(second)
        assert [await play.ended(one) for one in (first, second)] == ["suppressed:watch_not_started", "alert"]

    async def test_what_nobody_was_told_of_waits_for_a_snooze_too(self) -> None:
        play = await Play([member("M1")], rules=without(tipt(), frozenset({"VIOLENCE_VICTIM"}))).prepare()
        await play.give(self.hurt("C1", hours(0)))
        play.use(rules=tipt(), rules_mark="rules@2", snoozes=quiet(snooze("VIOLENCE_VICTIM", minutes=240)))
        await play.give(self.hurt("C2", hours(3)))
        assert (await play.live(), await self.held(play)) == ([], [("VIOLENCE_VICTIM", "held")])
        await play.give(self.hurt("C3", hours(5)))
        assert await play.live() == [("M1", "VIOLENCE_VICTIM")]

    async def test_what_comes_too_late_brings_nothing_out(self) -> None:
        """Later than its rule's tolerance it would not have fired by itself either."""
        play = await Play([member("M1")], rules=without(tipt(), frozenset({"VIOLENCE_VICTIM"}))).prepare()
        await play.give(self.hurt("C1", hours(0)))
        play.use(rules=tipt(), rules_mark="rules@2")
        await play.give(replace(self.hurt("C2", hours(3)), received_at=START + hours(52)))
        assert await play.live() == []

    async def test_what_a_cap_held_quiets_nothing_beyond_the_cap(self) -> None:
        play = await Play([member("M1")], rules=with_victims(cap=Cap(1, timedelta(days=7)))).prepare()
        await play.give(self.hurt("C1", hours(0)))
        (alert,) = await play.alerts()
        await play.twin.alerts.save(record_outcome(alert, Outcome.SPOKE, NavigatorId("N1"), play.clock.now()), alert)
        crimes = [self.hurt(f"C{place}", hours(7 * 24 + at)) for place, at in enumerate((-2, -1, 1, 2), start=2)]
        for crime in crimes:
            await play.give(crime)
        ends = ["suppressed:cap", "suppressed:cooling", "alert", "suppressed:cooling"]
        assert [await play.ended(crime) for crime in crimes] == ends
        assert await self.held(play) == [("VIOLENCE_VICTIM", "told")]
        assert len(await play.alerts()) == 2

    async def test_while_it_lasts_a_held_firing_is_not_told(self) -> None:
        play = await self.play(snooze("VIOLENCE_VICTIM", minutes=600))
        await play.give(self.hurt("C1", hours(0)), self.hurt("C2", hours(3)))
        assert (await play.alerts(), await self.held(play)) == ([], [("VIOLENCE_VICTIM", "held")])

    async def test_a_told_firing_that_was_held_is_withdrawn_like_any_other(self) -> None:
        play = await self.play(snooze("VIOLENCE_VICTIM", minutes=60))
        await play.give(self.hurt("C1", hours(0)))
        await play.give(self.hurt("C2", hours(3)))
        for key in ("C1", "C2"):
            await play.give(event(Kind.CRIME_CANCELLED, "M1", at=hours(4), key=key))
        assert await play.live() == []

    async def test_lifted_it_speaks_at_once(self) -> None:
        play = await self.play(lifted(snooze(), BY, "home", at(30)))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", at=hours(1), **ASSAULT))
        assert await play.live() == [("M1", "ED_ASSAULT")]

    async def test_whatever_is_snoozed_every_firing_is_told_or_recorded(self) -> None:
        """Nothing vanishes: the same life with and without snoozes has the same firings, told or held."""
        life = [
            ed(Kind.ED_ARRIVAL, "M1", visit=f"V{number}", at=hours(30 * number), **(ASSAULT if number % 3 else STABBED))
            for number in range(8)
        ]
        plain = Play([member("M1")])
        silenced = await self.play(snooze(minutes=90 * 60), snooze("ED_REPEAT_ASSAULT", minutes=150 * 60))
        for one in life:
            await plain.give(one)
            await silenced.give(one)
        assert silenced.twin.server is not None
        recorded = silenced.twin.server.held_back.values()
        both = {(each.member_id, each.rule_id, each.firing_id) for each in await silenced.standing()} | {
            (one.member_id, one.trigger.rule_id, one.trigger.firing_id) for one in recorded
        }
        assert both == {(each.member_id, each.rule_id, each.firing_id) for each in await plain.standing()}

    async def test_a_capped_firing_joins_the_open_alert_and_with_none_open_ends_so_with_a_record(self) -> None:
        rules = tipt()
        capped = replace(
            rules,
            rules=tuple(
                replace(rule, then=replace(rule.then, cap=Cap(1, timedelta(days=7))))
                if rule.rule_id == "ED_ASSAULT"
                else rule
                for rule in rules.rules
                if rule.rule_id in {"ED_ASSAULT", "ED_WEAPON_ASSAULT"}
            ),
        )
        play = await Play([member("M1")], rules=capped).prepare()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **ASSAULT))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="W", at=hours(30), **ASSAULT))
        (alert,) = await play.alerts()
        assert len(alert.live) == 2 and len(await play.rows(alert)) == 2  # one round: the second visit joined quietly
        closed = record_outcome(alert, Outcome.SPOKE, NavigatorId("N1"), play.clock.now())
        await play.twin.alerts.save(closed, alert)
        third = ed(Kind.ED_ARRIVAL, "M1", visit="X", at=hours(60), **ASSAULT)
        await play.give(third)
        assert await play.ended(third) == "suppressed:cap"
        assert await self.held(play) == [("ED_ASSAULT", "held")]
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="Y", at=hours(7 * 24 + 31), **ASSAULT))
        assert len(await play.alerts()) == 2
