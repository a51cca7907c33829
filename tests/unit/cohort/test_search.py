"""The short way to candidates finds what the long way finds: keys from raw words, the sieve, the packed members."""

import dataclasses
import random
from datetime import UTC, date, datetime
from math import inf

import pytest

from cohort.blocking import blocking_keys, probe_keys
from cohort.facts import Columns, facts
from cohort.index import CohortChanges, CohortIndex, of_shards
from cohort.matching import look, match_event, score_all, settle
from cohort.model import ComparisonModel, LevelWeight, MatchModel, default_model
from cohort.packing import pack, unpack, unpack_names
from cohort.policy import MatchPolicy
from cohort.postings import EVERYTHING, SHARED, Postings, as_keys
from cohort.prepared import prepare, prepared_names
from cohort.probing import plain_facts, strong_keys, weak_keys
from cohort.scoring import plan, score_at_least, score_pair
from cohort.sieve import Sieve
from domain.identity import DateOfBirth, DobQuality, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import SHARDS, HouseholdId, MemberId
from domain.matches import MatchDecision
from domain.people import CohortMember, MemberStatus, WatchAuthority
from tests.match_stream import Stream
from tests.trials import trials
from tests.unit.cohort.people import cohort, dirty, event_about, member_of

POLICY = MatchPolicy()
ODD = (
    Identity(),
    Identity((Name(("Mohammed", "Amir"), "Al-Khan"),), addresses=("Flat 3, 12 High Street",)),
    Identity((Name((), "Ali"),), (DateOfBirth(date(1970, 1, 1)),), postcodes=("ZZ99 3VZ",)),
    Identity((Name(("Łukasz",), "Żółć"),), postcodes=("wv1\u00a01aa",), addresses=("Flat ², 7a Żabia Street",)),
    Identity((Name(("A", "B", "C", "D"), "E F G"),), (DateOfBirth(date(1999, 4, 3)),), addresses=("Rose Cottage",)),
    Identity((Name(("Sam",), "Sam"),), (DateOfBirth(date(1999, 4, 4), DobQuality.DEFAULT),), postcodes=("4510",)),
    Identity(
        phones=("+44 (0)7700 900123", "07700 900 124", "nonsense", "0044 7700 900125"), emails=(" A@Example.com",)
    ),
    Identity((Name(("Unknown",), ""),), identifiers=(Identifier(Scheme.NHS, "1234567890"),), addresses=("Flat 3",)),
    Identity(identifiers=(Identifier(Scheme.NOMINAL, "n 12", " RMS-X "), Identifier(Scheme.CRN, "x1", "c"))),
)


def _people(seed: int, count: int) -> list[Identity]:
    rng, stream = random.Random(seed), Stream(seed, dense=0.3)
    told = [stream.said(stream.person(number)) for number in range(count)]
    return [*ODD, *told, *(dirty(member.identity, rng) for member in cohort(count, seed))]


def test_keys_from_words_are_those_of_the_prepared_identity() -> None:
    for identity in _people(1, trials(3_000)):
        strong, weak = probe_keys(prepare(identity))
        short = weak_keys(identity, *EVERYTHING)
        if short is None:
            assert len(identity.names) > 1 or len(identity.dates_of_birth) > 1
            continue
        assert set(weak) <= set(short)
        assert set(strong) == set(strong_keys(identity))
        mine, theirs = plain_facts(identity), facts(prepare(identity))
        assert mine._replace(house=0) == theirs._replace(house=0)
        assert theirs.house in (0, mine.house), "a house may be known where there is no address, never the other way"


def test_everybody_meets_themselves() -> None:
    for identity in _people(2, trials(1_000)):
        who = prepare(identity)
        strong, weak = probe_keys(who)
        assert set(blocking_keys(who)) <= {*strong, *weak}


def test_spared_keys_of_an_unknown_postcode_meet_nobody() -> None:
    stream = Stream(3, dense=0.2)
    index = CohortIndex.build(stream.members(trials(2_000)))
    blocks = index._base.blocks
    for number in range(trials(2_000)):
        said = stream.said(stream.person(number + 10_000))
        spared = set(weak_keys(said, *EVERYTHING) or ()) - set(weak_keys(said, blocks.filter, blocks.mask) or ())
        assert all(blocks.find(key) is None for key in spared)


def _random_model(rng: random.Random) -> MatchModel:
    """The shipped comparisons with weights by lot, some left out, some with term frequencies."""
    parts = []
    for part in default_model().comparisons:
        if rng.random() < 0.15:
            continue
        levels = {name: LevelWeight(rng.uniform(-12, 18), rng.choice((0.0, 0.0, 0.5, 1.0))) for name in part.levels}
        levels["missing"] = LevelWeight(0.0)
        rise = rng.choice((0.0, 2.0, 6.0))
        most = max(max(each.bits, each.adjusted(rise)) for each in levels.values())
        change = (
            None if rng.random() < 0.5 else lambda one, other, rise=rise: rise - hash((one.births, other.births)) % 5
        )
        parts.append(ComparisonModel(part.name, part.compare, levels, most, change))
    return MatchModel("lot", 1, -10.0, tuple(parts))


def test_the_sieve_keeps_whatever_scoring_would_keep() -> None:
    """Over models by lot and the shipped one: every pair, at any threshold, unless a number of theirs agrees."""
    rng = random.Random(4)
    stream = Stream(4, dense=0.5)
    known = [*(stream.person(number) for number in range(60)), *(member.identity for member in cohort(40)), *ODD]
    prepared = [prepare(identity) for identity in known]
    columns = Columns()
    for who in prepared:
        columns.append(facts(who))
    kept = dropped = 0
    for turn in range(trials(2_000)):
        model = default_model() if turn % 4 == 0 else _random_model(rng)
        enough = rng.uniform(-10, 35)
        sieve = Sieve(model, enough)
        identity = rng.choice((dirty, lambda who, _: stream.said(who) if who.names else who))(
            rng.choice(known[:100]), rng
        )
        said = prepare(identity)
        fact = plain_facts(identity) if weak_keys(identity, *EVERYTHING) is not None else facts(said)
        found = set(
            sieve.kept(
                fact,
                range(len(known)),
                columns,
                lambda row, sieve=sieve, said=said: sieve.name_bits(said.names, prepared[row].names),
                lambda sieve=sieve, said=said: sieve.name_bits(said.names, said.names),
            )
        )
        assert found <= set(sieve.kept(fact, range(len(known)), columns))
        steps = plan(said, model)
        strong = set(probe_keys(said)[0])
        for row, other in enumerate(prepared):
            if strong.isdisjoint(probe_keys(other)[0]):
                score = score_at_least(said, other, steps, prior_bits=0.0, enough=enough)
                assert score is None or row in found, (turn, score)
                kept += row in found
                dropped += row not in found
    assert min(kept, dropped) > (kept + dropped) // 20, "the test must have had something to lose and to drop"


def test_a_sieve_of_a_model_that_it_does_not_know_drops_nobody() -> None:
    odd = ComparisonModel("odd", lambda one, other: "same", {"same": LevelWeight(inf)}, inf)
    assert Sieve(MatchModel("odd", 1, -10.0, (odd,)), 30.0).idle


@pytest.mark.parametrize("dense", [0.0, 0.6], ids=["long tails", "a hundred names shared by most"])
def test_blocking_loses_no_pair_above_the_match_threshold_by_brute_force(dense: float) -> None:
    """2,000 members x 2,000 mentions, every pair scored; also where most share a few names and blocks are narrowed."""
    size = trials(2_000)
    stream, model = Stream(5, dense=dense), default_model()
    members = list(stream.members(size))
    index = CohortIndex.build(members)
    prepared = [(member.member_id, prepare(member.identity)) for member in members]
    needed = POLICY.match_bits + POLICY.scale_bits(size)
    heavy = 0
    for member in members:
        said = stream.said(member.identity)
        who = prepare(said)
        steps = plan(who, model)
        scores = ((name, score_at_least(who, known, steps, prior_bits=0.0, enough=needed)) for name, known in prepared)
        weighty = {name for name, score in scores if score is not None and score.evidence_bits >= needed}
        found = {row.member.member_id for row in index.candidates(who)}
        short = {index.row(number).member.member_id for number in index.search(said, Sieve(model, needed))}
        assert weighty <= found
        assert weighty <= short
        heavy += len(weighty)
    assert heavy > size // 2, "the test must have had something to lose"


def test_the_short_way_answers_as_the_long_way() -> None:
    stream = Stream(6, dense=0.3)
    members = list(stream.members(trials(3_000)))
    index = CohortIndex.build(members)
    for member in members[: trials(2_000)]:
        event = event_about(stream.said(member.identity))
        whole = {
            each.member_id: each for each in score_all(event, index, POLICY) if each.decision is not MatchDecision.NONE
        }
        found = match_event(event, index, POLICY)
        assert bool(found) == bool(whole)
        for match in found:
            assert match.match_weight == whole[match.member_id].match_weight


def test_workers_with_a_part_each_answer_together_as_one_with_all() -> None:
    """Settled together: the margin rule and one-MATCH-per-mention hold over the whole cohort."""
    stream = Stream(7, dense=0.8)
    members = [
        dataclasses.replace(member, household_id=HouseholdId(f"H{number % 50}"))
        for number, member in enumerate(stream.members(trials(3_000)))
    ]
    members += [dataclasses.replace(one, member_id=MemberId(f"X{one.member_id}")) for one in members[:40]]
    whole = CohortIndex.build(members, 1)
    parts = [CohortIndex.build(of_shards(members, range(first, SHARDS, 3)), 1) for first in range(3)]
    assert sum(map(len, parts)) == len(whole)
    doubled = 0
    for member in members[: trials(1_000)]:
        event = event_about(stream.said(member.identity))
        together = settle([look(event, part, POLICY, members=len(whole), names=whole.names) for part in parts], POLICY)
        assert together == match_event(event, whole, POLICY)
        doubled += len(together) > 1
    assert doubled > 3, "the margin rule must have had something to do across parts"


def test_a_packed_member_comes_back_whole() -> None:
    for member in [*cohort(trials(1_000)), *Stream(8).members(100), _full()]:
        assert unpack(pack(member)) == member
        assert prepared_names(unpack_names(pack(member))) == prepare(member.identity).names


def _full() -> CohortMember:
    """A member with every field set."""
    identity = dataclasses.replace(
        ODD[1],
        names=(Name(("A",), "B", NameKind.STREET), Name(("C",), "D")),
        dates_of_birth=(DateOfBirth(date(2001, 2, 3), DobQuality.ESTIMATED),),
        sex=Sex.FEMALE,
        identifiers=(Identifier(Scheme.NHS, "9990000018", "x", True),),
        emails=("a@example.com",),
        unknown=True,
        deceased=True,
        multiple_birth=True,
        extra=(("state", ("VIC", "NSW")),),
    )
    return CohortMember(
        MemberId("M1"), MemberStatus.CLOSED, identity, "p", "a", "f", "i", "h", HouseholdId("H1"), (MemberId("M2"),),
        watch=WatchAuthority("r", "l", "a", date(2026, 1, 1), None, date(2027, 1, 1)),
        safe_contact="after school", staff_safety="two go", joined_at=datetime(2026, 1, 2, 3, tzinfo=UTC),
    )  # fmt: skip


def test_merged_changes_make_the_same_index() -> None:
    stream = Stream(9, dense=0.5)
    members = {member.member_id: member for member in stream.members(trials(2_000))}
    index = CohortIndex.build(members.values(), 1)
    rng = random.Random(9)
    for version in range(2, 12):
        names = rng.sample(sorted(members), 12)
        changed = [
            dataclasses.replace(members[name], identity=stream.person(version * 100 + at))
            for at, name in enumerate(names)
        ]
        changed.append(member_of(version, stream.person(version)))
        gone = rng.choice(names)
        index = index.apply(CohortChanges(tuple(changed), (gone,)), version)
        members |= {each.member_id: each for each in changed}
        del members[gone]
        if version % 4 == 0:
            index = index.merged()
    afresh = CohortIndex.build(members.values(), 11)
    assert (index.members(), index.stats) == (afresh.members(), afresh.stats)
    assert index.merged().stats == afresh.stats
    for member in list(members.values())[: trials(1_000)]:
        event = event_about(stream.said(member.identity))
        assert match_event(event, index, POLICY) == match_event(event, afresh, POLICY)


def test_a_base_that_is_mostly_gone_is_made_anew() -> None:
    members = cohort(100)
    index = CohortIndex.build(members, 1)
    left = index.apply(CohortChanges(removed=tuple(one.member_id for one in members[:60])), 2).merged()
    assert (len(left), left.members()) == (40, members[60:])
    assert left.stats == CohortIndex.build(members[60:], 2).stats


def test_keys_that_share_a_place_in_the_filter_are_all_found() -> None:
    keys = [number << 42 for number in range(1, 400)]
    postings = Postings.of(as_keys(keys), as_keys(range(399)).astype("uint32"), as_keys([]))
    assert postings.filter[0] == SHARED
    assert [list(postings.find(key) or ()) for key in keys] == [[number] for number in range(399)]
    assert postings.find(400 << 42) is None
    assert postings.find(5) is None


def test_nothing_of_a_person_is_in_the_repr_of_what_an_index_is_made_of() -> None:
    index = CohortIndex.build([member_of(1, ODD[1])])
    for thing in (index, index._base, index._base.records, index._news, facts(prepare(ODD[1])), index.compiled):
        assert not {"Khan", "KHAN", "Amir", "12 H"} & {
            word for word in ("Khan", "KHAN", "Amir", "12 H") if word in repr(thing)
        }


def test_the_score_of_a_pair_is_the_same_however_it_is_reached() -> None:
    one, other = prepare(_full().identity), prepare(ODD[1])
    assert score_pair(one, other, default_model(), prior_bits=0.0) == score_pair(
        other, one, default_model(), prior_bits=0.0
    )
