"""The rules in force, followed from a real store: what is published comes, what is broken never takes the service down."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from domain.clock import ManualClock
from domain.errors import NotAllowed
from service.rulebook import RuleFollower, as_entry, ensure_book
from streams import keys
from tests.unit.triggers.book import ANNA, BEN, CLEO, NOW, REFERENCE, TEST, contents, forecast, text
from triggers.lifecycle_contents import rules_of, shipped_contents
from triggers.lifecycle_desk import RuleDesk, RuleRefused
from triggers.lifecycle_values import Refusal, RuleText, State
from triggers.valkey import HEAD, VERSIONS, ValkeyRuleBook, ValkeyShadows


class House:
    """A rule book on a store, a desk, and followers as workers have them."""

    def __init__(self, valkey: Redis) -> None:
        self.valkey = valkey
        self.clock = ManualClock(NOW)
        self.store = ValkeyRuleBook(valkey, audit_key=keys.AUDIT, as_entry=as_entry)
        self.desk = RuleDesk(self.store, ValkeyShadows(valkey), clock=self.clock)
        self.follower = self.another()

    def another(self, *, pinned: str = "") -> RuleFollower:
        return RuleFollower(self.store, rules_of(contents(99)), self.clock, pinned=pinned)

    async def begin(self) -> None:
        await ensure_book(self.store, NOW, shipped=contents(1))

    async def publish(self, version: int, rule: str = "TRIAL_ONE") -> int:
        standing = await self.desk.submit(
            text(version, rule=rule),
            f"version {version}",
            ANNA,
            tests=(RuleText("t", TEST.replace("TRIAL_ONE", rule)),),
        )
        number = standing.number
        told = forecast(standing.digest, days=30)
        await self.desk.backtest(number, told, ANNA)
        await self.desk.approve(number, BEN)
        await self.desk.publish(number, ANNA)
        return number

    async def version_in_force(self, follower: RuleFollower | None = None) -> tuple[str, int]:
        followed = follower or self.follower
        await followed.refresh()
        (rule,) = followed.live.rules.rules
        return followed.live.mark, rule.version


@pytest.fixture
def house(valkey: Redis) -> House:
    return House(valkey)


async def test_an_empty_book_gets_the_shipped_rules_as_version_1(house: House) -> None:
    assert await house.version_in_force() == ("shipped", 99)
    await house.begin()
    await house.begin()  # a second worker
    assert await house.version_in_force() == ("rules@1", 1)
    standing = await house.desk.standing(1)
    assert (standing.state, standing.author) == (State.LIVE, "reachpoint")
    assert house.follower.live.since == NOW


async def test_the_rules_of_a_new_release_are_offered_and_never_published(house: House) -> None:
    await house.begin()
    await ensure_book(house.store, NOW, shipped=contents(2), release="0.9")
    await ensure_book(house.store, NOW, shipped=contents(2), release="0.9")
    assert await house.version_in_force() == ("rules@1", 1)
    book = await house.desk.book()
    assert [(each.number, each.state) for each in book.standings.values()] == [(1, State.LIVE), (2, State.DRAFT)]
    assert book.standings[2].note == "Shipped with Reachpoint 0.9"


async def test_every_follower_hears_of_what_is_published_and_rolled_back(house: House) -> None:
    await house.begin()
    other = house.another()
    assert await house.publish(2) == 2
    assert await house.version_in_force() == ("rules@2", 2)
    assert await house.version_in_force(other) == ("rules@2", 2)
    assert not await house.follower.refresh()  # nothing new
    await house.desk.roll_back(2, BEN, "too many")
    assert await house.version_in_force() == ("rules@1", 1)
    assert await house.version_in_force(other) == ("rules@1", 1)


async def test_a_rule_that_is_switched_off_is_gone_at_once_and_comes_back(house: House) -> None:
    await house.begin()
    await house.desk.kill("TRIAL_ONE", ANNA, "it floods")
    assert await house.follower.refresh()
    assert (house.follower.live.mark, house.follower.live.rules.rules) == ("rules@1-TRIAL_ONE", ())
    house.clock.advance(timedelta(hours=24))
    assert await house.version_in_force() == ("rules@1", 1)
    await house.desk.kill("TRIAL_ONE", BEN, "again")
    await house.desk.confirm_kill("TRIAL_ONE", CLEO)
    house.clock.advance(timedelta(days=29))
    await house.follower.refresh()
    assert house.follower.live.rules.rules == ()
    await house.desk.revive("TRIAL_ONE", ANNA)
    assert await house.version_in_force() == ("rules@1", 1)


BROKEN = {
    "no bytes": b"",
    "not ours": b"\x00\x01\x02",
    "cut off": b"x\x9c\xab",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_version_leaves_the_last_good_rules_in_force(house: House, name: str) -> None:
    await house.begin()
    await house.version_in_force()
    number = await house.publish(2)
    whole = await house.valkey.hget(VERSIONS, str(number))  # type: ignore[misc]
    await house.valkey.hset(VERSIONS, str(number), BROKEN[name])  # type: ignore[misc]
    assert await house.version_in_force() == ("rules@1", 1)
    assert "version 2" in house.follower.trouble
    fresh = house.another()  # a service that starts now goes back along what was live
    assert await house.version_in_force(fresh) == ("rules@1", 1)
    await house.valkey.hset(VERSIONS, str(number), whole)  # type: ignore[misc]
    house.clock.advance(timedelta(seconds=10))
    assert await house.version_in_force() == ("rules@2", 2)  # mended: nobody has to start anything again
    assert house.follower.trouble == ""


async def test_a_version_that_says_something_else_than_was_published_never_acts(house: House) -> None:
    await house.begin()
    await house.publish(2)
    await house.valkey.hset(VERSIONS, "2", (await house.valkey.hget(VERSIONS, "1")))  # type: ignore[misc]
    assert await house.version_in_force() == ("rules@1", 1)
    assert house.follower.trouble == "version 2 is not what was published"


async def test_a_book_that_cannot_be_read_at_all_leaves_everything_as_it_is(house: House) -> None:
    await house.begin()
    assert await house.version_in_force() == ("rules@1", 1)
    await house.valkey.hset(HEAD, "b", b"nonsense")  # type: ignore[misc]
    assert await house.version_in_force() == ("rules@1", 1)
    assert house.follower.trouble
    assert await house.version_in_force(house.another()) == ("shipped", 99)  # and one that starts has the shipped


async def test_rules_pinned_to_a_file_stay_whatever_the_book_says(house: House) -> None:
    await house.begin()
    pinned = house.another(pinned="0123456789abcdef")
    assert await house.version_in_force(pinned) == ("file@01234567", 99)
    desk = RuleDesk(house.store, ValkeyShadows(house.valkey), clock=house.clock, pinned=frozenset({"TRIAL_ONE"}))
    standing = await desk.submit(text(5), "note", ANNA)
    for ask in (
        desk.publish(standing.number, ANNA),
        desk.roll_back(1, ANNA, "why"),
        desk.shadow(standing.number, ANNA),
    ):
        with pytest.raises(RuleRefused) as told:
            await ask
        assert told.value.refused.reason is Refusal.PINNED
    await desk.kill("TRIAL_ONE", ANNA, "it floods")  # an emergency is one there too
    await pinned.refresh()
    assert pinned.live.rules.rules == ()


async def test_the_shadow_is_followed_beside_the_live_rules(house: House) -> None:
    await house.begin()
    standing = await house.desk.submit(text(2), "note", ANNA, tests=(RuleText("t", TEST),))
    await house.desk.backtest(standing.number, forecast(standing.digest, days=9), ANNA)
    await house.desk.shadow(standing.number, ANNA)
    await house.follower.refresh()
    assert house.follower.shadow is not None
    assert (house.follower.shadow.mark, house.follower.live.mark) == ("rules@2", "rules@1")
    await house.desk.end_shadow(ANNA)
    await house.follower.refresh()
    assert house.follower.shadow is None


async def test_a_file_takes_the_place_of_its_own_rule_set_and_leaves_the_others(house: House) -> None:
    both = contents(1)
    other = RuleText("other", text(1, rule="TRIAL_TWO", name="other"))
    await ensure_book(house.store, NOW, shipped=replace(both, rules=(*both.rules, other)))
    standing = await house.desk.submit(text(3, rule="TRIAL_TWO", name="other"), "only the other", ANNA)
    version = await house.desk.version(standing.number)
    assert [each.name for each in version.contents.rules] == ["trial", "other"]
    whole = rules_of(version.contents)
    assert {str(rule.rule_id): rule.version for rule in whole.rules} == {"TRIAL_ONE": 1, "TRIAL_TWO": 3}
    assert version.contents.reference == REFERENCE


async def test_a_file_with_faults_is_kept_as_a_draft_that_goes_nowhere(house: House) -> None:
    await house.begin()
    standing = await house.desk.submit(text(2).replace("P2", "P9").replace("To see it work.", "To see"), "oh", ANNA)
    assert standing.state is State.DRAFT
    assert standing.check is not None
    assert len(standing.check.faults) == 2
    with pytest.raises(RuleRefused) as told:
        await house.desk.publish(standing.number, BEN)
    assert told.value.refused.reason is Refusal.HAS_FAULTS
    with pytest.raises(NotAllowed, match="too large"):
        await house.desk.submit("x" * (256 * 1024 + 1), "huge", ANNA)


async def test_the_shipped_rules_are_in_order() -> None:
    assert len(rules_of(shipped_contents()).rules) >= 17


async def test_a_version_that_trips_this_release_is_told_and_the_last_good_rules_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not refused but a fault of ours: no reason to decide by nothing."""
    await house.begin()
    assert await house.version_in_force() == ("rules@1", 1)
    await house.publish(2)

    def trips(*_: object, **__: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("service.rulebook.rules_of", trips)
    assert await house.version_in_force() == ("rules@1", 1)
    assert "KeyError" in house.follower.trouble
