"""What the transport keeps and for how long: quarantine, held intelligence, what a dead worker left, what expires."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from domain.ids import MemberId
from domain.kinds import Feed, Kind
from domain.matches import Relation
from streams import keys
from streams.feeds.outcome import Rejected, RejectReason
from streams.intake import quarantine_item
from streams.linking import SUBJECT, keys_to_look_up, occurrence_link
from streams.memory_server import MemoryServer
from streams.messages import (
    Disposition,
    Ending,
    ParkedAmendment,
    PersonState,
    ReviewItem,
)
from streams.ports import Taken
from streams.retention import Retention
from tests.contract.hops import ALERT, NO_RULE, Store, arrival, books, commit_of, ended, matched, part, parts_of, taken
from tests.unit.streams.play import NO_WAIT, START, Twin, ed, hours, memory_twin
from triggers.history import entry_of


class TestUpkeep:
    async def test_what_is_in_flight_too_long_is_named_the_oldest_first(self, twin: Twin) -> None:
        old, young, done = arrival("V1"), arrival("V2"), arrival("V3")
        await twin.transport.accept([old], START)
        await twin.transport.accept([done], START)
        await twin.transport.accept([young], START + hours(1))
        entries = await twin.transport.read_events(10, NO_WAIT)
        await twin.transport.forward([ended(entry) for entry in entries if entry.event == done])
        assert await twin.transport.stuck(START, 10) == [old.event_id]
        assert await twin.transport.stuck(START + hours(1), 10) == [old.event_id, young.event_id]
        assert await twin.transport.stuck(START + hours(1), 1) == [old.event_id]
        assert await twin.transport.stuck(START - hours(1), 10) == []

    async def test_trimming_never_drops_what_is_unread_or_unacknowledged(self, store: Store, twin: Twin) -> None:
        far = START + timedelta(days=36_500)
        entries = await taken(twin, *(arrival(f"V{number}") for number in range(4)))
        unread = arrival("unread")
        await twin.transport.accept([unread], START)
        await twin.transport.forward([ended(entries[0]), parts_of(entries[2], part(entries[2].event))])
        await twin.transport.trim(far)
        after = await store.connect()
        assert await after.transport.read_events(10, NO_WAIT) == [entries[1], entries[3]]
        assert [entry.event for entry in await after.transport.read_events(10, NO_WAIT)] == [unread]
        (message,) = await after.decisions.read_matched(10, NO_WAIT)
        await after.transport.trim(far)
        again = await store.connect()
        assert await again.decisions.read_matched(10, NO_WAIT) == [message]

    async def test_trimming_drops_what_is_settled_and_old(self, twin: Twin) -> None:
        entries = await taken(twin, *(arrival(f"V{number}") for number in range(4)))
        await twin.transport.forward([ended(entry) for entry in entries])
        assert await twin.transport.trim(START - timedelta(days=3650)) == 0
        assert await twin.transport.trim(START + timedelta(days=36_500)) == 3  # the last one read stays as the mark
        assert await twin.transport.read_events(10, NO_WAIT) == []

    async def test_an_event_that_failed_by_our_fault_is_taken_again(self, twin: Twin) -> None:
        told = arrival()
        (entry,) = await taken(twin, told)
        assert not await twin.transport.reopen(told, START)  # still under way
        failed = Disposition(Ending.QUARANTINED, "processing_failed")
        await twin.transport.forward([ended(entry, failed)])
        assert (await books(twin))["disposed"] == {"quarantined:processing_failed": 1}
        assert await twin.transport.reopen(told, START)
        assert await books(twin) == {"accepted": 1, "duplicate": 0, "in_flight": 1, "disposed": {}}
        (again,) = await twin.transport.read_events(10, NO_WAIT)
        await twin.transport.forward([ended(again)])
        assert (await books(twin))["disposed"] == {"no_match": 1}
        assert not await twin.transport.reopen(arrival("unknown"), START)

    async def test_a_part_that_failed_by_our_fault_is_taken_again(self, twin: Twin) -> None:
        told = arrival()
        found = await matched(twin, part(told, "M1"), part(told, "M2"))
        failed = Disposition(Ending.QUARANTINED, "processing_failed")
        await twin.decisions.settle([(found[0], failed), (found[1], NO_RULE)])
        assert await twin.transport.disposition(told.event_id) == failed
        assert await twin.transport.reopen(found[0].matched, START)
        assert await twin.transport.disposition(told.event_id) is None
        (again,) = await twin.decisions.read_matched(10, NO_WAIT)
        assert again.matched == found[0].matched
        await twin.decisions.settle([(again, ALERT)])
        assert (await books(twin))["disposed"] == {"alert": 1}

    async def test_a_kept_failure_is_no_rejected_record(self, twin: Twin) -> None:
        record = Rejected(RejectReason.PROCESSING_FAILED, "KeyError", Feed.ED, b"{}")
        item = quarantine_item(record, START)
        await twin.transport.keep(item, START)
        await twin.decisions.keep(item, START)
        (kept,) = await twin.desk.quarantined(10)
        assert kept.count == 1
        assert (await twin.transport.counts()).quarantined == {}
        await twin.desk.mark_replayed(item.item_id, arrival().event_id)
        assert await twin.desk.quarantined(10) == []
        (done,) = await twin.desk.quarantined(10, "replayed")
        assert done.event_id == arrival().event_id
        assert await twin.desk.quarantine_item(item.item_id) == done
        assert await twin.desk.quarantine_item("nothing") is None


class TestExpiry:
    """What holds traces of people ends by itself."""

    async def test_in_memory_a_duplicate_is_known_for_35_days_and_links_for_400(self) -> None:
        clock = ManualClock(START)
        twin = memory_twin(MemoryServer(clock))
        told = ed(Kind.ED_CANCELLED, visit="V1")
        (entry,) = await taken(twin, told)
        parked = ParkedAmendment(keys=keys_to_look_up(told), event=told)
        await twin.transport.forward([ended(entry, links=(("o:1", "S:M1"),), parked=parked)])
        clock.advance(timedelta(hours=71))
        assert await twin.transport.parked(parked.keys) == [[parked]]
        clock.advance(timedelta(hours=1))
        assert await twin.transport.parked(parked.keys) == [[]]
        clock.advance(timedelta(days=31))
        assert await twin.transport.accept([told], clock.now()) == [Taken.DUPLICATE]
        clock.advance(timedelta(days=1))
        assert await twin.transport.accept([told], clock.now()) == [Taken.ACCEPTED]
        clock.advance(timedelta(days=364))
        assert await twin.transport.linked(["o:1"]) == [frozenset({"S:M1"})]
        clock.advance(timedelta(days=1))
        assert await twin.transport.linked(["o:1"]) == [frozenset()]

    @pytest.mark.server
    async def test_on_valkey_every_such_key_has_its_end(self, valkey: Redis) -> None:
        retention = Retention()
        twin = await Store(valkey, retention).connect()
        told = ed(Kind.ED_CANCELLED, visit="V1")
        occurrence = occurrence_link(entry_of(told, subject="M1", relation=Relation.SELF, role=None).occurrence)
        (entry,) = await taken(twin, told)
        await twin.transport.quarantine([quarantine_item(Rejected(RejectReason.EMPTY, "", Feed.ED, b""), START)], START)
        review = ReviewItem("r1", told, (), START)
        parked = ParkedAmendment(keys=(occurrence,), event=told)
        await twin.transport.forward(
            [ended(entry, links=((occurrence, SUBJECT + "M1"),), parked=parked, reviews=(review,))]
        )
        await twin.decisions.commit(commit_of(PersonState(MemberId("M1")), told))
        (item,) = await twin.desk.quarantined(1)
        one = part(told, "M1")
        spans = {
            keys.EVENT_ROW + told.event_id: retention.rows,
            keys.LINK + occurrence: retention.links,
            keys.PARKED + occurrence: retention.parked,
            keys.REVIEW + "r1": retention.rows,
            keys.QUARANTINE_ITEM + item.item_id: retention.quarantine,
            keys.part(MemberId("M1"), told.event_id, one.part): retention.rows,
        }
        for name, span in spans.items():
            left = await valkey.ttl(name)
            assert span.total_seconds() - 60 < left <= span.total_seconds(), name

    @pytest.mark.server
    async def test_on_valkey_no_name_of_a_key_holds_a_visit_number(self, valkey: Redis) -> None:
        twin = await Store(valkey, Retention()).connect()
        told = ed(Kind.ED_CANCELLED, visit="VISIT-NUMBER-77")
        (entry,) = await taken(twin, told)
        await twin.transport.forward([ended(entry, parked=ParkedAmendment(keys=keys_to_look_up(told), event=told))])
        names = [name async for name in valkey.scan_iter()]
        assert names
        assert not any(b"VISIT" in name for name in names)
