"""Who an event is about, told as cases: what must match, what only a human may decide, and what must never match."""

import dataclasses
import random
from datetime import date

import pytest

from cohort.index import CohortChanges, CohortIndex
from cohort.matching import HOUSEHOLD_MENTION, explain_pair, match_event, score_all
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from domain.attributes import DaAttributes
from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import HouseholdId, MemberId
from domain.kinds import Kind
from domain.matches import Match, MatchDecision, MatchReason
from domain.people import CohortMember, MemberStatus
from tests.trials import trials
from tests.unit.cohort.people import cohort, dirty, event_about, member_of, person

POLICY = MatchPolicy()
BORN = DateOfBirth(date(2008, 7, 23))
NHS = Identifier(Scheme.NHS, "9990000018", verified=True)
OTHER_NHS = Identifier(Scheme.NHS, "9990000026", verified=True)
PNC = Identifier(Scheme.PNC, "2099/0000001G")
CRO = Identifier(Scheme.CRO, "123456/99L")
KIERAN = Identity(
    names=(Name(("Kieran", "Jude"), "Adeyemi"), Name((), "Kayz", NameKind.STREET)),
    dates_of_birth=(BORN,),
    sex=Sex.MALE,
    identifiers=(NHS, PNC, CRO, Identifier(Scheme.NOMINAL, "N1", "RMS-X")),
    postcodes=("WV1 1AA",),
    addresses=("12 High Street, Fictown",),
    phones=("07700 900001",),
    emails=("k@example.com",),
)
NAME = (Name(("Kieran",), "Adeyemi"),)
BROTHER = (Name(("Tobi",), "Adeyemi"),)


def _match(said: Identity, *members: CohortMember, policy: MatchPolicy = POLICY) -> tuple[Match, ...]:
    return match_event(event_about(said), CohortIndex.build(members or (member_of(1, KIERAN),)), policy)


def _outcome(said: Identity, known: Identity = KIERAN) -> str:
    matches = _match(said, member_of(1, known))
    return f"{matches[0].decision} {matches[0].reason}" if matches else "none"


def _said(**fields: object) -> Identity:
    return Identity(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "outcome", "why"),
    [
        (_said(names=NAME, dates_of_birth=(BORN,), postcodes=("WV1 1AA",)), "match weight", "name, birth, postcode"),
        (_said(names=NAME, dates_of_birth=(BORN,), sex=Sex.MALE), "match weight", "a rare name and the birth"),
        (_said(names=(Name(("Kieren",), "Adeyemi"),), dates_of_birth=(BORN,)), "match weight", "one letter of a rare name"),
        (
            _said(names=(Name(("Kieren",), "Adeyemi"),), dates_of_birth=(BORN,), postcodes=("WV1 1AB",)),
            "match weight",
            "misspelt, and nearly the same place",
        ),
        (
            _said(names=NAME, dates_of_birth=(DateOfBirth(date(2008, 7, 24)),), postcodes=("WV1 1AA",)),
            "match weight",
            "wrong day, right home",
        ),
        (_said(names=(KIERAN.names[0],), phones=("07700 900001",)), "match weight", "no birth, but all names and the phone"),
        (_said(names=NAME), "none", "a name alone"),
        (_said(dates_of_birth=(BORN,), postcodes=("WV1 1AA",)), "match weight", "no usable name: home and birth"),
        (_said(names=(Name(("Kayz",), "", NameKind.ALIAS),)), "none", "an alias alone never alerts"),
        (_said(identifiers=(NHS,)), "review identifier", "an NHS number that nothing confirms"),
        (_said(identifiers=(NHS,), names=(Name((), "Adeyemi"),)), "match identifier", "verified, and the surname"),
        (_said(identifiers=(NHS,), dates_of_birth=(BORN,)), "match identifier", "verified, and the birth"),
        (
            _said(identifiers=(dataclasses.replace(NHS, verified=False),), names=(Name((), "Adeyemi"),)),
            "match weight",
            "not traced: strong evidence, no more",
        ),
        (_said(identifiers=(PNC,)), "review identifier", "a PNC id alone"),
        (_said(identifiers=(PNC,), dates_of_birth=(BORN,)), "match weight", "and with the birth"),
        (
            _said(identifiers=(NHS,), names=(Name(("Mary",), "Walker"),), dates_of_birth=(DateOfBirth(date(1960, 1, 9)),)),
            "none",
            "somebody else's number in the field",
        ),
    ],
)  # fmt: skip
def test_evidence_adds_up_to_the_decision(said: Identity, outcome: str, why: str) -> None:
    assert _outcome(said) == outcome, why


FULL = _said(names=NAME, dates_of_birth=(BORN,), postcodes=("WV1 1AA",), phones=("07700 900001",), sex=Sex.MALE)


@pytest.mark.parametrize(
    ("said", "known", "reason", "why"),
    [
        ({"identifiers": (OTHER_NHS,)}, {}, MatchReason.VETO_NHS, "two traced NHS numbers are two people"),
        (
            {"identifiers": (Identifier(Scheme.PNC, "2099/9999999V"), Identifier(Scheme.CRO, "SF39/83924B"))},
            {},
            MatchReason.VETO_PNC_CRO,
            "both differ",
        ),
        ({"unknown": True}, {}, MatchReason.VETO_UNKNOWN, "the source does not know who this is"),
        ({"deceased": True}, {}, MatchReason.VETO_DECEASED, "nobody visits the dead"),
    ],
)
def test_a_veto_always_wins(said: dict[str, object], known: dict[str, object], reason: MatchReason, why: str) -> None:
    mention = dataclasses.replace(FULL, **said)  # type: ignore[arg-type]
    index = CohortIndex.build([member_of(1, dataclasses.replace(KIERAN, **known))])  # type: ignore[arg-type]
    assert match_event(event_about(mention), index, POLICY) == (), why
    scored = score_all(event_about(mention), index, MatchPolicy(match_bits=-99, review_bits=-99))
    assert [(match.decision, match.reason) for match in scored] == [(MatchDecision.NONE, reason)], why


def test_one_unverified_nhs_number_that_differs_is_no_veto() -> None:
    mention = dataclasses.replace(FULL, identifiers=(dataclasses.replace(OTHER_NHS, verified=False),))
    assert _outcome(mention) == "match weight"


def test_another_sex_with_only_name_and_birth_is_for_a_human() -> None:
    said = _said(names=(Name(("Kieran", "Jude"), "Adeyemi"),), dates_of_birth=(BORN,), sex=Sex.FEMALE)
    assert _outcome(said) == "review veto_sex"
    assert _outcome(dataclasses.replace(said, postcodes=("WV1 1AA",))) == "match weight", "a slip of the pen"


HOME = {"postcodes": ("WV1 1AA",), "addresses": ("12 High St",), "phones": ("07700 900001",), "sex": Sex.MALE}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (_said(names=BROTHER, dates_of_birth=(BORN,), **HOME), "a twin"),
        (_said(names=BROTHER, dates_of_birth=(DateOfBirth(date(2005, 1, 30)),), **HOME), "an elder brother"),
        (_said(names=BROTHER, **HOME), "a brother, birth not asked"),
        (_said(names=(Name((), "Adeyemi"),), **HOME), "only the surname: it may be anybody at home"),
        (_said(names=(Name(("Keiron",), "Adeyemi"),), dates_of_birth=(DateOfBirth(date(2001, 2, 3)),), **HOME), "like"),
        (_said(names=NAME, dates_of_birth=(DateOfBirth(date(1979, 2, 3)),), **HOME), "a father of the same name"),
        (_said(names=BROTHER, dates_of_birth=(BORN,), phones=("07700 900001",)), "a twin who moved out"),
        (_said(names=NAME, dates_of_birth=(BORN,), multiple_birth=True, **HOME), "known to be one of several"),
    ],
)
def test_siblings_and_twins_at_one_address_never_match(said: Identity, why: str) -> None:
    assert all(match.decision is not MatchDecision.MATCH for match in _match(said)), why


def test_each_watched_twin_is_told_from_the_other() -> None:
    tobi = dataclasses.replace(KIERAN, names=BROTHER, identifiers=())
    index = CohortIndex.build([member_of(1, dataclasses.replace(KIERAN, identifiers=())), member_of(2, tobi)])
    for given, number in (("Kieran", 1), ("Tobi", 2)):
        said = _said(names=(Name((given,), "Adeyemi"),), dates_of_birth=(BORN,), **HOME)
        matches = match_event(event_about(said), index, POLICY)
        assert [(m.member_id, m.decision) for m in matches] == [(f"M{number:05d}", MatchDecision.MATCH)]


def test_two_members_too_close_to_call_are_both_for_a_human() -> None:
    amir, adil = (
        dataclasses.replace(KIERAN, names=(Name((given,), "Adeyemi"),), identifiers=()) for given in ("Amir", "Adil")
    )
    said = _said(names=(Name(("A",), "Adeyemi"),), dates_of_birth=(BORN,), **HOME)
    matches = _match(said, member_of(1, amir), member_of(2, adil))
    assert [(m.member_id, m.decision, m.reason) for m in matches] == [
        ("M00001", MatchDecision.REVIEW, MatchReason.AMBIGUOUS),
        ("M00002", MatchDecision.REVIEW, MatchReason.AMBIGUOUS),
    ]


def test_a_common_name_with_a_date_of_birth_is_lighter_than_a_rare_one() -> None:
    def weight(name: Name) -> float:
        who = _said(names=(name,), dates_of_birth=(BORN,))
        return score_all(event_about(who), CohortIndex.build([member_of(1, who)]), POLICY)[0].match_weight

    assert weight(Name(("Mohammed",), "Khan")) < weight(Name(("Kieran",), "Adeyemi")) - 4


def test_names_are_as_common_as_they_are_in_this_cohort() -> None:
    said = _said(names=NAME, dates_of_birth=(BORN,))

    def weight(others: int) -> float:
        namesakes = [
            member_of(number, _said(names=(Name(("Kieran",), f"Other{chr(65 + number % 26)}"),)))
            for number in range(2, 2 + others)
        ]
        strangers = [
            member_of(number, _said(names=(Name(("Zed",), "Someone"),))) for number in range(5_000, 7_000 - others)
        ]
        index = CohortIndex.build([member_of(1, KIERAN), *namesakes, *strangers])
        return score_all(event_about(said), index, POLICY)[0].match_weight

    assert weight(0) > weight(60) + 2 > weight(1_000) + 4
    assert weight(0) < 24, "a name that nobody else has is rare, but relatives share rare names"


def test_counts_of_names_do_not_tell_how_the_index_came_to_be() -> None:
    rng = random.Random(23)
    members = cohort(300, seed=23)
    news = [member_of(number, person(rng, 900 + number)) for number in range(200, 400)]
    index = CohortIndex.build(members).apply(CohortChanges(tuple(news), (MemberId("M00007"),)), 2)
    fresh = CohortIndex.build(index.members())
    for version in (index, index.merged()):
        counted = {token: version.names.of(token) for token in fresh.names.base}
        assert counted == {token: fresh.names.of(token) for token in fresh.names.base}
        assert not any(version.names.of(token) for token in {*version.names.base} - {*fresh.names.base})


def test_the_programme_names_its_own_client() -> None:
    index = CohortIndex.build([member_of(1, KIERAN, MemberStatus.CLOSED)])
    event = event_about(Identity(), member_id="M00001", kind=Kind.STATUS_CHANGED)
    (match,) = match_event(event, index, POLICY)
    assert (match.member_id, match.reason) == ("M00001", MatchReason.MEMBER_ID)
    assert match.match_weight == sum(line.bits for line in match.evidence)
    assert match_event(event_about(FULL, member_id="M9"), CohortIndex.build([member_of(1, KIERAN)]), POLICY), (
        "an id we do not know leaves the identity"
    )


def test_closed_and_deceased_members_are_known_but_never_found() -> None:
    for status in (MemberStatus.CLOSED, MemberStatus.DECEASED):
        index = CohortIndex.build([member_of(1, KIERAN, status)])
        assert match_event(event_about(FULL), index, POLICY) == ()
        assert index.member(MemberId("M00001")) is not None
    dead = member_of(1, KIERAN, MemberStatus.DECEASED)
    event = event_about(FULL)
    pair = explain_pair(event, event.mentions[0], dead.member_id, index=CohortIndex.build([dead]), policy=POLICY)
    assert pair is not None
    assert pair.reason is MatchReason.VETO_DECEASED


def test_a_household_key_reaches_the_watched_members_nobody_named() -> None:
    home = HouseholdId("H1")
    members = [
        dataclasses.replace(member_of(1, KIERAN), household_id=home),
        dataclasses.replace(member_of(2, person(random.Random(1), 2)), household_id=home),
        member_of(3, person(random.Random(2), 3)),
    ]
    event = event_about(FULL, kind=Kind.DA_INCIDENT, attributes=DaAttributes(household_key="H1"))
    matches = match_event(event, CohortIndex.build(members), POLICY)
    assert [(m.member_id, m.mention, m.reason) for m in matches] == [
        ("M00001", "1", MatchReason.WEIGHT),
        ("M00002", HOUSEHOLD_MENTION, MatchReason.HOUSEHOLD),
    ]


def test_a_larger_cohort_asks_for_more() -> None:
    strict = MatchPolicy(match_bits=28, reference_members=8)
    said = _said(names=NAME, dates_of_birth=(BORN,), sex=Sex.MALE, postcodes=("WV1 1AA",))
    many = [member_of(1, KIERAN), *cohort(3_000, seed=5)[2:]]
    assert _match(said, *many)[0].decision is MatchDecision.MATCH
    assert _match(said, *many, policy=strict)[0].decision is MatchDecision.REVIEW


def test_evidence_reads_as_words_and_holds_no_values() -> None:
    (match,) = _match(FULL)
    assert [line.comparison for line in match.evidence][:3] == ["prior", "name", "date of birth"]
    shown = repr(match).upper()
    for canary in ("KIERAN", "ADEYEMI", "2008", "WV1", "900001"):
        assert canary not in shown


def test_nothing_that_this_room_makes_shows_a_person_when_printed() -> None:
    index = CohortIndex.build([member_of(1, KIERAN)])
    row = index.candidates(prepare(KIERAN))[0]
    shown = " ".join(
        map(repr, (prepare(KIERAN), prepare(KIERAN).names[0], row, index, index.stats, CohortChanges((row.member,))))
    ).upper()
    for canary in ("KIERAN", "ADEYEMI", "KAYZ", "HIGH ST", "WV1", "900001", "EXAMPLE.COM", "9990000018", "20080723"):
        assert canary not in shown


def test_dirty_copies_are_found_and_strangers_are_not() -> None:
    rng = random.Random(21)
    members = cohort(500, seed=21)
    index = CohortIndex.build(members)
    wrong = found = 0
    copies = trials(2_000)
    for _ in range(copies):
        member = rng.choice(members)
        matches = match_event(event_about(dirty(member.identity, rng)), index, POLICY)
        found += any(match.member_id == member.member_id for match in matches)
        wrong += any(match.decision is MatchDecision.MATCH and match.member_id != member.member_id for match in matches)
    other = random.Random(99)  # not the seed that made the cohort: that would make the same people again
    strangers = [person(other, 10_000 + number) for number in range(copies)]
    false = sum(
        match.decision is MatchDecision.MATCH
        for stranger in strangers
        for match in match_event(event_about(stranger), index, POLICY)
    )
    assert found >= 0.9 * copies
    assert wrong <= 0.005 * copies
    assert false == 0


def test_the_order_in_which_members_came_in_changes_nothing() -> None:
    rng = random.Random(22)
    members = cohort(300, seed=22)
    shuffled = rng.sample(members, len(members))
    at_once, mixed = CohortIndex.build(members), CohortIndex.build(shuffled)
    for _ in range(trials(1_000)):
        event = event_about(dirty(rng.choice(members).identity, rng))
        assert match_event(event, at_once, POLICY) == match_event(event, mixed, POLICY)
