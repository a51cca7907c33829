"""ADT messages as events: kinds, times, visits, codes, merges, and what is refused or ignored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.attributes import EdAttributes, Intent, Mechanism
from domain.events import Event
from domain.kinds import Feed, Kind, Role
from streams.feeds.ed import KINDS
from streams.feeds.outcome import RejectReason, Where
from tests.unit.streams.feeds.ed.messages import (
    ITK_A04,
    NOW,
    adt,
    event,
    ignored,
    parse,
    rejected,
    segment,
    site_policy,
)


def attributes(message: str) -> EdAttributes:
    found = event(message).attributes
    assert isinstance(found, EdAttributes)
    return found


def test_the_a04_of_the_domain_page_is_an_arrival() -> None:
    arrival = event(ITK_A04)
    assert (arrival.kind, arrival.feed, arrival.source_system) == (Kind.ED_ARRIVAL, Feed.ED, "PAS:X9Z")
    assert (arrival.source_key, arrival.sequence, arrival.version) == ("MSG000001", 1, "1")
    assert arrival.occurred_at == datetime(2026, 11, 14, 21, 28, tzinfo=UTC)
    assert arrival.recorded_at == datetime(2026, 11, 14, 21, 29, 55, tzinfo=UTC)
    assert arrival.received_at == NOW
    assert arrival.provenance.live and arrival.provenance.position == 7
    assert arrival.attributes == EdAttributes(
        visit_key="X9ZVISIT:V0001",
        patient_key="X9ZPAS:H0001",
        site_ods="X9Z01",
        arrival=datetime(2026, 11, 14, 21, 28, tzinfo=UTC),
        patient_class="E",
    )
    assert [mention.role for mention in arrival.mentions] == [Role.PATIENT]


@pytest.mark.parametrize(("trigger", "kind"), [(t, k) for t, k in KINDS.items() if t != "A40"])
def test_each_trigger_event_has_its_kind(trigger: str, kind: Kind) -> None:
    assert event(adt(trigger)).kind is kind


@pytest.mark.parametrize("trigger", ["A02", "A05", "A12", "A38", "A62", "a14"])
def test_other_events_of_adt_are_ignored(trigger: str) -> None:
    assert ignored(adt(trigger)).control_id == "C1"


@pytest.mark.parametrize(
    ("pv1", "why"),
    [
        ({2: "E"}, "class emergency"),
        ({2: "I", 4: "21"}, "admitted through this provider's A&E"),
        ({2: "I", 4: "28"}, "admitted through another one's"),
        ({2: "O", 10: "180"}, "the specialty is A&E"),
    ],
)
def test_emergency_visits_are_taken(pv1: dict[int, str], why: str) -> None:
    assert event(adt("A01", pv1=pv1)).kind is Kind.ED_ADMITTED, why


@pytest.mark.parametrize("trigger", ["A01", "A03", "A04", "A08", "A11", "A13"])
def test_visits_of_other_departments_are_ignored(trigger: str) -> None:
    assert ignored(adt(trigger, pv1={2: "O", 4: "11", 10: "300"})).why == "not an emergency visit"


def test_a_message_that_names_no_class_opens_no_visit_but_may_amend_one() -> None:
    assert rejected(adt("A04", pv1={2: ""})).where == Where(7, "PV1", "PV1-2")
    assert event(adt("A11", pv1={2: ""})).kind is Kind.ED_CANCELLED


@pytest.mark.parametrize(
    ("message", "hour_minute", "why"),
    [
        (adt(), "2128", "EVN-6: when it happened"),
        (adt(evn={6: ""}, pv1={44: "20261114212700"}), "2127", "an arrival is when the patient arrived"),
        (adt(evn={6: ""}), "2129", "EVN-2: when it was written down"),
        (adt(without=("EVN",)), "2130", "no EVN: MSH-7"),
        (adt("A03", evn={6: ""}, pv1={45: "20261114212600"}), "2126", "a departure is when the patient left"),
        (adt("A08", evn={6: ""}, pv1={44: "20261114200000"}), "2129", "an update is not the arrival"),
        (adt(evn={6: "20261114"}), "2129", "a day alone gives way to a time"),
        (adt(evn={6: "yesterday"}), "2129", "what cannot be read gives way"),
        (adt(evn={6: "20991114212800"}), "2129", "what lies in the future gives way"),
        (adt(evn={6: "20261114222800+0100"}), "2128", "an offset counts"),
    ],
)
def test_the_event_time_is_the_best_that_is_given(message: str, hour_minute: str, why: str) -> None:
    assert event(message).occurred_at.strftime("%H%M") == hour_minute, why


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("20990101000000", RejectReason.FUTURE_DATE),
        ("20261399", RejectReason.BAD_DATE),
        ("", RejectReason.MISSING_FIELD),
    ],
)
def test_without_any_possible_time_a_message_is_refused(stamp: str, reason: RejectReason) -> None:
    assert rejected(adt(msh={7: stamp}, evn={2: stamp, 6: stamp})).reason is reason


def test_a_clock_that_runs_a_little_ahead_is_forgiven() -> None:
    ahead = (NOW + timedelta(hours=5)).strftime("%Y%m%d%H%M%S")
    assert event(adt(evn={6: ahead})).occurred_at == (NOW + timedelta(hours=5)).replace(microsecond=0)


def test_the_same_control_id_is_the_same_event_and_another_is_not() -> None:
    first, again = event(adt()), event(adt(msh={7: "20261114213500"}))
    assert first.event_id == again.event_id
    others = [adt(msh={10: "C2"}), adt(msh={3: "EPR"}), adt(msh={4: "X9Y"}), adt("A08")]
    assert len({first.event_id, *(event(other).event_id for other in others)}) == 5


@pytest.mark.parametrize(("processing", "live"), [("P", True), ("P^T", True), ("T", False), ("D", False), ("", False)])
def test_only_production_traffic_is_live(processing: str, live: bool) -> None:
    assert event(adt(msh={11: processing})).provenance.live is live


@pytest.mark.parametrize(
    ("message", "reason", "field", "why"),
    [
        (adt(msh={10: ""}), RejectReason.MISSING_FIELD, "MSH-10", "cannot be acknowledged"),
        (adt(msh={10: "C" * 200}), RejectReason.BAD_VALUE, "MSH-10", "cannot be echoed"),
        (adt(msh={9: "ORU^R01"}), RejectReason.UNSUPPORTED_MESSAGE, "MSH-9.1", "a result"),
        (adt(msh={9: "ADT^Q99"}), RejectReason.UNSUPPORTED_MESSAGE, "MSH-9.2", "no event of ADT"),
        (adt(msh={12: "2.2"}), RejectReason.UNSUPPORTED_VERSION, "MSH-12", "too old"),
        (adt(msh={12: "3.0"}), RejectReason.UNSUPPORTED_VERSION, "MSH-12", "another standard"),
        (adt(without=("PID",)), RejectReason.MISSING_FIELD, "", "an arrival of nobody"),
        (adt(without=("PV1",)), RejectReason.MISSING_FIELD, "", "an arrival nowhere"),
        (adt(pid={3: ""}, pv1={19: ""}), RejectReason.MISSING_FIELD, "PV1-19", "no visit and no patient"),
        (adt("A31", pid={3: "", 5: ""}), RejectReason.MISSING_FIELD, "PID-3", "a person without any mark"),
        (adt("A40"), RejectReason.MISSING_FIELD, "MRG-1", "a merge of nothing"),
        (adt("A40", "MRG|H2^^^X9ZPAS", pid={3: ""}), RejectReason.MISSING_FIELD, "PID-3", "a merge into nothing"),
        (adt(pid={3: "~".join(["H1"] * 201)}), RejectReason.TOO_MANY_REPEATS, "PID-3", "a field that we read"),
        (adt("A40", "MRG|H2", "MRG|H3"), RejectReason.UNSUPPORTED_MESSAGE, "", "the second would be lost"),
        ("MSH|^~\\&|PAS|X9Z", RejectReason.TRUNCATED, "", "cut inside the header"),
    ],
)
def test_what_is_needed_and_missing_is_refused_with_its_place(
    message: str, reason: RejectReason, field: str, why: str
) -> None:
    refused = rejected(message)
    assert (refused.reason, refused.where.field) == (reason, field), why
    assert refused.where.record == 7
    assert refused.raw == message.encode() and refused.content_type == "hl7"


def test_a_hundred_thousand_repetitions_of_what_we_do_not_read_are_no_fault() -> None:
    assert event(adt("A08", segment("NK1", {2: "~".join(["TEST^NEXT"] * 100_000)}))).kind is Kind.ED_UPDATED


@pytest.mark.parametrize(
    ("pid", "pv1", "visit", "patient", "why"),
    [
        ({}, {}, "X9ZVISIT:V0001", "X9ZPAS:H0001", "each by its authority"),
        ({3: "H0001"}, {19: "V0001"}, "X9Z:V0001", "X9Z:H0001", "without one, by the facility"),
        ({}, {19: "", 50: "ALT1^^^X9ZVISIT"}, "X9ZVISIT:ALT1", "X9ZPAS:H0001", "the alternate visit number"),
        ({}, {19: '""'}, "", "X9ZPAS:H0001", "null is no number"),
        (
            {3: "T1^^^X9ZTMP^PI~H1^^^X9Z^MR"},
            {},
            "X9ZVISIT:V0001",
            "X9Z:H1",
            "the hospital number stands for the patient",
        ),
    ],
)
def test_visits_and_patients_are_scoped(
    pid: dict[int, str], pv1: dict[int, str], visit: str, patient: str, why: str
) -> None:
    found = attributes(adt("A08", pid=pid, pv1=pv1))
    assert (found.visit_key, found.patient_key) == (visit, patient), why


def test_a_patient_known_by_nhs_number_only_gets_a_key_that_hides_it() -> None:
    keys = {attributes(adt(trigger, pid={3: "999 000 0018^^^NHS"})).patient_key for trigger in ("A04", "A03")}
    assert len(keys) == 1
    assert "9990000018" not in keys.pop()


def test_a_merge_names_the_survivor_and_the_record_that_is_gone() -> None:
    message = adt(
        "A40",
        "MRG|9990000018^^^NHS~H0002^^^X9ZPAS",
        pid={3: "E77^^^X9ZEPR~9990000018^^^NHS~H0001^^^X9ZPAS"},
        without=("PV1",),
    )
    found = attributes(message)
    assert (found.patient_key, found.merged_patient_key) == ("X9ZPAS:H0001", "X9ZPAS:H0002")


@pytest.mark.parametrize(
    ("diagnoses", "intent", "mechanism", "code_class", "codes", "why"),
    [
        (["X99.1^CUT^I10"], Intent.ASSAULT, Mechanism.SHARP, "assault", ("icd10:X99",), "stabbed"),
        (["X94"], Intent.ASSAULT, Mechanism.FIREARM, "assault", ("icd10:X94",), "shot; the system is not said"),
        (["x860^^ICD-10"], Intent.ASSAULT, Mechanism.CORROSIVE, "assault", ("icd10:X86",), "acid, written otherwise"),
        (["Y00"], Intent.ASSAULT, Mechanism.BLUNT_OBJECT, "assault", ("icd10:Y00",), "a blunt object"),
        (["Y04.0"], Intent.ASSAULT, Mechanism.BODY_PART, "assault", ("icd10:Y04",), "fists"),
        (["Y05"], Intent.ASSAULT, Mechanism.SEXUAL, "assault", ("icd10:Y05",), "sexual"),
        (["Y09"], Intent.ASSAULT, None, "assault", ("icd10:Y09",), "assault by means not said"),
        (["X78"], Intent.SELF_HARM, None, "self_harm", ("icd10:X78",), "self-harm"),
        (["Y34"], Intent.UNDETERMINED, None, "injury", ("icd10:Y34",), "undetermined"),
        (["276853009^^SCT"], Intent.SELF_HARM, None, "self_harm", ("snomed:276853009",), "SNOMED"),
        (["6471006"], None, None, "mental_health", ("snomed:6471006",), "SNOMED by its form"),
        (["S01.0"], None, None, None, (), "a wound says nothing of intent and is not kept"),
        (["Z33", "X99"], Intent.ASSAULT, Mechanism.SHARP, "assault", ("icd10:X99",), "only what matters is kept"),
        (["X78", "Y04"], Intent.ASSAULT, Mechanism.BODY_PART, "assault", ("icd10:X78", "icd10:Y04"), "gravest first"),
        (["X99^^I9"], None, None, None, (), "another list's code of the same form"),
        (["^stabbed in the leg"], None, None, None, (), "text is never read"),
        (["A^^L^X99^^I10"], Intent.ASSAULT, Mechanism.SHARP, "assault", ("icd10:X99",), "the alternate code"),
    ],
)
def test_codes_are_classified(
    diagnoses: list[str],
    intent: Intent | None,
    mechanism: Mechanism | None,
    code_class: str | None,
    codes: tuple[str, ...],
    why: str,
) -> None:
    found = attributes(adt("A08", *(f"DG1|{number}||{code}" for number, code in enumerate(diagnoses, 1))))
    assert (found.intent, found.mechanism, found.code_class, found.codes) == (intent, mechanism, code_class, codes), why


def test_the_coding_method_of_2_3_names_the_list() -> None:
    assert attributes(adt("A08", "DG1|1|I9|X99", msh={12: "2.3"})).intent is None
    assert attributes(adt("A08", "DG1|1|I10|X99", msh={12: "2.3"})).intent is Intent.ASSAULT


def test_safeguarding_codes_are_flags() -> None:
    assert attributes(adt("A08", "DG1|1||836881000000105^^SCT")).safeguarding == ("child_cause_for_concern",)


def test_a_site_gives_its_own_admit_reasons_and_dispositions(tmp_path: Path) -> None:
    policy = site_policy(
        tmp_path,
        """
local_codes: {X9Z: {KNIFE: {intent: assault, mechanism: sharp, class: assault}}}
dispositions: {X9Z: {"12": left_before_treatment}}
""",
    )
    reason = segment("PV2", {3: "KNIFE", 38: "A"})
    found = event(adt("A08", reason, pv1={36: "12"}), policy).attributes
    assert isinstance(found, EdAttributes)
    assert (found.intent, found.mechanism, found.mode) == (Intent.ASSAULT, Mechanism.SHARP, "ambulance")
    assert found.disposition == "left_before_treatment"
    elsewhere = event(adt("A08", reason, pv1={36: "12"}, msh={4: "X9Y"}), policy).attributes
    assert isinstance(elsewhere, EdAttributes) and (elsewhere.intent, elsewhere.disposition) == (None, None)
    texted = event(adt("A08", segment("PV2", {3: "KNIFE in leg", 12: "a KNIFE"})), policy).attributes
    assert isinstance(texted, EdAttributes) and texted.intent is None


@pytest.mark.parametrize(
    ("code", "disposition"),
    [("1", "discharged"), ("2", "self_discharge"), ("4", "died"), ("absconded", "absconded"), ("77", None)],
)
def test_a_departure_says_how_the_visit_ended(code: str, disposition: str | None) -> None:
    found = attributes(adt("A03", pv1={36: code, 45: "20261114212500"}))
    assert found.disposition == disposition
    assert found.departed_at == datetime(2026, 11, 14, 21, 25, tzinfo=UTC)


def test_times_of_the_visit_that_cannot_be_are_dropped() -> None:
    found = attributes(adt("A08", pv1={44: "20261114", 45: "20991114212500"}))
    assert (found.arrival, found.departed_at) == (None, None)


def test_null_clears_and_absence_leaves() -> None:
    message = adt("A08", 'DG1|1||""', 'PV2|||""', pid={13: '""', 7: '""'}, pv1={36: '""', 45: '""'})
    cleared = attributes(message).cleared
    assert set(cleared) == {
        *("dates_of_birth", "phones", "disposition", "departed_at"),
        *("codes", "intent", "mechanism", "code_class"),
    }
    assert attributes(adt("A08")).cleared == ()


def test_no_text_of_the_message_travels_on() -> None:
    canaries = ["CANARYNOTE", "CANARYREASON", "CANARYKIN", "CANARYETHNIC", "CANARYMOTHER"]
    message = adt(
        "A08",
        "DG1|1||X99^CANARYNOTE^I10|CANARYNOTE",
        segment("PV2", {3: "^CANARYREASON", 12: "CANARYREASON"}),
        "NK1|1|CANARYKIN^TEST|MTH||07700900999",
        "OBX|1|TX|1||CANARYNOTE",
        pid={6: "CANARYMOTHER", 9: "CANARYMOTHER", 22: "CANARYETHNIC"},
    )
    found = event(message)
    identity = found.mentions[0].identity
    everything = repr(found) + repr([getattr(identity, name) for name in type(identity).__slots__])
    everything += repr([(name.given, name.family) for name in identity.names])
    assert not [canary for canary in canaries if canary in everything]
    assert "07700900999" not in identity.phones


def test_refusals_carry_no_values() -> None:
    refused = rejected(adt(msh={12: "CANARYVERSION"}, pid={5: "CANARYNAME"}))
    assert "CANARY" not in repr(refused)


OTHERS = {
    "2.3 with a two-part type, trigger in EVN, local authority with check digit, trailing separators": (
        "MSH|^~\\&|AccMgr|1|||20260110045504||ADT^A04|599102|P|2.3|||\n"
        "EVN|A04|20260110045502|||||\n"
        "PID|1||10006579^^^1^MRN^1||TESTTWO^DAN^D||20081010|M||1|11 SAMPLE ST^^SAMPLETON^XX^ZZ99 3WZ^^M|1|"
        "07700900111|07700900112|1|2||40007716^^^AccMgr^VN^1|999|||||||||||NO\n"
        "NK1|1|TESTTWO^KIM|SO|3 SAMPLE RD^^SAMPLETON|01632960111||Y||||||||||||||\n"
        "PV1|1|E|ED^101^1^1^^^S|3|||37^TEST^DOC^^^^^^AccMgr^^^^CI|||01||||1|||37^TEST^DOC|2|40007716^^^AccMgr^VN|4|\n"
    ),
    "2.5 as European profiles send it: authority with an OID, character set, names of two types": (
        "MSH|^~\\&|PAMSIM|X9Z|App1|Fac1|20260424103105||ADT^A04^ADT_A01|20260424103105|P|2.5||||||8859/1\r"
        "EVN||20260424103105||||20260424103105\r"
        "PID|||D-43201^^^DDS&1.2.3.4.5&ISO^PI||Bäuer^Lothar^^^^^L|Schneider^^^^^^M|20081113050908|M|||"
        "Kirchenplatz&Kirchenplatz&7^^Sampleton^^84359^AUT|||||||2436^^^IHEPAM&1.2.3.4.6&ISO^AN|||||||||||||N\r"
        "PV1||E|||||||||||||||||2437^^^IHEPAM&1.2.3.4.6&ISO^VN|||||||||||||||||||||||||20260424103100|||||||V\r"
    ),
    "2.4 of a British portal: NHS number by type, phones by use, e-mail in XTN-4, no EVN": (
        "MSH|^~\\&|SendingApp|SendingFacility|HL7API|PKB|20260102101112||ADT^A04|ABC0000000001|P|2.4\r"
        "PID|||9990000026^^^X9Z^NH||Testthree^Jo^Kim^^Mr||20070101|M|||Flat^1, The Road^Sampleton^Sampleton^ZZ99 3VZ^GBR||"
        "01632960222^PRN~07700900222^PRS|^NET^^jo@example.com~01632960333^WPN||||||||||||||||N|\r"
        "PV1|1|E|^^^^^^^^My Ward||||^Test^Stuart^James^^Dr^||||||||||||V00001|||||||||||||||||||||||||202601011000|\r"
    ),
    "2.5.1 with long fields, a lower-case Z-segment and phones in parts": (
        "MSH|^~\\&|EPR^1.2.3^ISO|X9Z^1.2.4^ISO|||20260102101112.123+0000||ADT^A04^ADT_A01|11111111-2222-3333-4444-"
        "555555555555|P|2.5.1|||AL|NE|GBR|UNICODE UTF-8\r"
        "EVN|A04|20260102101112+0000||||20260102101000.000+0000\r"
        "zau|1|anything|goes\r"
        "PID|1||MRN77^^^X9Z&1.2.4&ISO^MR^X9Z&1.2.4&ISO||TESTFOUR&&TESTFOUR^NÚRIA^^^^^L||20090303|F|||"
        "5 SAMPLE RD^^SAMPLETON^^ZZ99 3VZ^GBR^H||^PRN^PH^^44^1632^960444~^PRS^CP^^^^^^^^^07700900444\r"
        "PV1|1|E|ED^^^X9Z01&1.2&ISO||||||||||||||||EN1^^^X9ZVISIT^VN||||||||||||||||||||||||||||||||||||||||||||||||||\r"
        "ZZZ|" + "long " * 5000 + "\r"
    ),
}
"""Shapes that public libraries, profiles and vendors document, in our own words and with reserved identities."""


@pytest.mark.parametrize(("why", "message"), OTHERS.items())
def test_other_peoples_messages_are_taken(why: str, message: str) -> None:
    arrival = event(message.encode("latin-1" if "8859/1" in message else "utf-8"))
    assert arrival.kind is Kind.ED_ARRIVAL, why
    found, identity = arrival.attributes, arrival.mentions[0].identity
    assert isinstance(found, EdAttributes)
    expected = {
        "599102": ("AccMgr:40007716", "1:10006579", "TESTTWO", ("07700900111", "07700900112")),
        "20260424103105": ("IHEPAM:2437", "DDS:D-43201", "Bäuer", ()),
        "ABC0000000001": ("SendingFacility:V00001", None, "Testthree", ("01632960222", "07700900222", "01632960333")),
        "11111111-2222-3333-4444-555555555555": (
            *("X9ZVISIT:EN1", "X9Z:MRN77", "TESTFOUR"),
            ("1632960444", "07700900444"),
        ),
    }[arrival.source_key]
    visit, patient, family, phones = expected
    assert (found.visit_key, identity.names[0].family, identity.phones) == (visit, family, phones)
    assert patient is None or found.patient_key == patient


def test_the_parser_reads_no_clock_and_keeps_no_state() -> None:
    first = parse(ITK_A04)
    assert isinstance(first, Event)
    assert parse(ITK_A04) == first
    assert replace(first, received_at=NOW) == first
