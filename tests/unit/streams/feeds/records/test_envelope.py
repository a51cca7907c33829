"""What an accepted record means: every kind, both shapes for people, times, ids, codes and grades."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.attributes import (
    ATTRIBUTES_BY_KIND,
    NONE_STATED,
    CrimeAttributes,
    CustodyAttributes,
    EdAttributes,
    Grade,
    Handling,
    IntelAttributes,
    Intent,
    MissingAttributes,
    MissingRisk,
    ProgrammeAttributes,
    SearchAttributes,
)
from domain.events import Event, Marking, Regime
from domain.identity import DobQuality, NameKind, Scheme, Sex
from domain.ids import event_id
from domain.kinds import Feed, Kind, Role
from streams.codec import content_digest, decode_event, encode
from streams.feeds.border import ATTRIBUTES_IN
from streams.feeds.envelope import parse_counted, parse_record
from streams.feeds.outcome import RejectReason
from streams.feeds.record_policy import Origin, RecordPolicy
from tests.unit.streams.feeds.records.said import NOW, PERSON, as_record, event, record, refused

FULL_ATTRIBUTES = {
    EdAttributes: {"visit_key": "V1", "arrival": "2026-11-14T20:40:00Z", "intent": "assault", "codes": ["icd10:X99"]},
    CrimeAttributes: {"ho_code": "8N", "flags": ["knife"], "weapon": "knife", "role_removed": "victim"},
    CustodyAttributes: {"custody_id": "C1", "offences": ["8N"], "released_at": "2026-11-14T20:50:00Z"},
    SearchAttributes: {"found": ["knife"], "outcome": "arrest"},
    MissingAttributes: {"episode_id": "E1", "risk": "high", "from_care": True, "duration_hours": 3.5},
    IntelAttributes: {"grade": {"source": 1, "assessment": "B", "handling": "P"}, "themes": ["weapon"]},
    ProgrammeAttributes: {"status": "at_risk", "review_date": "2027-05-01T09:00:00Z", "reason": "declined twice"},
}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_is_taken_and_survives_being_written_out_and_read_again(kind: Kind) -> None:
    said = record(kind, attributes=FULL_ATTRIBUTES.get(ATTRIBUTES_BY_KIND[kind]), retracts="ab" * 16)
    feed = kind.feed or Feed.POLICE

    first = event(said, feed)
    again = event(as_record(first), feed)

    assert first.kind is kind
    assert isinstance(first.attributes, ATTRIBUTES_BY_KIND[kind])
    assert again == first


def test_the_border_knows_every_field_of_every_attribute_type() -> None:
    for kind, border in ATTRIBUTES_IN.items():
        beside = {"group"} if ATTRIBUTES_BY_KIND[kind] is CrimeAttributes else set()  # kept as the code
        assert set(border.__struct_fields__) == {part.name for part in fields(ATTRIBUTES_BY_KIND[kind])} | beside


@pytest.mark.parametrize(
    ("kind", "said", "code", "why"),
    [
        ("crime.recorded", {"group": "Homicide"}, ("HOMICIDE", "Homicide"), "the group stands for its code"),
        ("crime.recorded", {"group": "Homicide", "ho_code": " "}, ("HOMICIDE", "Homicide"), "a code of blanks is none"),
        ("crime.recorded", {"group": "Homicide", "ho_code": "8n"}, ("8N", "8n"), "the code says more"),
        ("crime.updated", {"group": "Homicide"}, (None, None), "what is told later takes no code away"),
    ],
)
def test_the_group_of_a_crime_stands_for_its_code(
    kind: str, said: dict[str, str], code: tuple[str | None, str | None], why: str
) -> None:
    crime = event(record(kind, attributes=said)).attributes
    assert isinstance(crime, CrimeAttributes)
    assert (crime.ho_code, crime.ho_code_raw) == code, why


@pytest.mark.parametrize("group", ["Violence with injury", "Fishing"])
def test_a_group_that_leaves_the_offence_open_is_a_missing_code(group: str) -> None:
    found = refused(record("crime.recorded", attributes={"group": group}))
    assert found.reason is RejectReason.MISSING_FIELD
    assert "attributes.ho_code" in found.detail
    assert event(record("crime.recorded", attributes={"group": group, "ho_code": "8N"}))
    assert event(record("crime.updated", attributes={"group": group}))


def test_the_id_is_ours_and_a_given_one_is_not_believed() -> None:
    ours = event_id(feed="police", source_system="RMS", source_key="99/10001/26", kind="crime.recorded", version="1")
    assert event(record(event_id="f" * 32, received_at="1999-01-01T00:00:00Z")).event_id == ours
    assert event(record(event_id="f" * 32)).received_at == NOW


@pytest.mark.parametrize(
    ("change", "same", "why"),
    [
        ({"version": "1"}, True, "a missing version is 1"),
        ({"version": 1}, True, "a number says the same as its text"),
        ({"source_key": "  99/10001/26 "}, True, "blanks around a key mean nothing"),
        ({"recorded_at": "2026-11-15T09:00:00Z"}, True, "content does not make another event"),
        ({"version": "2"}, False, "another version is another event"),
        ({"source_system": "RMS2"}, False, "keys belong to their system"),
        ({"kind": "crime.updated"}, False, "another kind is another event"),
    ],
)
def test_what_makes_it_the_same_event(change: dict[str, object], same: bool, why: str) -> None:
    assert (event(record(**change)).event_id == event(record()).event_id) is same, why  # type: ignore[arg-type]


def test_a_record_can_be_taken_back_by_its_senders_own_words() -> None:
    target = event(record("intel.submitted", source_key="IR-1", version="3"), Feed.INTEL)
    named = {"source_key": "IR-1", "kind": "intel.submitted", "version": 3}
    for retracts in (named, {**named, "source_system": "RMS"}, target.event_id):
        back = event(record("record.retracted", source_key="R1", mentions=None, retracts=retracts), Feed.INTEL)
        assert back.retracts == target.event_id


def test_people_come_as_mentions_or_flat_and_mean_the_same() -> None:
    flat = record(
        mentions=None,
        role="suspect",
        person_refs=[{"scheme": "nominal", "value": "NOM-1"}],
        demographics={"names": ["Testone, Ari Ben"], "dobs": ["2009-02-04"], "sex": "1", "postcodes": ["ZZ99 3VZ"]},
    )
    nested = record(
        mentions=[
            {
                "role": "suspect",
                "identity": {
                    "names": [{"given": "Ari Ben", "family": "Testone"}],
                    "dates_of_birth": [{"value": "2009-02-04"}],
                    "sex": "M",
                    "identifiers": [{"scheme": "nominal", "value": "NOM-1"}],
                    "postcodes": [" ZZ99   3VZ "],
                },
            }
        ]
    )
    assert event(flat) == event(nested)


def test_an_identity_keeps_all_that_was_said() -> None:
    identity = event(record()).mentions[0].identity
    assert [(name.given, name.family, name.kind) for name in identity.names] == [
        (("Ari", "Ben"), "Testone", NameKind.USUAL),
        (("Ace",), "", NameKind.STREET),
    ]
    assert identity.dates_of_birth[0].quality is DobQuality.ESTIMATED
    assert identity.sex is Sex.MALE
    assert [(one.scheme, one.system, one.verified) for one in identity.identifiers] == [
        (Scheme.NHS, "", True),
        (Scheme.NOMINAL, "RMS", False),  # a local number belongs to the system that sent it
    ]


def test_empty_values_of_a_person_are_dropped() -> None:
    person = {"names": ["", {"given": [" "], "family": ""}], "phones": ["  "], "sex": None, "postcodes": None}
    identity = event(record(mentions=[{"role": "victim", "identity": person}])).mentions[0].identity
    assert (identity.names, identity.phones, identity.sex) == ((), (), Sex.UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "feed", "role"),
    [
        ("custody.arrived", Feed.POLICE, Role.ARRESTED),
        ("missing.reported", Feed.POLICE, Role.MISSING),
        ("intel.submitted", Feed.INTEL, Role.NAMED),
        ("nrm.referred", Feed.POLICE, Role.VICTIM),
        ("visit.made", Feed.PROGRAMME, Role.CLIENT),
        ("ed.arrival", Feed.ED, Role.PATIENT),
    ],
)
def test_a_role_left_out_is_the_kinds_natural_one(kind: str, feed: Feed, role: Role) -> None:
    assert event(record(kind, mentions=[{"identity": PERSON}]), feed).mentions[0].role is role


def test_references_number_the_mentions_where_the_source_has_none() -> None:
    mentions = [{"role": "victim"}, {"role": "suspect"}, {"ref": "x", "role": "witness"}]
    assert [one.ref for one in event(record(mentions=mentions)).mentions] == ["1", "2", "x"]


def test_the_programme_names_its_clients_by_member_id() -> None:
    said = event(record("visit.made", mentions=None, member_id="M-0001"), Feed.PROGRAMME)
    assert (said.mentions[0].member_id, said.mentions[0].role) == ("M-0001", Role.CLIENT)


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        ("2026-07-01T10:00:00+01:00", datetime(2026, 7, 1, 9, 0, tzinfo=UTC), "an offset counts"),
        ("2026-07-01T10:00:00Z", datetime(2026, 7, 1, 10, 0, tzinfo=UTC), "Z is UTC"),
        ("2026-07-01 10:00", datetime(2026, 7, 1, 9, 0, tzinfo=UTC), "no offset is London: summer time"),
        ("2026-11-01T10:00:00", datetime(2026, 11, 1, 10, 0, tzinfo=UTC), "no offset is London: winter time"),
        ("2026-10-25T01:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "the repeated hour is read as its first"),
        ("2026-11-14T21:30:00.123456Z", datetime(2026, 11, 14, 21, 30, 0, 123456, tzinfo=UTC), "microseconds stay"),
    ],
)
def test_times_are_read_as_domain_md_says(text: str, expected: datetime, why: str) -> None:
    assert event(record(occurred_at=text)).occurred_at == expected, why


@given(
    st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2026, 11, 19)),
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_any_time_with_an_offset_comes_out_as_the_same_instant(naive: datetime, minutes: int) -> None:
    from datetime import timezone

    said = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    taken = event(record(occurred_at=said.isoformat()))
    assert taken.occurred_at == said
    assert taken.occurred_at.tzinfo is UTC


@given(st.dates(min_value=datetime(1900, 1, 1).date(), max_value=NOW.date()))
def test_any_date_of_birth_comes_out_as_said(day: object) -> None:
    person = {"dates_of_birth": [str(day)]}
    assert (
        event(record(mentions=[{"role": "victim", "identity": person}])).mentions[0].identity.dates_of_birth[0].value
        == day
    )


@given(st.text(max_size=40))
def test_no_text_in_a_date_field_is_taken_for_a_date_or_breaks_anything(text: str) -> None:
    result = parse_record(json.dumps(record(occurred_at=text)).encode(), feed=Feed.POLICE, received_at=NOW)
    assert not isinstance(result, Event) or text.strip()[:4].isdigit()


def test_a_clock_ten_minutes_ahead_is_forgiven() -> None:
    ahead = (NOW + timedelta(minutes=10)).isoformat()
    assert event(record(occurred_at=ahead)).occurred_at == NOW + timedelta(minutes=10)


def test_words_are_folded_so_that_rules_can_name_them() -> None:
    attributes = event(record(attributes={"flags": ["Domestic Abuse", "domestic-abuse", " "], "weapon": "Knife "}))
    assert isinstance(attributes.attributes, CrimeAttributes)
    assert attributes.attributes.flags == ("domestic_abuse", "domestic_abuse")
    assert attributes.attributes.weapon == "knife"


@pytest.mark.parametrize(
    ("attributes", "found", "why"),
    [
        ({}, (), "not mentioned"),
        ({"found": None}, (), "null is not mentioned"),
        ({"found": []}, NONE_STATED, "stated: nothing was found"),
        ({"found": [" "]}, NONE_STATED, "blank texts are nothing"),
        ({"found": ["?"]}, (), "what cannot be read is not taken for nothing"),
    ],
)
def test_a_list_stated_to_be_empty_is_not_one_left_out(
    attributes: dict[str, object], found: tuple[str, ...], why: str
) -> None:
    first = event(record("stopsearch.recorded", attributes=attributes))
    assert isinstance(first.attributes, SearchAttributes)
    assert first.attributes.found == found, why
    assert decode_event(encode(first)) == first, "kept"
    assert event(as_record(first)) == first, "written out and read again"
    not_mentioned = replace(first, attributes=replace(first.attributes, found=()))
    assert content_digest(first) == content_digest(not_mentioned), "told again after the upgrade it is the same"


def test_offence_codes_are_normalised_and_the_sent_one_kept() -> None:
    crime = event(record(attributes={"ho_code": " 008/01 "})).attributes
    assert isinstance(crime, CrimeAttributes)
    assert (crime.ho_code, crime.ho_code_raw) == ("8N", "008/01")
    custody = event(record("custody.arrived", attributes={"offences": ["105/01", "zz"], "ho_code": "8n"})).attributes
    assert isinstance(custody, CustodyAttributes)
    assert (custody.offences, custody.ho_code) == (("105A", "ZZ"), "8N")


@pytest.mark.parametrize(
    ("grade", "handling", "event_handling", "why"),
    [
        ("1/B/P", None, Handling.P, "the grade's handling is the record's"),
        ("1/B/P", "C", Handling.C, "the stricter of the two counts"),
        ("1/B/C", "P", Handling.C, "the stricter of the two counts, either way round"),
        ("B24", None, Handling.BLOCK, "5x5x5 handling 4 never goes to partners"),
        ("nonsense", None, Handling.NONE, "a malformed grade is carried as no grade"),
    ],
)
def test_handling_of_intelligence(grade: str, handling: str | None, event_handling: Handling, why: str) -> None:
    said = event(record("intel.submitted", attributes={"grade": grade}, handling=handling), Feed.INTEL)
    assert said.handling is event_handling, why


def test_a_malformed_grade_never_refuses_the_report() -> None:
    for grade in (None, "", "9ZZ", {"source": "?"}, [1, "B"], 7, {"source": {"deep": 1}}, "x" * 5000):
        attributes = event(record("intel.submitted", attributes={"grade": grade}), Feed.INTEL).attributes
        assert isinstance(attributes, IntelAttributes)
        assert attributes.grade.source is None
        assert attributes.grade.original in {"", "9ZZ"}
    assert Grade() == Grade()


@pytest.mark.parametrize(
    ("text", "marking"),
    [
        ("OFFICIAL", Marking.OFFICIAL),
        ("Official-Sensitive", Marking.OFFICIAL_SENSITIVE),
        ("OFFICIAL SENSITIVE", Marking.OFFICIAL_SENSITIVE),
    ],
)
def test_markings_in_their_usual_spellings(text: str, marking: Marking) -> None:
    assert event(record(marking=text)).marking is marking


def test_regime_is_part_two_unless_said() -> None:
    assert event(record()).regime is Regime.PART2
    assert event(record(regime="part3")).regime is Regime.PART3


def test_test_traffic_is_marked_and_provenance_is_ours() -> None:
    said = record(provenance={"live": False, "channel": "theirs", "source": "theirs", "position": 9})
    raw = json.dumps(said).encode()
    taken = parse_record(raw, feed=Feed.POLICE, received_at=NOW, channel="http", source="RMS-KEY", position=4)
    assert isinstance(taken, Event)
    assert (taken.provenance.live, taken.provenance.channel, taken.provenance.position) == (False, "http", 4)


def test_the_role_removed_is_taken_from_the_mention() -> None:
    said = event(record("crime.role_removed", mentions=[{"role": "witness", "identity": PERSON}]))
    assert isinstance(said.attributes, CrimeAttributes)
    assert said.attributes.role_removed is Role.WITNESS


def test_unknown_fields_may_be_dropped_and_counted() -> None:
    said = record("intel.submitted", attributes={"grade": "1/B/P", "text": "canary"}, colour="x")
    origin = Origin(Feed.INTEL, NOW)
    taken, dropped = parse_counted(json.dumps(said).encode(), origin, RecordPolicy(drop_unknown=True))
    assert isinstance(taken, Event)
    assert dropped == 2
    clean = record("intel.submitted", attributes={"grade": "1/B/P"})
    assert taken == replace(event(clean, Feed.INTEL), provenance=taken.provenance)


def test_a_colon_or_an_accent_written_as_an_escape_is_only_text() -> None:
    said = json.dumps(record(attributes={"injury_level": "a:b"})).replace("a:b", "a\\u003ab\\u00e9").encode()
    assert isinstance(event(said).attributes, CrimeAttributes)


def test_no_personal_data_in_the_events_own_words() -> None:
    from tests.unit.streams.feeds.records.said import CANARIES

    assert not [canary for canary in CANARIES if canary in repr(event(record()))]


def test_the_speed_of_reading_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    from time import process_time

    raw = json.dumps(record(attributes={"ho_code": "008/01", "flags": ["knife"]})).encode()
    rounds = 2000
    best = 1e9
    for _ in range(3):
        start = process_time()
        for _ in range(rounds):
            parse_record(raw, feed=Feed.POLICE, received_at=NOW)
        best = min(best, (process_time() - start) / rounds)
    with capsys.disabled():
        print(f"\n[records] accepting a {len(raw)} byte record: {best * 1e6:.1f} us")


def test_missing_and_ed_values_are_typed() -> None:
    missing = event(record("missing.reported", attributes={"risk": "high"})).attributes
    assert isinstance(missing, MissingAttributes)
    assert missing.risk is MissingRisk.HIGH
    visit = event(record("ed.arrival", attributes={"intent": "assault", "acuity": 2}), Feed.ED).attributes
    assert isinstance(visit, EdAttributes)
    assert (visit.intent, visit.acuity) == (Intent.ASSAULT, 2)
