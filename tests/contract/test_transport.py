"""What the hops may rely on, whichever store is behind the transport: one suite for the twin and for a real Valkey."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.ids import MemberId, shard_of
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from streams.feeds.outcome import Rejected, RejectReason
from streams.intake import quarantine_item
from streams.messages import (
    Disposition,
    Ending,
    HeldIntel,
    ParkedAmendment,
    PersonState,
    ReviewItem,
    most_telling,
)
from streams.ports import MatchedEntry, Recognised, Taken
from tests.contract.hops import (
    ALERT,
    NO_MATCH,
    NO_RULE,
    Store,
    arrival,
    books,
    change_of,
    commit_of,
    ended,
    matched,
    part,
    parts_of,
    taken,
)
from tests.unit.alerts import build
from tests.unit.streams.play import NO_WAIT, START, Twin, ed, hours
from triggers.history import entry_of


class TestIntake:
    async def test_an_event_is_taken_once_and_known_afterwards(self, twin: Twin) -> None:
        one, other = arrival("V1"), arrival("V2")
        assert await twin.transport.accept([one, other, one], START) == [
            Taken.ACCEPTED,
            Taken.ACCEPTED,
            Taken.DUPLICATE,
        ]
        assert await twin.transport.accept([other], START + hours(1)) == [Taken.DUPLICATE]
        counts = await twin.transport.counts()
        assert (counts.accepted, counts.duplicate, counts.in_flight) == ({"ed": 2}, {"ed": 2}, 2)
        assert counts.last_received == {"ed": START + hours(1)}
        assert [entry.event for entry in await twin.transport.read_events(10, NO_WAIT)] == [one, other]

    async def test_the_same_message_received_again_later_is_a_duplicate(self, twin: Twin) -> None:
        await twin.transport.accept([arrival()], START)
        resent = replace(arrival(), received_at=START + hours(3), recorded_at=START)
        assert await twin.transport.accept([resent], START) == [Taken.DUPLICATE]

    async def test_the_same_id_with_other_content_is_a_conflict_and_no_event(self, twin: Twin) -> None:
        await twin.transport.accept([arrival()], START)
        other = replace(arrival(acuity=1), event_id=arrival().event_id)
        assert await twin.transport.accept([other], START) == [Taken.CONFLICT]
        assert (await books(twin))["accepted"] == 1
        assert len(await twin.transport.read_events(10, NO_WAIT)) == 1

    async def test_nothing_is_lost_on_the_way_through_the_store(self, twin: Twin) -> None:
        told = ed(Kind.ED_CODED, "M1", visit="V1", codes=("icd10:X99",), arrival=START, safeguarding=("child",))
        (entry,) = await taken(twin, told)
        assert entry.event == told

    async def test_ignored_messages_are_counted_and_are_in_no_balance(self, twin: Twin) -> None:
        await twin.transport.ignore([(Feed.ED, "outpatient"), (Feed.ED, "outpatient")], START)
        counts = await twin.transport.counts()
        assert counts.ignored == {"ed": {"outpatient": 2}}
        assert counts.balanced

    async def test_the_same_bytes_rejected_again_raise_a_count(self, twin: Twin) -> None:
        record = Rejected(RejectReason.BAD_DATE, "line 1", Feed.POLICE, b"\x00raw")
        first, again = (quarantine_item(record, START + hours(late)) for late in (0, 2))
        assert await twin.transport.quarantine([first], START) == await twin.transport.quarantine(
            [again], START + hours(2)
        )
        (kept,) = await twin.desk.quarantined(10)
        assert (kept.count, kept.first_at, kept.last_at, kept.raw) == (2, START, START + hours(2), b"\x00raw")
        counts = await twin.transport.counts()
        assert counts.quarantined == {"police": {"bad_date": 2}}
        assert counts.balanced

    async def test_what_was_replayed_and_is_rejected_again_waits_again(self, twin: Twin) -> None:
        item = quarantine_item(Rejected(RejectReason.BAD_DATE, "line 1", Feed.POLICE, b"raw"), START)
        await twin.transport.quarantine([item], START)
        await twin.desk.mark_replayed(item.item_id, None)
        assert await twin.desk.quarantined(10) == []
        await twin.transport.quarantine([item], START + hours(1))
        (waiting,) = await twin.desk.quarantined(10)
        assert (waiting.item_id, waiting.count) == (item.item_id, 2)

    async def test_a_kept_failure_names_its_event(self, twin: Twin) -> None:
        item = quarantine_item(Rejected(RejectReason.PROCESSING_FAILED, "KeyError", Feed.ED, b"{}"), START)
        await twin.transport.keep(replace(item, event_id=arrival().event_id), START)
        (kept,) = await twin.desk.quarantined(10)
        assert kept.event_id == arrival().event_id


class TestReading:
    async def test_what_was_read_and_not_forwarded_comes_again_first(self, twin: Twin) -> None:
        one, other, third = (arrival(f"V{number}") for number in range(3))
        await twin.transport.accept([one, other], START)
        first = await twin.transport.read_events(1, NO_WAIT)
        assert [entry.event for entry in first] == [one]
        twin.transport.rewind()
        await twin.transport.accept([third], START)
        seen = [entry for _ in range(4) for entry in await twin.transport.read_events(1, NO_WAIT)]
        assert [entry.event for entry in seen] == [one, other, third]
        assert seen[0].position == first[0].position

    async def test_a_worker_that_died_finds_its_unfinished_entries(self, store: Store, twin: Twin) -> None:
        one, other = await taken(twin, arrival("V1"), arrival("V2"))
        await twin.transport.forward([parts_of(one, part(one.event))])
        assert len(await twin.decisions.read_matched(10, NO_WAIT)) == 1
        after = await store.connect()
        assert await after.transport.read_events(10, NO_WAIT) == [other]
        assert await after.transport.read_events(10, NO_WAIT) == []
        (again,) = await after.decisions.read_matched(10, NO_WAIT)
        assert again.matched == part(one.event)
        assert await after.decisions.read_matched(10, NO_WAIT) == []

    async def test_the_messages_of_one_person_come_in_order(self, twin: Twin) -> None:
        events = [arrival(f"V{number}") for number in range(7)]
        entries = await taken(twin, *events)
        await twin.transport.forward([parts_of(entry, part(entry.event)) for entry in entries])
        read: list[MatchedEntry] = []
        while found := await twin.decisions.read_matched(2, NO_WAIT):
            read += found
        assert [entry.matched.event.event_id for entry in read] == [each.event_id for each in events]


class TestForwarding:
    async def test_an_event_about_nobody_ends_at_once(self, twin: Twin) -> None:
        (entry,) = await taken(twin, arrival())
        assert (await books(twin))["in_flight"] == 1
        await twin.transport.forward([ended(entry)])
        assert await books(twin) == {"accepted": 1, "duplicate": 0, "in_flight": 0, "disposed": {"no_match": 1}}
        assert await twin.transport.disposition(entry.event.event_id) == NO_MATCH

    async def test_forwarding_again_changes_nothing(self, twin: Twin) -> None:
        one, other = await taken(twin, arrival("V1"), arrival("V2"))
        results = [ended(one), parts_of(other, part(other.event))]
        await twin.transport.forward(results)
        before = await books(twin)
        await twin.transport.forward(results)
        assert await books(twin) == before
        assert len(await twin.decisions.read_matched(10, NO_WAIT)) == 1
        assert await twin.transport.read_events(10, NO_WAIT) == []

    async def test_links_are_remembered_under_each_key(self, twin: Twin) -> None:
        (entry,) = await taken(twin, arrival())
        links = (("o:1", "S:M1"), ("o:1", "S:M2"), ("e:1", "O:o:1"))
        await twin.transport.forward([ended(entry, links=links)])
        assert await twin.transport.linked(["o:1", "e:1", "x"]) == [
            frozenset({"S:M1", "S:M2"}),
            frozenset({"O:o:1"}),
            frozenset(),
        ]
        assert await twin.transport.linked([]) == []

    async def test_an_amendment_waits_under_each_of_its_keys_once(self, twin: Twin) -> None:
        told = ed(Kind.ED_CANCELLED, visit="V1")
        (entry,) = await taken(twin, told)
        parked = ParkedAmendment(
            keys=("o:1", "e:1"), event=told, reached=("S:M1",), named=(MemberId("M1"),), clear=True
        )
        await twin.transport.forward([ended(entry, parked=parked)])
        await twin.transport.forward([ended(entry, parked=parked)])
        assert await twin.transport.parked(["o:1", "e:1", "x"]) == [[parked], [parked], []]

    async def test_at_most_twenty_amendments_wait_under_a_key_the_newest(self, twin: Twin) -> None:
        told = [ed(Kind.ED_UPDATED, visit="V1", at=timedelta(minutes=number)) for number in range(25)]
        entries = await taken(twin, *told)
        await twin.transport.forward(
            [ended(entry, parked=ParkedAmendment(keys=("o:1",), event=entry.event)) for entry in entries]
        )
        ((*waiting,),) = await twin.transport.parked(["o:1"])
        assert [each.event for each in waiting] == told[5:]

    async def test_a_doubtful_match_waits_for_a_human_once(self, twin: Twin) -> None:
        (entry,) = await taken(twin, arrival())
        review = ReviewItem("r1", entry.event, (), START, why="twin")
        result = Recognised(
            entry.event,
            entry.position,
            dispositions=(("review|r1", Disposition(Ending.REVIEW)),),
            reviews=(review,),
        )
        await twin.transport.forward([result])
        await twin.transport.forward([result])
        assert await twin.desk.reviews(10) == [review]
        assert await twin.transport.disposition(entry.event.event_id) == Disposition(Ending.REVIEW)


class TestSettling:
    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
    async def test_an_event_ends_with_its_last_part_as_the_most_telling_says(
        self, twin: Twin, order: tuple[int, ...]
    ) -> None:
        told = arrival()
        found = await matched(twin, *(part(told, name) for name in ("M1", "M2", "M3")))
        says = [NO_RULE, ALERT, Disposition(Ending.SUPPRESSED, "cooling")]
        for place, index in enumerate(order):
            assert await twin.transport.disposition(told.event_id) is None, place
            assert (await books(twin))["in_flight"] == 1
            await twin.decisions.settle([(found[index], says[index])])
        assert await twin.transport.disposition(told.event_id) == ALERT == most_telling(says)
        assert (await books(twin))["disposed"] == {"alert": 1}

    async def test_settling_a_part_again_changes_nothing(self, twin: Twin) -> None:
        told = arrival()
        one, other = await matched(twin, part(told, "M1"), part(told, "M2"))
        for _ in range(3):
            await twin.decisions.settle([(one, NO_RULE)])
            assert await twin.transport.disposition(told.event_id) is None
        for _ in range(3):
            await twin.decisions.settle([(other, NO_RULE)])
        assert await books(twin) == {"accepted": 1, "duplicate": 0, "in_flight": 0, "disposed": {"no_rule": 1}}
        assert await (twin.decisions).read_matched(10, NO_WAIT) == []

    async def test_a_review_counts_among_the_parts(self, twin: Twin) -> None:
        (entry,) = await taken(twin, arrival())
        await twin.transport.forward(
            [parts_of(entry, part(entry.event), dispositions=(("review|r", Disposition(Ending.REVIEW)),))]
        )
        (found,) = await twin.decisions.read_matched(10, NO_WAIT)
        await twin.decisions.settle([(found, NO_RULE)])
        assert await twin.transport.disposition(entry.event.event_id) == Disposition(Ending.REVIEW)

    async def test_a_revived_part_keeps_its_event_open_if_it_still_is(self, twin: Twin) -> None:
        amendment, told = ed(Kind.ED_UPDATED, "M2", visit="V1"), arrival()
        one, other = await taken(twin, amendment, told)
        late = part(amendment, "M1", relation=Relation.OCCURRENCE, role=None)
        await twin.transport.forward([parts_of(one, part(amendment, "M2"))])
        await twin.transport.forward([parts_of(other, part(told), revived=(late,))])
        found = {each.matched.part: each for each in await twin.decisions.read_matched(10, NO_WAIT)}
        await twin.decisions.settle([(found[part(amendment, "M2").part], NO_RULE)])
        assert await twin.transport.disposition(amendment.event_id) is None
        await twin.decisions.settle([(found[late.part], Disposition(Ending.WITHDRAWN))])
        assert await twin.transport.disposition(amendment.event_id) == Disposition(Ending.WITHDRAWN)
        await books(twin)

    async def test_an_event_that_had_ended_is_under_way_again_until_its_revived_part_is_in(self, twin: Twin) -> None:
        amendment, told = ed(Kind.ED_CANCELLED, visit="V1"), arrival()
        one, other = await taken(twin, amendment, told)
        late = part(amendment, "M1", relation=Relation.OCCURRENCE, role=None)
        await twin.transport.forward([ended(one), parts_of(other, part(told), revived=(late,))])
        assert await twin.transport.disposition(amendment.event_id) is None
        for found in await twin.decisions.read_matched(10, NO_WAIT):
            await twin.decisions.settle([(found, NO_RULE)])
        assert (await books(twin))["disposed"] == {"no_rule": 2}
        assert await twin.transport.disposition(amendment.event_id) == NO_RULE

    async def test_what_is_handed_over_keeps_its_event_open_however_often_it_is_sent(self, twin: Twin) -> None:
        told = ed(Kind.ED_UPDATED, "M2", visit="V1")
        lost = part(told, "M1", relation=Relation.LOST, role=None)
        (entry,) = await matched(twin, lost)
        gone = entry_of(arrival(), subject="M2", relation=Relation.SELF, role=Role.PATIENT)
        handed = part(told, "M2", extra=(gone,), handed_by="M1")
        await twin.decisions.hand_over([handed])
        await twin.decisions.hand_over([handed])
        await twin.decisions.settle([(entry, NO_RULE)])
        assert await twin.transport.disposition(told.event_id) is None
        first, second = await twin.decisions.read_matched(10, NO_WAIT)
        assert first.matched == second.matched == handed
        await twin.decisions.settle([(first, ALERT)])
        assert await twin.transport.disposition(told.event_id) == ALERT
        await twin.decisions.settle([(second, ALERT)])
        assert (await books(twin))["disposed"] == {"alert": 1}
        await twin.decisions.hand_over([])


class TestCommitting:
    async def test_somebody_of_whom_nothing_is_known_is_at_version_0(self, twin: Twin) -> None:
        person = await twin.decisions.load(part(arrival()))
        assert person.state == PersonState(MemberId("M1"))
        assert (person.alerts, person.deliveries, person.decided) == ((), (), None)

    async def test_a_decision_is_written_whole(self, twin: Twin) -> None:
        told, change = arrival(), change_of()
        rows = build.planned(change).rows
        commit = commit_of(PersonState(MemberId("M1")), told, alerts=((change.alert, None),), rows=rows)
        assert await twin.decisions.commit(commit)
        person = await twin.decisions.load(part(told))
        assert person.state == commit.after
        assert person.decided == ALERT
        assert [alert.version for alert in person.alerts] == [1]
        assert person.alerts[0] == replace(change.alert, version=1)
        assert [row.delivery_id for row in person.deliveries] == sorted(row.delivery.delivery_id for row in rows)
        assert (await twin.decisions.load(part(arrival("V2")))).decided is None

    async def test_a_person_who_moved_meanwhile_refuses_it(self, twin: Twin) -> None:
        fresh = PersonState(MemberId("M1"))
        assert await twin.decisions.commit(commit_of(fresh, arrival("V1")))
        change = change_of()
        assert not await twin.decisions.commit(commit_of(fresh, arrival("V2"), alerts=((change.alert, None),)))
        person = await twin.decisions.load(part(arrival("V2")))
        assert (person.state.version, person.alerts, person.decided) == (1, (), None)

    async def test_an_alert_that_moved_meanwhile_refuses_it(self, twin: Twin) -> None:
        change = change_of()
        first = commit_of(PersonState(MemberId("M1")), arrival("V1"), alerts=((change.alert, None),))
        assert await twin.decisions.commit(first)
        (stored,) = (await twin.decisions.load(part(arrival()))).alerts
        await twin.alerts.save(replace(stored, updated_at=START + hours(1)), stored)
        stale = commit_of(first.after, arrival("V2"), alerts=((stored, stored),))
        assert not await twin.decisions.commit(stale)
        person = await twin.decisions.load(part(arrival("V2")))
        assert (person.state.version, person.alerts[0].version, person.decided) == (1, 2, None)

    async def test_a_message_that_is_being_sent_meanwhile_refuses_it(self, twin: Twin) -> None:
        change = change_of()
        rows = build.planned(change).rows
        first = commit_of(PersonState(MemberId("M1")), arrival("V1"), alerts=((change.alert, None),), rows=rows)
        assert await twin.decisions.commit(first)
        again = tuple(replace(row, previous=None) for row in rows)
        assert not await twin.decisions.commit(commit_of(first.after, arrival("V2"), rows=again))
        assert (await twin.decisions.load(part(arrival("V2")))).state.version == 1

    async def test_held_intelligence_waits_for_the_gatekeeper(self, twin: Twin) -> None:
        told = arrival()
        item = HeldIntel("h1", told.event_id, "sys", "R1", MemberId("M1"), ("INTEL_THREAT",), START, START)
        assert await twin.decisions.commit(commit_of(PersonState(MemberId("M1")), told, held=(item,)))
        assert await twin.desk.held(10) == [item]
        decided = replace(item, state="released", decided_by="G1", decided_at=START + hours(1))
        await twin.desk.decide_held(decided)
        assert await twin.desk.held_item("h1") == decided
        assert await twin.desk.held_item("nothing") is None


def test_members_of_these_tests_lie_in_different_shards() -> None:
    """Otherwise nothing above would say anything about shards."""
    assert len({shard_of(name) for name in ("M1", "M2", "M3")}) == 3
