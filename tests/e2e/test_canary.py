"""Nothing personal leaves: canaries in every field, then a search of every byte that left and of every side channel.

The one exception is the recipient's own address, which the provider must be told. The search itself is proved on the
one place where a canary belongs: the alert's page of the navigator who has to go there.
"""

import asyncio
import contextlib
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from domain.clock import SystemClock
from domain.identity import DateOfBirth, Identifier, Identity, Name, NameKind, Scheme, Sex
from domain.ids import HouseholdId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus, Navigator, WatchAuthority
from fixtures.endpoints import Act
from fixtures.identifiers import IdentifierBook, e164
from streams.feeds.ed import EdPolicy
from streams.feeds.ed_codes import EdCodes
from streams.feeds.mllp import MllpListener, MllpSettings
from tests.e2e.canaries import Canaries
from tests.e2e.house import House, MllpLine, open_house
from tests.e2e.people import RMS, adt, ago, line, mention, record
from tests.e2e.tap import Tap

OTHER_ROLES = ("dashboard", "operator", "analyst", "auditor", "gatekeeper", "feed")
"""Roles that must not see who anybody is; a supervisor and the navigator who goes there do."""
PATHS = (
    "/v1/health", "/v1/ready", "/openapi.json", "/docs", "/metrics", "/v1/feeds", "/v1/ledger", "/v1/alerts",
    "/v1/alerts/counts", "/v1/quarantine", "/v1/reviews", "/v1/gatekeeper",
)  # fmt: skip
PURPOSES = ("URGENT", "UPDATE", "CORRECTED", "WITHDRAWN", "DECISION needed", "NOBODY TOLD")


@dataclass(frozen=True, slots=True)
class Planted:
    """The people of this test, and the canaries in them."""

    canaries: Canaries
    members: dict[str, CohortMember]
    staff: dict[str, Navigator]

    @property
    def addresses(self) -> set[str]:
        """What a provider must be told, each of its own message only."""
        return {address for one in self.staff.values() for address in (one.phone, one.email)}


def person(canaries: Canaries, book: IdentifierBook, name: str, navigator: str) -> CohortMember:
    """A watched person with a canary in every field that has one."""
    plant, word = canaries.plant, canaries.word
    home = f"{canaries.word(f'{name} street')} Lane, {word(f'{name} town')}"
    identity = Identity(
        names=(
            Name((word(f"{name} given"), word(f"{name} middle")), word(f"{name} family")),
            Name((word(f"{name} alias"),), word(f"{name} alias family"), NameKind.ALIAS),
            Name((word(f"{name} street name"),), "", NameKind.STREET),
        ),
        dates_of_birth=(DateOfBirth(date(2009, 3, 1 + len(canaries) % 27)),),
        sex=Sex.MALE,
        identifiers=(
            Identifier(Scheme.NHS, plant(f"{name} nhs", book.nhs()), verified=True),
            Identifier(Scheme.PNC, plant(f"{name} pnc", book.pnc())),
            Identifier(Scheme.CRO, plant(f"{name} cro", book.cro())),
            Identifier(Scheme.NOMINAL, word(f"{name} nominal"), system=RMS),
        ),
        postcodes=(plant(f"{name} postcode", book.postcode()),),
        addresses=(home,),
        phones=(plant(f"{name} phone", e164(book.mobile())),),
        emails=(f"{word(f'{name} email')}@example.com",),
    )
    return CohortMember(
        member_id=MemberId(f"M-{name}"),
        status=MemberStatus.NON_ENGAGER,
        identity=identity,
        programme="reach",
        area="testshire",
        household_id=HouseholdId(f"HH-{word(f'{name} household')}"),
        navigator_id=NavigatorId(navigator),
        watch=WatchAuthority(
            reason=canaries.phrase(f"{name} watch reason"),
            lawful_basis=canaries.phrase(f"{name} lawful basis"),
            authorised_by=canaries.phrase(f"{name} authorised by"),
        ),
        safe_contact=canaries.phrase(f"{name} safe contact", 4),
        staff_safety=canaries.phrase(f"{name} staff safety", 4),
    )


def plant() -> Planted:
    """Five people, four who are sent. Their addresses are canaries too: they may stand in their own messages only."""
    canaries, book = Canaries("canaries"), IdentifierBook(Random("canaries"))
    marks: dict[str, dict[str, Any]] = {
        "N1": {"area": "testshire"},
        "AWAY": {"available": False},
        "GATE": {"gatekeeper": True},
        "SUP": {"supervisor": True},
    }
    staff = {
        name: Navigator(
            navigator_id=NavigatorId(name),
            name=canaries.phrase(f"navigator {name}"),
            phone=canaries.plant(f"navigator {name} phone", f"+4477009008{number:02d}"),
            email=canaries.plant(f"navigator {name} email", f"zq-{name.lower()}-zq@example.com"),
            **marks[name],
        )
        for number, name in enumerate(marks, start=11)
    }
    wanted = {"ari": "N1", "bel": "N1", "cai": "N1", "dov": "AWAY", "eda": "N1"}
    members = {name: person(canaries, book, name, navigator) for name, navigator in wanted.items()}
    return Planted(canaries, members, staff)


@pytest.fixture(scope="module")
def planted() -> Planted:
    return plant()


@pytest.fixture(scope="module")
def tap() -> Iterator[Tap]:
    found = Tap()
    yield found
    found.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, planted: Planted, tap: Tap) -> Iterator[House]:
    """A house in which everything has happened: alerts, changes, notices, refusals and faults, all with canaries."""
    with open_house(tmp_path_factory.mktemp("canary"), level="debug", through=tap.before) as running:
        running.bring(planted.members.values(), planted.staff.values())
        live_through(running, planted)
        yield running


def live_through(house: House, planted: Planted) -> None:
    """The lives of five people in half a minute."""
    tell_by_mllp(house, planted)
    tell_the_police_side(house, planted)
    tell_the_programme_side(house, planted)
    send_what_cannot_be_taken(house, planted)
    break_the_far_ends(house, planted)
    break_the_store(house, planted)
    house.settle()


def visit(planted: Planted, name: str, trigger: str, code: str = "", **more: Any) -> bytes:
    """An ED message about somebody, with clinical text, kin and hospital names in it."""
    word = planted.canaries.word
    extra = [
        f"NK1|1|{word('kin family')}^{word('kin given')}|MTH|1 {word('kin street')} St|{planted.staff['N1'].phone}",
        f"NTE|1||{planted.canaries.phrase('clinical note', 6)}",
        f"AL1|1||{word('allergy')}",
        f"ZHC|1|{word('hospital')} General Hospital|{word('ward')} Ward",
    ]
    if code:
        extra.append(f"DG1|1||{code}^{planted.canaries.phrase('diagnosis text', 3)}^I10")
    at = ago(minutes=3)
    message = adt(
        planted.members[name], trigger, control=f"{name}-{trigger}{code}", visit=f"V-{name}", at=at, extra=extra
    )
    return message.replace(b"ED^^^X9Z01", f"ED^^^X9Z01^^^^^{word('hospital site')} Infirmary".encode(), 1)


def crime(planted: Planted, name: str, key: str, **more: Any) -> dict[str, Any]:
    """A crime with the victim's whole identity and the place."""
    who, word = planted.members[name], planted.canaries.word
    said = mention(who, "victim")
    said["identity"] |= {"addresses": list(who.identity.addresses), "phones": list(who.identity.phones)}
    suspect = {
        "role": "suspect",
        "identity": {"names": [{"given": [word("suspect")], "family": word("suspect family")}]},
    }
    place = {"postcode": planted.canaries.plant("place", "XM99 9ZZ"), "address_key": word("place address")}
    values = {"ho_code": "8N", "weapon": word("weapon word"), "household_key": word("crime household")}
    return record("crime.recorded", key, ago(minutes=4), said, suspect, place=place, attributes=values, **more)


def tell_by_mllp(house: House, planted: Planted) -> None:
    """An alert, an update by what the diagnosis says, a withdrawal; and one that reaches nobody."""
    assert house.mllp(visit(planted, "ari", "A04", "Y04.0")) == ["AA"]
    assert len(house.wait_for(2, within=15)) == 2
    assert house.mllp(visit(planted, "ari", "A08", "X99.9"), visit(planted, "dov", "A04", "X99.9")) == ["AA", "AA"]
    assert len(house.wait_for(6, within=15)) == 6
    assert house.mllp(visit(planted, "ari", "A11")) == ["AA"]
    assert len(house.wait_for(8, within=15)) == 8


def tell_the_police_side(house: House, planted: Planted) -> None:
    """A firing that joins another and is taken back (correction), and intelligence that waits for the gatekeeper."""
    assert house.mllp(visit(planted, "bel", "A04", "X99.9")) == ["AA"]
    house.send(Feed.POLICE, crime(planted, "bel", "99/8/26"))
    house.settle()
    cancelled = record("crime.cancelled", "99/8/26", ago(minutes=1))
    house.send(Feed.POLICE, cancelled)
    grade = {"source": 1, "assessment": "A", "handling": "C"}
    word = planted.canaries.word
    attributes = {"grade": grade, "origin_unit": word("unit"), "themes": ["weapon"], "conditions": [word("condition")]}
    report = record(
        "intel.submitted", "IR-1", ago(hours=1), mention(planted.members["cai"]), system="INTEL", attributes=attributes
    )
    house.send(Feed.INTEL, report)
    doubtful = mention(planted.members["eda"])
    doubtful["identity"] = {name: doubtful["identity"][name] for name in ("names", "postcodes")}
    house.send(Feed.POLICE, record("incident.opened", "LOG-1", ago(minutes=9), doubtful))
    house.settle()


def tell_the_programme_side(house: House, planted: Planted) -> None:
    """What the programme notes about somebody, as a file."""
    phrase = planted.canaries.phrase
    who = planted.members["eda"].member_id
    visits = [
        record("visit.made", "VS-1", ago(hours=3), member_id=who, system="CASEWORK", attributes={"outcome": phrase("visit outcome")}),
        record("callback.requested", "CB-1", ago(hours=2), member_id=who, system="CASEWORK", attributes={"safe_contact": phrase("callback")}),
    ]  # fmt: skip
    done = house.ingest("programme", b"\n".join(line(each) for each in visits), "visits.ndjson")
    assert done.json["accepted"] == len(visits), done.err


def send_what_cannot_be_taken(house: House, planted: Planted) -> None:
    """Refusals whose every value is a canary: the reason may name the place only."""
    said = crime(planted, "ari", "99/9/26")
    bad_ones = [
        {**said, "narrative": planted.canaries.phrase("narrative", 8)},
        {**said, "kind": planted.canaries.word("kind")},
        {**said, "occurred_at": planted.canaries.word("date")},
        {**said, planted.canaries.word("field name"): 1},
        {
            **said,
            "attributes": {"ho_code": "8N", planted.canaries.word("attribute name"): planted.canaries.word("value")},
        },
    ]
    answers = house.send(Feed.POLICE, *bad_ones, line(said)[:-40])
    assert all(answer["result"] == "quarantined" for answer in answers)
    assert planted.canaries.found_in(json.dumps(answers).encode()) == {}
    broken = visit(planted, "ari", "A04", "X99.9").replace(b"|P|2.4|", b"|P|9.9|")
    connection = house.line()
    ack = connection.ask(broken)
    assert ack.code == "AR" and planted.canaries.found_in(ack.whole) == {}
    connection.close()


def break_the_far_ends(house: House, planted: Planted) -> None:
    """Providers that refuse, fail and drop the line, in the middle of an alert."""
    house.smtp.play(Act(451), Act(550))
    house.sms.play(Act(500), Act(reset=True), Act(400))
    assert house.mllp(visit(planted, "cai", "A04", "X99.9")) == ["AA"]
    house.settle()
    time.sleep(1.0)


def break_the_store(house: House, planted: Planted) -> None:
    """A store that is full for a while: intake must say "later", the loops must try again."""

    async def fill(client: Redis, most: str) -> None:
        await client.config_set("maxmemory", most)

    house.send(Feed.POLICE, *(crime(planted, "eda", f"99/1{number}0/26") for number in range(30)))
    house.ask(lambda client: fill(client, "1mb"))
    key = house.key("feed", "police")  # made earlier: the store takes nothing new now
    answer = house.post("/v1/feeds/police/events", key, line(crime(planted, "eda", "99/11/26")), "application/x-ndjson")
    assert answer.status_code == 503, answer.text
    assert planted.canaries.found_in(answer.content) == {}
    assert house.mllp(visit(planted, "eda", "A04", "X99.9")) == ["AE"]
    time.sleep(0.5)
    house.ask(lambda client: fill(client, "0"))
    assert house.mllp(visit(planted, "eda", "A04", "X99.9")) == ["AA"]


# What left


def test_the_search_finds_a_canary_where_it_belongs(house: House, planted: Planted) -> None:
    key = house.key("navigator", "N1")
    (listed, *_) = house.get("/v1/alerts", key).json()["alerts"]
    page = house.get(f"/v1/alerts/{listed['reference']}", key)
    assert planted.canaries.found_in(page.content), "whoever has to go there sees who it is"
    stored = b"".join(file.read_bytes() for file in (house.data / "appendonlydir").iterdir())
    assert len(planted.canaries.found_in(stored)) > 50, "they were really sent in"


def test_every_kind_of_message_was_sent(house: House) -> None:
    words = "\n".join(said.words for said in house.heard())
    assert [purpose for purpose in PURPOSES if purpose.lower() not in words.lower()] == []


def test_no_byte_that_left_names_anybody(house: House, planted: Planted, tap: Tap) -> None:
    house.settle()
    left = tap.left
    assert len(left) > 10_000
    assert planted.canaries.found_in(left, besides=planted.addresses) == {}
    far_ends = b"\n".join([*house.smtp.received, *house.sms.received])
    assert planted.canaries.found_in(far_ends, besides=planted.addresses) == {}


def test_a_message_holds_no_address_but_its_own_recipients(house: House, planted: Planted) -> None:
    for mail in house.smtp.mails:
        assert planted.canaries.found_in(mail.raw, besides=mail.to) == {}
        assert planted.canaries.found_in(f"{mail.subject}\n{mail.body}".encode()) == {}, "not even that in its words"
    for text in house.sms.texts:
        assert planted.canaries.found_in(f"{text.body}\n{text.reference}".encode()) == {}
    for raw in house.sms.received:
        (to,) = re.findall(rb'"phone_number": ?"([^"]+)"', raw)
        assert planted.canaries.found_in(raw, besides=[to.decode()]) == {}


def test_links_reveal_nothing_but_the_reference(house: House) -> None:
    links = [link for said in house.heard() for link in re.findall(r"https?://\S+", said.words)]
    assert links
    for link in links:
        assert re.fullmatch(r"http://127\.0\.0\.1:8080/a/[A-Z0-9]{4}-[A-Z0-9]{4}", link.rstrip(".")), link
        page = house.get("/a/" + link.rsplit("/", 1)[1])
        assert page.status_code == 200 and link.rsplit("/", 1)[1] not in page.text


# Side channels


def test_no_log_line_at_debug_names_anybody(house: House, planted: Planted) -> None:
    log = house.log
    for sign in ("service_ready", '"status": 503'):
        assert sign in log, f"the log of {sign} is missing: the test would search nothing"
    assert planted.canaries.found_in(log.encode()) == {}
    for file in house.data.glob("*.log"):
        assert planted.canaries.found_in(file.read_bytes()) == {}


def test_no_answer_to_other_roles_names_anybody(house: House, planted: Planted) -> None:
    references = [each["reference"] for each in house.get("/v1/alerts", house.key("auditor")).json()["alerts"]]
    assert references
    for role in ("", *OTHER_ROLES):
        key = house.key(role, "police" if role == "feed" else "") if role else ""
        for path in (*PATHS, *(f"/v1/alerts/{reference}" for reference in references), "/a/" + references[0]):
            answer = house.get(path, key)
            shown = answer.content + repr(list(answer.headers.raw)).encode()
            assert planted.canaries.found_in(shown) == {}, (role, path)
            assert answer.status_code < 500, (role, path)


def test_neither_roles_that_count_nor_metrics_know_whom_an_alert_is_about(house: House, planted: Planted) -> None:
    ids = Canaries("ids")
    for member in planted.members.values():
        ids.plant("member id", member.member_id)
    for role in ("dashboard", "operator", "feed", ""):
        key = house.key(role, "police" if role == "feed" else "") if role else ""
        for path in PATHS:
            assert ids.found_in(house.get(path, key).content) == {}, (role, path)


def test_no_process_and_no_file_beside_the_store_names_anybody(house: House, planted: Planted) -> None:
    pids = [house.process.pid, int((house.data / "valkey.pid").read_text())]
    pids += [int(child) for child in Path(f"/proc/{pids[0]}/task/{pids[0]}/children").read_text().split()]
    for pid in pids:
        for what in ("cmdline", "environ"):
            assert planted.canaries.found_in(Path(f"/proc/{pid}/{what}").read_bytes()) == {}, (pid, what)
    told = [house.data / "addresses.json", *house.data.glob("*.conf")]
    for file in told:
        assert planted.canaries.found_in(file.read_bytes()) == {}, file
    names = "\n".join(str(file) for file in house.folder.rglob("*")).encode()
    assert planted.canaries.found_in(names) == {}


def test_lists_on_the_command_line_name_nobody(house: House, planted: Planted) -> None:
    for words in ("cohort show", "quarantine list", "keys list", "doctor"):
        done = house.command(*words.split(), "--json")
        assert planted.canaries.found_in((done.out + done.err).encode()) == {}, words


# Faults of our own, brought about in this process so that every logger can be heard


SECRET = "Quillfeather of 14 Zanzibar Lane, 9990000018"


class FaultyCodes(EdCodes):
    """Code lists that raise with what they were asked, as careless code would."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(SECRET)


async def test_a_fault_of_the_parser_or_the_store_is_logged_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(*_: object) -> Any:
        raise RuntimeError(SECRET)

    codes = object.__new__(FaultyCodes)
    canaries = Canaries("faults")
    for word in ("Quillfeather", "Zanzibar", "9990000018"):
        canaries.plant("fault", word)
    member = plant().members["ari"]
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as logged:
        policy = EdPolicy(codes)
        listener = MllpListener(MllpSettings(port=0), policy=policy, submit=refuse, clock=SystemClock())
        await listener.start()
        code = await ask(
            listener.port, adt(member, "A04", control="C1", visit="V1", at=datetime.now(UTC), codes=("X99",))
        )
        assert code == "AE", "nothing was promised"
        await listener.close()
    assert {each["action"] for each in logged} >= {"mllp.parse_failed", "mllp.submit_failed"}
    assert canaries.found_in((str(logged) + caplog.text).encode()) == {}


async def ask(port: int, message: bytes) -> str:
    def talk() -> str:
        with contextlib.closing(MllpLine(socket.create_connection(("127.0.0.1", port), timeout=10))) as connection:
            return connection.ask(message).code

    return await asyncio.to_thread(talk)
