"""Whom an event concerns: one pure function, by table. `*` marks who is told though nobody named them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cohort.index import CohortIndex
from domain.attributes import DaAttributes
from domain.events import Event, Mention
from domain.identity import Identity, Name
from domain.ids import HouseholdId, MemberId
from domain.kinds import Feed, Kind, Role
from domain.matches import Match, MatchDecision, MatchReason, Relation
from streams.knowledge import Known
from streams.linking import OCCURRENCE, SUBJECT, event_link, keys_to_look_up, occurrence_link, patient_link
from streams.messages import Disposition, Ending, Heir, Matched, ParkedAmendment
from streams.ports import LogEntry, Recognised
from streams.recognise import recognise
from tests.unit.streams.play import START, ed, event, hours, member
from triggers.history import entry_of

INDEX = CohortIndex.build(
    [
        member("M1", household_id=HouseholdId("H1"), associates=(MemberId("M3"),)),
        member("M2", household_id=HouseholdId("H1")),
        member("M3"),
        member("M4", associates=(MemberId("M5"),)),
        member("M5"),
        member("M6", allowed_feeds=(Feed.POLICE,), associates=(MemberId("M3"),)),
        member("M7", allowed_feeds=(Feed.ED,), household_id=HouseholdId("H7")),
        member("M8", household_id=HouseholdId("H7")),
    ]
)
NOTHING_KNOWN = Known()
ELSEWHERE = Identity(names=(Name(given=("Zeb",), family="Testelsewhere"),))
M1, M2, M3, M4, M5 = (MemberId(f"M{number}") for number in range(1, 6))


def match(
    of: Event,
    who: str,
    decision: MatchDecision = MatchDecision.MATCH,
    reason: MatchReason = MatchReason.WEIGHT,
    mention: str = "1",
) -> Match:
    return Match(of.event_id, mention, MemberId(who), 30.0, 0.99, decision, reason)


def named(of: Event) -> list[Match]:
    """A certain match for each member whom the event names by id."""
    return [match(of, each.member_id or "", mention=each.ref) for each in of.mentions]


def seen(of: Event, matches: list[Match] | None = None, known: Known = NOTHING_KNOWN) -> Recognised:
    return recognise(LogEntry("1-0", of), named(of) if matches is None else matches, known, INDEX, START)


def heard(result: Recognised) -> set[tuple[str, str, str, str]]:
    return {
        (part.listener, part.subject, part.relation.value, part.role.value if part.role else "")
        for part in result.parts
    }


def knowing(of: Event, *members: str, parked: tuple[ParkedAmendment, ...] = ()) -> Known:
    """What the store knows when these members are linked to the occurrences that the event looks up."""
    links = {key: frozenset(SUBJECT + each for each in members) for key in keys_to_look_up(of) if key[0] == "o"}
    return Known(links, parked)


VICTIM, SUSPECT = Role.VICTIM, Role.SUSPECT
SELF, HOME, FRIEND = Relation.SELF.value, Relation.HOUSEHOLD.value, Relation.ASSOCIATE.value

FAN_OUT = [
    (
        "harm in hospital is heard at home and by friends, listed on either side",
        ed(Kind.ED_ARRIVAL, "M1", visit="V1"),
        {("M1", "M1", SELF, "patient"), ("M2", "M1", HOME, "patient"), ("M3", "M1", FRIEND, "patient")},
    ),
    (
        "of a friend the friend is told, whoever lists whom",
        event(Kind.CRIME_RECORDED, ("M5", VICTIM)),
        {("M5", "M5", SELF, "victim"), ("M4", "M5", FRIEND, "victim")},
    ),
    (
        "custody concerns nobody else",
        event(Kind.CUSTODY_ARRIVED, "M1"),
        {("M1", "M1", SELF, "arrested")},
    ),
    (
        "what a co-resident was sentenced to is heard at home alone (domain.md 6.1 INCH)",
        event(Kind.OUTCOME_RECORDED, "M1"),
        {("M1", "M1", SELF, ""), ("M2", "M1", HOME, "")},
    ),
    (
        "and so is a log about them (MHH)",
        event(Kind.INCIDENT_OPENED, "M1"),
        {("M1", "M1", SELF, "named"), ("M2", "M1", HOME, "named")},
    ),
    ("nor does missing", event(Kind.MISSING_REPORTED, "M1"), {("M1", "M1", SELF, "missing")}),
    ("nor what the programme did", event(Kind.VISIT_MADE, "M1"), {("M1", "M1", SELF, "client")}),
    (
        "two members in one record, each in their role, each heard by their own",
        event(Kind.CRIME_RECORDED, ("M4", VICTIM), ("M3", SUSPECT)),
        {
            ("M4", "M4", SELF, "victim"),
            ("M5", "M4", FRIEND, "victim"),
            ("M3", "M3", SELF, "suspect"),
            ("M1", "M3", FRIEND, "suspect"),
            ("M6", "M3", FRIEND, "suspect"),
        },
    ),
    (
        "one member in two roles is two parts",
        event(Kind.CRIME_RECORDED, ("M5", VICTIM), ("M5", SUSPECT)),
        {
            ("M5", "M5", SELF, "victim"),
            ("M5", "M5", SELF, "suspect"),
            ("M4", "M5", FRIEND, "victim"),
            ("M4", "M5", FRIEND, "suspect"),
        },
    ),
    (
        "an authority that keeps hospitals out keeps them from friends too",
        ed(Kind.ED_ARRIVAL, "M6", visit="V1"),
        {("M6", "M6", SELF, "patient")},
    ),
]


@pytest.mark.parametrize(("reason", "told", "expected"), FAN_OUT, ids=[row[0] for row in FAN_OUT])
def test_who_hears_of_an_event(reason: str, told: Event, expected: set[tuple[str, ...]]) -> None:
    result = seen(told)
    assert heard(result) == expected
    assert len(result.parts) == len(expected)
    assert result.dispositions == ()


def test_no_identity_goes_beyond_recognition() -> None:
    told = ed(Kind.ED_UPDATED, "M1", visit="V1")
    result = seen(told)
    assert all(part.event == replace(told, mentions=()) for part in result.parts)
    assert result.parked is not None
    assert result.parked.event.mentions == ()


def test_a_household_key_without_a_name_reaches_the_household_and_nobody_elses_friends() -> None:
    told = event(Kind.DA_INCIDENT, attributes={"household_key": "H1"})
    matches = [match(told, each, reason=MatchReason.HOUSEHOLD, mention="household") for each in ("M1", "M2")]
    result = seen(told, matches)
    assert heard(result) == {("M1", "household", HOME, ""), ("M2", "household", HOME, "")}
    own = occurrence_link(entry_of(told, subject="", relation=Relation.HOUSEHOLD, role=None).occurrence)
    assert {(own, "H:M1"), (own, "H:M2"), (event_link(told.event_id), OCCURRENCE + own)} <= set(result.links)


def test_others_of_a_home_hear_by_its_key_and_learn_nothing_of_the_one_who_may_not_be_recorded() -> None:
    told = event(Kind.DA_INCIDENT, ("M7", VICTIM), attributes={"household_key": "H7"})
    result = seen(told, [*named(told), match(told, "M8", reason=MatchReason.HOUSEHOLD, mention="household")])
    assert heard(result) == {("M7", "M7", SELF, "victim"), ("M8", "household", HOME, "")}
    (part,) = [part for part in result.parts if part.listener == "M8"]
    assert "M7" not in repr(part)
    assert heard(seen(replace(told, attributes=DaAttributes()))) == {("M7", "M7", SELF, "victim")}


def test_a_stranger_at_a_home_is_heard_of_there_in_their_role_and_one_of_ours_without_it() -> None:
    stranger = Mention("9", VICTIM, Identity())
    home = ("M8", "household", HOME)
    told = event(Kind.CRIME_RECORDED, mentions=(stranger,), attributes={"household_key": "H7"})
    at_home = [match(told, "M8", reason=MatchReason.HOUSEHOLD, mention="household")]
    assert heard(seen(told, at_home)) == {(*home, "victim")}
    updated = replace(told, kind=Kind.CRIME_UPDATED)
    known = Known(dict.fromkeys(keys_to_look_up(updated), ("H:M8",)))
    assert heard(seen(updated, at_home, known=known)) == {(*home, "victim")}
    both = event(Kind.CRIME_RECORDED, ("M5", Role.SUSPECT), mentions=(stranger,), attributes={"household_key": "H7"})
    assert (*home, "victim") in heard(seen(both, [match(both, "M5", mention="1"), *at_home]))
    assert (*home, "suspect") not in heard(seen(both, [match(both, "M5", mention="1"), *at_home]))
    witness = event(Kind.CRIME_RECORDED, ("M8", Role.WITNESS), mentions=(stranger,), attributes={"household_key": "H7"})
    assert {("M8", "M8", SELF, "witness"), (*home, "victim")} <= heard(
        seen(witness, [match(witness, "M8", mention="1")])
    )
    rejected = match(told, "M7", MatchDecision.NONE, MatchReason.REVIEWED_DIFFERENT, mention="9")
    assert heard(seen(told, [rejected, *at_home])) == {(*home, "victim")}
    doubtful = match(told, "M7", MatchDecision.REVIEW, MatchReason.DOUBTFUL, mention="9")
    assert heard(seen(told, [doubtful, *at_home])) == {(*home, "")}


def test_who_is_taken_out_of_a_crime_takes_nobody_else_along() -> None:
    crime = event(Kind.CRIME_RECORDED, ("M5", VICTIM), attributes={"household_key": "H7"})
    removed = replace(crime, kind=Kind.CRIME_ROLE_REMOVED, mentions=(Mention("9", VICTIM, ELSEWHERE),))
    known = Known(dict.fromkeys(keys_to_look_up(removed), ("S:M5", "H:M8")))
    at_home = [match(removed, "M8", reason=MatchReason.HOUSEHOLD, mention="household")]
    assert heard(seen(removed, at_home, known=known)) == set()
    nobody = replace(removed, mentions=(Mention("9", VICTIM, Identity()),))
    assert {who for who, *_ in heard(seen(nobody, at_home, known=known))} == {"M5", "M4"}


def test_a_test_message_concerns_nobody() -> None:
    result = seen(ed(Kind.ED_ARRIVAL, "M1", visit="V1", live=False))
    assert result.dispositions == (("", Disposition(Ending.SUPPRESSED, "test_message")),)
    assert (result.parts, result.reviews, result.links, result.parked) == ((), (), (), None)


class TestDoubt:
    def test_a_doubtful_match_is_for_a_human_and_not_for_the_rules(self) -> None:
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V1")
        pair = [match(told, each, MatchDecision.REVIEW, MatchReason.TWIN) for each in ("M1", "M2")]
        result = seen(told, pair)
        assert result.parts == ()
        assert [disposition for _, disposition in result.dispositions] == [Disposition(Ending.REVIEW)]
        (review,) = result.reviews
        assert (review.event, review.matches, review.why) == (told, tuple(pair), "twin")
        assert result.links == ()

    def test_one_mention_certain_and_one_doubtful_do_both(self) -> None:
        told = event(Kind.CRIME_RECORDED, ("M5", VICTIM), ("M1", SUSPECT))
        matches = [match(told, "M5"), match(told, "M1", MatchDecision.REVIEW, MatchReason.DOUBTFUL, mention="2")]
        result = seen(told, matches)
        assert {part.listener for part in result.parts} == {"M5", "M4"}
        assert len(result.reviews) == len(result.dispositions) == 1

    def test_the_same_review_has_the_same_id_whenever_it_is_asked(self) -> None:
        told = ed(Kind.ED_ARRIVAL, "M1", visit="V1")
        doubt = [match(told, "M1", MatchDecision.REVIEW, MatchReason.DOUBTFUL)]
        later = recognise(LogEntry("9-9", told), doubt, Known(), INDEX, START + hours(9))
        assert later.reviews[0].review_id == seen(told, doubt).reviews[0].review_id


class TestAmendments:
    def test_an_amendment_without_a_name_reaches_those_who_are_linked_and_those_close_to_them(self) -> None:
        told = ed(Kind.ED_CANCELLED, visit="V1")
        result = seen(told, known=knowing(told, "M5"))
        assert heard(result) == {("M5", "M5", "occurrence", ""), ("M4", "M5", FRIEND, "")}

    def test_whoever_it_names_is_not_reached_a_second_time(self) -> None:
        told = event(Kind.CRIME_UPDATED, ("M5", VICTIM))
        result = seen(told, known=knowing(told, "M5", "M2"))
        assert {("M5", "M5", SELF, "victim"), ("M2", "M2", "occurrence", "")} <= heard(result)
        assert ("M5", "M5", "occurrence", "") not in heard(result)

    def test_an_opening_message_looks_nobody_up(self) -> None:
        assert keys_to_look_up(ed(Kind.ED_ARRIVAL, "M1", visit="V1")) == ()

    @pytest.mark.parametrize("by_id", [True, False], ids=["our id", "the source's key"])
    def test_a_retraction_finds_the_people_through_the_occurrence(self, by_id: bool) -> None:
        told = event(Kind.STOPSEARCH_RECORDED, "M5", key="R1")
        back = event(Kind.RECORD_RETRACTED, key="R2" if by_id else "R1", retracts=told.event_id if by_id else None)
        (key,) = keys_to_look_up(back)
        links = dict[str, frozenset[str]]()
        for name, value in seen(told).links:
            links[name] = links.get(name, frozenset()) | {value}
        assert key in links
        assert heard(seen(back, known=Known(links))) == {("M5", "M5", "occurrence", ""), ("M4", "M5", FRIEND, "")}

    def test_an_amendment_that_nobody_is_linked_to_waits(self) -> None:
        told = ed(Kind.ED_CANCELLED, visit="V1")
        result = seen(told)
        assert result.dispositions == (("", Disposition(Ending.NO_MATCH)),)
        assert result.parked == ParkedAmendment(keys=keys_to_look_up(told), event=told)

    def test_it_waits_also_when_it_reached_somebody_for_others_may_come(self) -> None:
        told = event(Kind.CRIME_UPDATED, ("M5", VICTIM))
        parked = seen(told).parked
        assert parked is not None
        assert (parked.reached, parked.named) == (("S:M5",), (M5,))

    def test_what_opens_an_occurrence_does_not_wait(self) -> None:
        assert seen(ed(Kind.ED_ARRIVAL, "M9", visit="V1")).parked is None
        assert seen(event(Kind.CRIME_RECORDED)).parked is None

    def test_a_visit_that_names_nobody_waits_for_the_name(self) -> None:
        waiting = seen(ed(Kind.ED_ARRIVAL, visit="V1")).parked
        assert waiting is not None
        assert waiting.keys == keys_to_look_up(ed(Kind.ED_UPDATED, visit="V1"))
        assert (waiting.named, waiting.clear) == ((), False)

    def test_what_waited_comes_to_life_for_those_it_has_not_reached(self) -> None:
        late = event(Kind.CRIME_UPDATED, ("M5", VICTIM), key="R1")
        parked = seen(late).parked
        assert parked is not None
        told = event(Kind.CRIME_RECORDED, ("M5", VICTIM), ("M2", VICTIM), key="R1")
        result = seen(told, known=Known(parked=(parked,)))
        revived = {(part.listener, part.subject, part.relation) for part in result.revived}
        assert revived == {("M2", "M2", Relation.OCCURRENCE), ("M1", "M2", Relation.HOUSEHOLD)}
        assert {part.event.event_id for part in result.revived} == {late.event_id}


class TestAnotherPatient:
    def test_a_message_that_names_another_member_takes_the_visit_away_whole(self) -> None:
        told = ed(Kind.ED_UPDATED, "M5", visit="V1")
        result = seen(told, known=knowing(told, "M3"))
        lost = [part for part in result.parts if part.relation is Relation.LOST]
        assert {(part.listener, part.subject) for part in lost} == {("M3", "M3"), ("M1", "M3"), ("M6", "M3")}
        heirs = (Heir(M5, M5, Relation.SELF), Heir(M4, M5, Relation.ASSOCIATE))
        assert [part.heirs for part in lost if part.listener == M3] == [heirs]
        assert all(not part.heirs for part in lost if part.listener != M3)
        assert heard(result) >= {("M5", "M5", SELF, "patient"), ("M4", "M5", FRIEND, "patient")}

    @pytest.mark.parametrize(
        ("clear", "reason"),
        [(True, "clearly somebody whom nobody watches"), (False, "no full name and date of birth: no contradiction")],
    )
    def test_a_message_that_names_nobody_we_know_takes_nothing_away(self, clear: bool, reason: str) -> None:
        told = ed(Kind.ED_UPDATED, "unknown", visit="V1", clear=clear)
        result = seen(told, [], knowing(told, "M5"))
        assert heard(result) == {("M5", "M5", "occurrence", ""), ("M4", "M5", FRIEND, "")}
        assert [review.why for review in result.reviews] == (["identity_changed"] if clear else [])

    def test_a_match_on_less_than_a_name_takes_nothing_away(self) -> None:
        told = ed(Kind.ED_UPDATED, "M5", visit="V1", clear=False)
        result = seen(told, known=knowing(told, "M3"))
        assert ("M3", "M3", "occurrence", "") in heard(result)
        assert not any(part.relation is Relation.LOST for part in result.parts)

    def test_a_source_that_says_that_it_does_not_know_who_it_is_takes_nothing_away(self) -> None:
        stranger = Mention("1", Role.PATIENT, Identity(unknown=True))
        told = ed(Kind.ED_UPDATED, visit="V1", mentions=(stranger,))
        result = seen(told, [], knowing(told, "M5"))
        assert ("M5", "M5", "occurrence", "") in heard(result)
        assert result.reviews == ()

    def test_a_police_record_with_another_name_is_about_both(self) -> None:
        told = event(Kind.CRIME_UPDATED, ("M5", VICTIM))
        assert not any(part.relation is Relation.LOST for part in seen(told, known=knowing(told, "M3")).parts)

    def test_the_first_message_of_a_visit_that_comes_after_the_correction_loses_it_at_once(self) -> None:
        parked = seen(ed(Kind.ED_UPDATED, "M5", visit="V1", at=hours(1))).parked
        assert parked is not None
        result = seen(ed(Kind.ED_ARRIVAL, "M3", visit="V1"), known=Known(parked=(parked,)))
        lost: Matched = next(part for part in result.revived if part.listener == M3)
        assert lost.relation is Relation.LOST
        assert {heir.listener for heir in lost.heirs} == {"M5", "M4"}


class TestMerges:
    A40 = ed(Kind.ED_MERGED, "M5", visit="", patient_key="P1", merged_patient_key="P2", at=timedelta(hours=1))

    def known(self, survivor: tuple[str, ...], retired: tuple[str, ...]) -> Known:
        keys = {"P1": ("o:one", survivor), "P2": ("o:two", retired)}
        links: dict[str, frozenset[str]] = {}
        for key, (occurrence, members) in keys.items():
            links[patient_link(self.A40, key)] = frozenset({OCCURRENCE + occurrence})
            links[occurrence] = frozenset(SUBJECT + each for each in members)
        return Known(links)

    def test_what_was_known_of_the_record_that_goes_moves_to_the_one_who_is_named(self) -> None:
        result = seen(self.A40, known=self.known((), ("M3",)))
        assert {(p.listener, p.relation) for p in result.parts if p.subject == M3} == {
            (MemberId("M3"), Relation.LOST),
            (MemberId("M1"), Relation.LOST),
            (MemberId("M6"), Relation.LOST),
        }
        assert ("o:two", "S:M5") in result.links  # what comes later about those visits is theirs too
        assert (patient_link(self.A40, "P1"), OCCURRENCE + "o:two") in result.links

    def test_without_a_name_the_record_that_stays_says_who_it_is(self) -> None:
        result = seen(replace(self.A40, mentions=()), known=self.known(("M5",), ("M3",)))
        assert next(part for part in result.parts if part.listener == M3).relation is Relation.LOST

    def test_if_nobody_knows_who_survives_nothing_is_taken_away(self) -> None:
        result = seen(replace(self.A40, mentions=()), known=self.known((), ("M3",)))
        assert {(part.listener, part.relation) for part in result.parts} == {(M3, Relation.OCCURRENCE)}

    def test_one_person_under_both_records_keeps_all(self) -> None:
        result = seen(self.A40, known=self.known(("M5",), ("M5",)))
        assert not any(part.relation is Relation.LOST for part in result.parts)

    def test_a_merge_of_strangers_ends_and_waits(self) -> None:
        result = seen(replace(self.A40, mentions=()))
        assert result.dispositions == (("", Disposition(Ending.NO_MATCH)),)
        assert result.parked is not None

    def test_a_visit_under_the_old_number_after_the_merge_is_the_survivors(self) -> None:
        parked = seen(self.A40).parked
        assert parked is not None
        told = ed(Kind.ED_ARRIVAL, "M3", visit="V9", patient_key="P2")
        result = seen(told, known=Known(parked=(parked,)))
        assert next(part for part in result.revived if part.listener == M3).relation is Relation.LOST
        own = occurrence_link(entry_of(told, subject="", relation=Relation.SELF, role=None).occurrence)
        assert (own, "S:M5") in result.links
        under_the_new = replace(told, attributes=replace(told.attributes, patient_key="P1"))  # type: ignore[type-var]
        assert not any(p.relation is Relation.LOST for p in seen(under_the_new, known=Known(parked=(parked,))).revived)
