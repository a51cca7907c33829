"""The index: finds what brute force finds, stays valid when the cohort moves on, and is the same however it was made."""

import dataclasses
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort.index import BLOCK_LIMIT, CohortChanges, CohortIndex
from cohort.matching import match_event
from cohort.model import default_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from cohort.scoring import score_pair
from cohort.shelf import Shelf
from domain.identity import Identity, Name
from domain.ids import HouseholdId, MemberId
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from tests.trials import trials
from tests.unit.cohort.people import cohort, dirty, event_about, member_of, person

POLICY = MatchPolicy()


def test_blocking_loses_no_pair_above_the_match_threshold() -> None:
    """Against brute force: every pair of 500 members and 500 dirty copies is scored, whatever the keys say."""
    rng = random.Random(31)
    members = cohort(500, seed=31)
    index = CohortIndex.build(members)
    model = default_model()
    prepared = [(member.member_id, prepare(member.identity)) for member in members]
    heavy = 0
    for _ in range(trials(500)):
        said = prepare(dirty(rng.choice(members).identity, rng))
        found = {row.member.member_id for row in index.candidates(said)}
        for member_id, known in prepared:
            if score_pair(said, known, model, prior_bits=0.0).evidence_bits >= POLICY.match_bits:
                heavy += 1
                assert member_id in found
    assert heavy > trials(500) // 2, "the test must have had something to lose"


def _answers(index: CohortIndex, said: list[Identity]) -> list[object]:
    return [match_event(event_about(who), index, POLICY) for who in said]


def test_an_index_built_by_updates_equals_one_built_at_once() -> None:
    rng = random.Random(32)
    members = {member.member_id: member for member in cohort(200, seed=32)}
    index = CohortIndex.build(members.values(), 1)
    for version in range(2, 2 + trials(300)):
        changed = [
            dataclasses.replace(
                members[name], identity=person(rng, version), household_id=HouseholdId(f"H{version % 9}")
            )
            for name in rng.sample(sorted(members), 3)
        ]
        changed.append(member_of(1_000 + version, person(rng, 1_000 + version)))
        changed.append(dataclasses.replace(members[rng.choice(sorted(members))], status=MemberStatus.CLOSED))
        changed.append(dataclasses.replace(changed[0], associates=(changed[3].member_id,)))
        removed = (rng.choice(sorted(members)),)
        for member in changed:
            members[member.member_id] = member
        members.pop(removed[0], None)
        index = index.apply(CohortChanges(tuple(changed), removed), version)
    afresh = CohortIndex.build(members.values(), index.version)
    assert index.members() == afresh.members()
    assert index.stats == afresh.stats
    for name in members:
        assert index.linked(name) == afresh.linked(name)
    said = [dirty(member.identity, rng) for member in members.values()]
    assert _answers(index, said) == _answers(afresh, said)


def test_the_old_index_stays_as_it_was() -> None:
    members = cohort(50, seed=33)
    old = CohortIndex.build(members, 1)
    before = _answers(old, [member.identity for member in members])
    new = old.apply(CohortChanges(removed=tuple(member.member_id for member in members[:25])), 2)
    assert (len(old), len(new), old.version, new.version) == (50, 25, 1, 2)
    assert _answers(old, [member.identity for member in members]) == before
    assert new.member(members[0].member_id) is None


def _sharing_one_name(size: int) -> list[CohortMember]:
    name = (Name(("Mohammed",), "Khan"),)
    return [
        dataclasses.replace(member, identity=dataclasses.replace(member.identity, names=name))
        for member in cohort(size, seed=34)
    ]


def test_a_block_that_grew_too_large_is_divided_and_the_bound_is_counted() -> None:
    members = _sharing_one_name(BLOCK_LIMIT * 6)
    index = CohortIndex.build(members)
    assert index.stats.split_blocks > 0
    name_only = prepare(Identity(names=members[0].identity.names))
    assert len(index.candidates(name_only)) <= BLOCK_LIMIT
    assert index.stats.bounded_lookups == 1
    for member in members:
        assert member.member_id in {row.member.member_id for row in index.candidates(prepare(member.identity))}
    shrunk = index.apply(CohortChanges(removed=tuple(member.member_id for member in members[BLOCK_LIMIT:])), 2)
    assert shrunk.stats.split_blocks == 0
    assert len(shrunk.candidates(name_only)) == BLOCK_LIMIT


def _linked_cohort() -> CohortIndex:
    def one(number: int, home: str | None = None, associates: tuple[str, ...] = ()) -> CohortMember:
        return dataclasses.replace(
            member_of(number, Identity()),
            household_id=HouseholdId(home) if home else None,
            associates=tuple(map(MemberId, associates)),
        )

    return CohortIndex.build(
        [
            one(1, "H1", ("M00003", "M00002", "M00009")),
            one(2, "H1"),
            one(3),
            one(4, "H2", ("M00001", "M00004")),
            one(5, "H2"),
        ]
    )


@pytest.mark.parametrize(
    ("member", "linked", "why"),
    [
        (1, [(2, "household"), (3, "associate"), (4, "associate")], "home first; listed and listed by; nobody unknown"),
        (2, [(1, "household")], "household beats associate"),
        (3, [(1, "associate")], "symmetric although only the other lists it"),
        (4, [(5, "household"), (1, "associate")], "never oneself"),
        (9, [], "nobody"),
    ],
)
def test_links_are_symmetric(member: int, linked: list[tuple[int, str]], why: str) -> None:
    expected = tuple((f"M{number:05d}", Relation(relation)) for number, relation in linked)
    assert _linked_cohort().linked(MemberId(f"M{member:05d}")) == expected, why


def test_a_household_knows_its_members() -> None:
    assert _linked_cohort().household(HouseholdId("H2")) == ("M00004", "M00005")
    assert _linked_cohort().household(HouseholdId("H9")) == ()


def test_one_id_twice_is_one_member_and_the_last_stands() -> None:
    first, second = member_of(1, Identity()), member_of(1, Identity(), MemberStatus.CLOSED)
    index = CohortIndex.build([first, second])
    assert (len(index), index.member(first.member_id)) == (1, second)


@given(st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers())), max_size=60))
def test_a_shelf_is_a_dictionary_whose_old_versions_stay(writes: list[tuple[int, int | None]]) -> None:
    shelf: Shelf[int] = Shelf.of({key: key for key in range(20)})
    plain = {key: key for key in range(20)}
    versions = []
    for key, value in writes:
        versions.append((shelf, dict(plain)))
        shelf = shelf.changed([key], _always(value))
        if value is None:
            plain.pop(key, None)
        else:
            plain[key] = value
    for kept, expected in [*versions, (shelf, plain)]:
        assert dict(kept.items()) == expected
        assert len(kept) == len(expected)


def _always(value: int | None) -> Callable[[int, int | None], int | None]:
    return lambda key, old: value


def test_speed_at_twenty_thousand_is_shown_and_nowhere_near_a_second() -> None:
    """Prints figures (pytest -s); the bound is loose on purpose: shared machines are noisy, scans are not."""
    rng = random.Random(35)
    members = cohort(trials(20_000), seed=35)
    began = time.thread_time()
    index = CohortIndex.build(members)
    built = time.thread_time() - began
    events = [event_about(dirty(person(rng, number), rng)) for number in range(1_000)]
    began = time.thread_time()
    for event in events:
        match_event(event, index, POLICY)
    each = (time.thread_time() - began) / len(events)
    began = time.thread_time()
    index.apply(CohortChanges((dataclasses.replace(members[0], identity=members[1].identity),)), 2)
    applied = time.thread_time() - began
    print(f"{len(members)} members: build {built / len(members) * 1e6:.0f} us each, event {each * 1e6:.0f} us, ")
    print(f"one change {applied * 1e3:.1f} ms, {index.stats}")
    assert each < 0.005
