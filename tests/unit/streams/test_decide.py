"""Stories through both hops: what is alerted, corrected, held and kept quiet, and in which word each event ends."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest

from alerts.model import AlertState, Delivery, Purpose
from domain.attributes import Grade, Handling
from domain.events import Event
from domain.ids import HouseholdId, MemberId, NavigatorId, shard_of
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus, WatchAuthority
from streams.bequeathing import handed_over
from streams.decide import A_CHILDHOOD, DecidePolicy
from streams.embedded import Observers
from streams.messages import Heir, Matched, PersonState
from streams.ports import Commit
from tests.unit.streams.play import SECRET, START, Play, ed, event, hours, member, minutes, navigator, tipt
from triggers.history import entry_of
from triggers.rules import RuleSet

DAY = START.date()
STABBED = {"intent": "assault", "mechanism": "sharp"}


def watched(name: str = "M1", **authority: date) -> CohortMember:
    """A member with these dates of authority."""
    return member(name, watch=WatchAuthority(**authority))


async def played(*members: CohortMember, **fields: object) -> Play:
    return await Play(members or (member("M1"),), **fields).prepare()  # type: ignore[arg-type]


async def purposes(play: Play, who: str = "M1") -> list[Purpose]:
    """Why each message about somebody was or will be sent."""
    return sorted([row.purpose for alert in await play.alerts(who) for row in await play.rows(alert)])


async def hand_over_all(play: Play) -> None:
    """A provider takes every message that waits."""
    for alert in await play.alerts():
        for row in await play.rows(alert):
            taken = await play.twin.alerts.claim(  # type: ignore[attr-defined]
                play.clock.now() + timedelta(days=7), channel=row.channel, limit=1, lease=timedelta(0)
            )
            for each in taken:
                handed: Delivery = replace(each, status="accepted")
                await play.twin.alerts.record(handed, each.fence)  # type: ignore[attr-defined]


class TestHowEventsEnd:
    """One word per event: the ledger's, the metric's and the auditor's."""

    @pytest.mark.parametrize(
        ("who", "told", "ending", "reason"),
        [
            (member("M1"), ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED), "alert", "it fired"),
            (member("M1"), ed(Kind.ED_ARRIVAL, "M1", visit="V"), "no_rule", "nothing of interest"),
            (member("M1"), ed(Kind.ED_ARRIVAL, visit="V", **STABBED), "no_match", "nobody named"),
            (
                member("M1"),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", live=False, **STABBED),
                "suppressed:test_message",
                "MSH-11 is not P",
            ),
            (
                watched(starts=DAY + timedelta(days=1)),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
                "suppressed:watch_not_started",
                "recorded, but tells nobody",
            ),
            (
                watched(ends=DAY - timedelta(days=1)),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
                "suppressed:watch_ended",
                "the authority has ended",
            ),
            (
                watched(review_on=DAY - timedelta(days=1)),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
                "suppressed:review_overdue",
                "nobody has reviewed it",
            ),
            (
                member("M1", allowed_feeds=(Feed.POLICE,)),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
                "suppressed:feed_not_allowed",
                "no hospital for this one",
            ),
            (
                member("M1", status=MemberStatus.CLOSED),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED),
                "suppressed:not_watched",
                "the case is closed",
            ),
            (
                member("M1"),
                ed(Kind.ED_ARRIVAL, "M1", visit="V", received=hours(49), **STABBED),
                "suppressed:too_late",
                "more than 48 h late",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    async def test_an_event_ends_in_one_word(self, who: CohortMember, told: Event, ending: str, reason: str) -> None:
        play = await played(who)
        await play.give(told)
        assert await play.ended(told) == ending
        assert bool(await play.alerts()) is (ending == "alert")

    @pytest.mark.parametrize(
        ("who", "kept"),
        [
            (watched(starts=DAY + timedelta(days=1)), True),
            (watched(review_on=DAY - timedelta(days=1)), True),
            (watched(ends=DAY - timedelta(days=1)), False),
            (member("M1", allowed_feeds=(Feed.POLICE,)), False),
            (member("M1", status=MemberStatus.DECEASED), False),
        ],
        ids=["not begun", "review overdue", "ended", "feed not allowed", "deceased"],
    )
    async def test_what_may_not_be_kept_is_not_kept(self, who: CohortMember, kept: bool) -> None:
        play = await played(who)
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED), ed(Kind.ED_UPDATED, visit="V", at=hours(1)))
        person = await play.twin.transport.person(MemberId("M1"))
        assert bool(person.history) is kept

    async def test_the_ending_of_an_event_about_several_people_is_the_most_telling(self) -> None:
        play = await played(member("M1"), member("M2", status=MemberStatus.CLOSED))
        told = event(Kind.CRIME_RECORDED, ("M2", Role.VICTIM), ("M1", Role.VICTIM), attributes={"ho_code": "5D"})
        await play.give(told)
        assert await play.ended(told) == "alert"

    async def test_somebody_removed_while_the_event_was_on_its_way_is_not_watched(self) -> None:
        play = await played()
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
        await play.accept(told)
        await play.recogniser.run_once(timedelta(0))
        play.change(without=["M1"])
        await play.run()
        assert await play.ended(told) == "suppressed:not_watched"

    async def test_a_crisis_that_nobody_may_be_told_of_is_kept_and_the_supervisor_hears_that_somebody_must_be_found(
        self,
    ) -> None:
        play = await played(navigators=[navigator("N1"), navigator("S1", supervisor=True)])
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V", intent="self_harm")
        await play.give(told)
        assert await play.ended(told) == "suppressed:no_health_approved_contact"
        (alert,) = await play.alerts()
        assert {(row.recipient_id, row.purpose) for row in await play.rows(alert)} == {
            ("S1", Purpose.SUPERVISOR_NOTICE)
        }


class TestHarmToSomebodyClose:
    async def test_household_and_friends_are_told_and_each_navigator_of_their_own(self) -> None:
        play = await played(
            member("M1", household_id=HouseholdId("H1")),
            member("M2", household_id=HouseholdId("H1")),
            member("M3", associates=(MemberId("M1"),), navigator_id=NavigatorId("N2")),
            navigators=[navigator("N1"), navigator("N2")],
        )
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        live = await play.live()
        assert ("M1", "ED_WEAPON_ASSAULT") in live
        assert ("M3", "ASSOCIATE_HARMED") in live
        (alert,) = await play.alerts("M3")
        assert {row.recipient_id for row in await play.rows(alert)} == {"N2"}

    async def test_abuse_at_home_reaches_the_household_without_a_name_and_its_retraction_too(self) -> None:
        play = await played(
            member("M1", household_id=HouseholdId("H1")), member("M2", household_id=HouseholdId("H1")), member("M3")
        )
        told = event(Kind.DA_INCIDENT, key="D1", attributes={"household_key": "H1"})
        await play.give(told)
        assert await play.live() == [("M1", "DA_IN_HOUSEHOLD"), ("M2", "DA_IN_HOUSEHOLD")]
        await play.give(event(Kind.RECORD_RETRACTED, key="X", at=hours(1), retracts=told.event_id))
        assert await play.live() == []

    async def test_two_members_in_one_record_are_each_told_of_in_their_own_role(self) -> None:
        play = await played(member("M1"), member("M2"))
        await play.give(
            event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), ("M2", Role.SUSPECT), attributes={"ho_code": "5D"})
        )
        assert await play.live() == [("M1", "VIOLENCE_VICTIM"), ("M2", "VIOLENT_SUSPECT")]


class TestCorrections:
    async def test_a_visit_cancelled_by_its_number_alone_withdraws_the_alert(self) -> None:
        play = await played()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        cancelled = ed(Kind.ED_CANCELLED, visit="V", at=hours(1))
        await play.give(cancelled)
        assert await play.ended(cancelled) == "withdrawn"
        (alert,) = await play.alerts()
        assert (alert.state, alert.live) == (AlertState.WITHDRAWN, ())

    async def test_what_was_taken_away_and_comes_again_is_told_anew_at_its_coming_back(self) -> None:
        play = await played()
        suspect = ("M1", Role.SUSPECT)
        kinds = (Kind.CRIME_RECORDED, Kind.CRIME_UPDATED, Kind.CRIME_UPDATED)
        for day, (kind, code) in enumerate(zip(kinds, ("8N", "105A", "8N"), strict=True)):
            await play.give(
                event(kind, suspect, at=hours(24 * day), key="K", version=code, attributes={"ho_code": code})
            )
            if code == "105A":
                assert await play.live() == []
        first, again = await play.alerts()
        assert (first.state, again.state) == (AlertState.WITHDRAWN, AlertState.RAISED)
        assert [firing.fired_at for firing in again.live] == [START + hours(48)]
        assert {row.purpose for row in await play.rows(again)} == {Purpose.ALERT}

    async def test_a_cancellation_that_comes_first_lets_nothing_be_raised(self) -> None:
        play = await played()
        early, told = ed(Kind.ED_CANCELLED, visit="V", at=hours(1)), ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
        await play.give(early)
        assert await play.ended(early) == "no_match"
        await play.give(told)
        assert await play.live() == []
        assert await play.ended(early) == "withdrawn", "it reached somebody after all"

    async def test_a_crime_cancelled_is_taken_back_from_everybody_it_had_reached(self) -> None:
        play = await played(member("M1"), member("M2", associates=(MemberId("M1"),)))
        said = {"ho_code": "5D", "weapon": "knife"}
        await play.give(event(Kind.CRIME_RECORDED, ("M1", Role.VICTIM), key="R1", attributes=said))
        assert await play.live() == [("M1", "VIOLENCE_VICTIM"), ("M2", "ASSOCIATE_HARMED")]
        await play.give(event(Kind.CRIME_CANCELLED, key="R1", at=hours(5)))
        assert await play.live() == []

    async def test_whoever_was_told_is_told_of_the_correction(self) -> None:
        play = await played()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        await hand_over_all(play)
        await play.give(ed(Kind.ED_CANCELLED, visit="V", at=hours(1)))
        assert await purposes(play) == [Purpose.ALERT, Purpose.ALERT, Purpose.WITHDRAWAL, Purpose.WITHDRAWAL]

    async def test_a_correction_after_the_watch_ended_still_corrects(self) -> None:
        play = await played(watched(ends=DAY))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        await play.give(ed(Kind.ED_CANCELLED, "M1", visit="V", at=hours(48)))
        assert await play.live() == []

    async def test_what_was_merged_away_and_taken_back_is_told_when_it_stands_again(self) -> None:
        """Something between two alerts joins them; then the younger one's ground goes, and comes back."""
        play = await played()
        younger = ed(Kind.ED_ARRIVAL, "M1", visit="B", at=minutes(50), **STABBED)
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="A", **STABBED))
        await play.give(younger)
        await play.give(event(Kind.CUSTODY_ARRIVED, "M1", at=minutes(25), attributes={"custody_id": "C"}))
        assert [alert.state for alert in await play.alerts() if alert.merged_into] == [AlertState.MERGED]
        before = await play.live()
        back = event(Kind.RECORD_RETRACTED, key="X", at=minutes(55), feed=Feed.ED, retracts=younger.event_id)
        await play.give(back)
        assert len(await play.live()) < len(before)
        await play.give(event(Kind.RECORD_RETRACTED, key="Y", at=minutes(60), feed=Feed.ED, retracts=back.event_id))
        assert await play.live() == before

    async def test_a_watch_for_years_takes_nothing_back_when_it_forgets(self) -> None:
        play = await played()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        years = A_CHILDHOOD + timedelta(days=1)
        later = event(Kind.CUSTODY_ARRIVED, "M1", at=years, attributes={"custody_id": "C"})
        await play.give(later, ed(Kind.ED_ARRIVAL, "M1", visit="W", at=years, **STABBED))
        assert [rule for _, rule in await play.live()].count("ED_WEAPON_ASSAULT") == 2
        assert all(alert.state is AlertState.RAISED for alert in await play.alerts())
        person = await play.twin.transport.person(MemberId("M1"))
        assert {entry.occurred_at for entry in person.history} == {START + years}


class TestWhoseVisitItWas:
    async def test_another_member_after_all_the_first_is_corrected_and_the_second_told_once(self) -> None:
        play = await played(
            member("M1"),
            member("M2"),
            member("M3", associates=(MemberId("M1"),)),
            member("M4", associates=(MemberId("M2"),)),
        )
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        assert await play.live() == [("M1", "ED_WEAPON_ASSAULT"), ("M3", "ASSOCIATE_HARMED")]
        moved = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
        await play.give(moved)
        assert await play.live() == [("M2", "ED_WEAPON_ASSAULT"), ("M4", "ASSOCIATE_HARMED")]
        assert await play.ended(moved) == "alert"
        await play.give(ed(Kind.ED_DEPARTED, "M2", visit="V", at=hours(3)))
        assert len(await play.alerts("M2")) == 1

    async def test_the_last_word_in_event_time_decides_whose_it_is_whatever_came_last(self) -> None:
        first = ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED)
        mistaken = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
        back = ed(Kind.ED_DEPARTED, "M1", visit="V", at=hours(2))
        for order in permutations((first, mistaken, back)):
            play = await played(member("M1"), member("M2"))
            for each in order:
                await play.give(each)
            assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")], [each.kind.value for each in order]

    async def test_what_is_said_after_the_change_of_patient_is_not_handed_on_with_it(self) -> None:
        mistaken = ed(Kind.ED_UPDATED, "M2", visit="V", at=hours(1))
        history = tuple(
            entry_of(each, subject="M1", relation=Relation.SELF, role=Role.PATIENT)
            for each in (ed(Kind.ED_ARRIVAL, visit="V"), ed(Kind.ED_DEPARTED, visit="V", at=hours(2)))
        )
        lost = Matched(
            event=mistaken,
            listener=MemberId("M1"),
            subject="M1",
            relation=Relation.LOST,
            role=None,
            heirs=(Heir(MemberId("M2"), MemberId("M2"), Relation.SELF),),
        )
        (handed,) = handed_over(lost, PersonState(MemberId("M1"), 1, history))
        assert [(entry.kind, entry.subject) for entry in handed.extra] == [(Kind.ED_ARRIVAL, "M2")]
        assert handed_over(lost, PersonState(MemberId("M1"), 1, history[1:])) == ()

    async def test_an_unknown_patient_asks_a_human_and_takes_nothing_away(self) -> None:
        play = await played()
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", **STABBED))
        unknown = ed(Kind.ED_UPDATED, "nobody we know", visit="V", at=hours(1))
        await play.give(unknown)
        assert await play.live() == [("M1", "ED_WEAPON_ASSAULT")]
        assert await play.ended(unknown) == "review"
        (review,) = await play.twin.desk.reviews(10)
        assert review.why == "identity_changed"

    async def test_two_records_of_one_patient_the_visits_move_with_all_that_was_said(self) -> None:
        play = await played(member("M1"), member("M2"))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", patient_key="P2", intent="assault"))
        await play.give(ed(Kind.ED_UPDATED, visit="V", at=minutes(30), mechanism="sharp"))
        (first,) = await play.alerts("M1")
        a40 = ed(Kind.ED_MERGED, "M2", visit="", key="A40", at=hours(2), patient_key="P1", merged_patient_key="P2")
        await play.give(a40)
        assert [rule for _, rule in await play.live("M2")] == ["ED_ASSAULT", "ED_WEAPON_ASSAULT"]
        assert await play.live("M1") == []
        (corrected,) = await play.alerts("M1")
        assert (corrected.alert_id, corrected.state) == (first.alert_id, AlertState.WITHDRAWN)
        assert len(await play.alerts("M2")) == 1
        await play.give(a40)
        assert len(await play.alerts("M2")) == 1

    async def test_a_visit_under_the_old_number_after_the_merge_is_heard_by_the_survivors_navigator(self) -> None:
        play = await played(member("M1"), member("M2"))
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="V", patient_key="P2"))
        await play.give(
            ed(Kind.ED_MERGED, "M2", visit="", key="A40", at=hours(2), patient_key="P1", merged_patient_key="P2")
        )
        await play.give(ed(Kind.ED_ARRIVAL, "M1", visit="W", at=hours(4), patient_key="P2", **STABBED))
        assert await play.live() == [("M2", "ED_WEAPON_ASSAULT")]
        await play.give(ed(Kind.ED_CANCELLED, visit="W", at=hours(5)))
        assert await play.live() == []


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


class TestGatekeeper:
    REPORT = {
        "grade": Grade(1, "A", Handling.C),
        "origin_unit": "U1",
        "themes": ("threat_to_life",),
    }

    async def held(self) -> tuple[Play, Event]:
        play = await played(navigators=[navigator("N1"), navigator("G1", gatekeeper=True)])
        told = event(Kind.INTEL_SUBMITTED, "M1", key="I1", attributes=self.REPORT)
        await play.give(told)
        return play, told

    async def test_held_intelligence_tells_the_gatekeeper_that_something_waits_and_nobody_else(self) -> None:
        play, told = await self.held()
        assert await play.ended(told) == "suppressed:held_for_gatekeeper"
        assert await play.alerts() == []
        (item,) = await play.twin.desk.held(10)
        assert (item.member_id, item.rules, item.event_id) == ("M1", ("INTEL_THREAT",), told.event_id)
        waiting = [
            row
            for row in play.twin.server.alerts._rows.values()  # type: ignore[union-attr]
            if row.shard == shard_of("M1")
        ]
        assert {(row.recipient_id, row.purpose, row.alert_id) for row in waiting} == {("G1", Purpose.GATEKEEPER, "")}

    @pytest.mark.parametrize(
        ("kind", "attributes"),
        [(Kind.INTEL_SANITISED, {}), (Kind.INTEL_REGRADED, {"grade": Grade(1, "A", Handling.P)})],
        ids=["sanitised", "regraded"],
    )
    async def test_released_it_fires_at_the_time_of_release(self, kind: Kind, attributes: dict[str, object]) -> None:
        play, _ = await self.held()
        release = event(kind, key="I1", at=hours(9), attributes=attributes)
        await play.give(release)
        (firing,) = await play.standing()
        assert (firing.rule_id, firing.fired_at) == ("INTEL_THREAT", START + hours(9))
        assert await play.ended(release) == "alert"

    async def test_withdrawn_it_never_fires(self) -> None:
        play, _ = await self.held()
        await play.give(event(Kind.INTEL_WITHDRAWN, key="I1", at=hours(1)))
        await play.give(event(Kind.INTEL_SANITISED, key="I1", at=hours(2)))
        assert await play.live() == []

    async def test_what_the_originator_keeps_for_himself_is_no_news_even_for_the_gatekeeper(self) -> None:
        play = await played(navigators=[navigator("G1", gatekeeper=True)])
        told = event(
            Kind.INTEL_SUBMITTED, "M1", key="I1", attributes=self.REPORT | {"grade": Grade(1, "A", Handling.BLOCK)}
        )
        await play.give(told)
        assert await play.ended(told) == "suppressed:blocked_by_originator"
        assert await play.twin.desk.held(10) == []


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
