"""The door for events: what is promised, what is refused, and that nothing is promised falsely."""

import pytest

from api.answers import etag_of, version_in
from api.keys import AccessRole as R
from api.keys import Grant, key_from, secret_from
from api.ports import BooksView
from api.problems import ERRORS, PROBLEMS, ProblemKind, kind_of
from api.sources import first_foreign
from domain import errors
from domain.errors import FeedError, StoreUnavailable
from domain.kinds import Feed
from tests.unit.api.build import NOW, Api, build_api

NDJSON = "application/x-ndjson"
URL = "/v1/feeds/police/events"


async def send(api: Api, body: bytes, content_type: str = NDJSON, url: str = URL, role: R | str = R.FEED):  # type: ignore[no-untyped-def]
    return await api.call("POST", url, role, content=body, headers={"content-type": content_type})


async def test_each_item_is_answered_in_order_and_handed_on_as_it_came() -> None:
    api = await build_api()
    answer = await send(api, b'{"a":1}\nnot json\n', NDJSON + "; charset=utf-8")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["accepted"], body["quarantined"], body["duplicate"], body["ignored"]) == (1, 1, 0, 0)
    assert [item["result"] for item in body["items"]] == ["accepted", "quarantined"]
    assert body["items"][1]["where"] == {"record": 2, "segment": "", "field": ""}
    assert api.intake.taken == [(Feed.POLICE, b'{"a":1}\nnot json\n', NDJSON, "key:feed key")]


@pytest.mark.parametrize(
    ("content_type", "url", "expected", "why"),
    [
        ("text/csv", URL, 415, "CSV needs a mapping: send it by file"),
        ("", URL, 415, "the content type decides"),
        ("application/hl7-v2", URL, 415, "HL7 is the ED's"),
        (NDJSON, "/v1/feeds/ed/events", 403, "another feed's door"),
        (NDJSON, "/v1/feeds/nhs/events", 422, "no such feed"),
    ],
)
async def test_what_is_not_for_this_door_is_refused(content_type: str, url: str, expected: int, why: str) -> None:
    api = await build_api()
    assert (await send(api, b"{}", content_type, url)).status_code == expected, why
    assert api.intake.taken == []


@pytest.mark.parametrize(
    ("fault", "expected", "retry"),
    [
        (StoreUnavailable("canary: where the store is"), 503, True),
        (FeedError("Send JSON."), 415, False),
        (errors.StoreError("canary"), 503, True),
        (errors.ServiceError("canary"), 500, False),
    ],
)
async def test_where_nothing_was_promised_the_answer_is_no_2xx(
    fault: errors.ServiceError, expected: int, retry: bool
) -> None:
    api = await build_api()
    api.intake.fault = fault
    answer = await send(api, b"{}")
    assert answer.status_code == expected and ("retry-after" in answer.headers) == retry
    assert "canary" not in answer.text  # only the words of errors that are made to be told are passed on


async def test_a_fault_of_ours_is_a_plain_500_with_the_headers_and_without_its_words() -> None:
    api = await build_api()
    api.intake.fault = ValueError("canary in an exception")  # type: ignore[assignment]
    answer = await send(api, b"{}")
    assert answer.status_code == 500 and "canary" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json" and answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_too_much_is_refused_whether_announced_or_not() -> None:
    api = await build_api(max_body_bytes=100)

    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(3):
            yield b"x" * 50

    assert (await send(api, b"x" * 101)).status_code == 413
    assert (await send(api, chunks())).status_code == 413  # type: ignore[no-untyped-call]
    assert (await send(api, b"x" * 100)).status_code == 200
    assert len(api.intake.taken) == 1


async def bound_key(api: Api, feed: Feed, *systems: str) -> str:
    secret = secret_from(bytes(feed.value, "ascii").ljust(32, b"."))
    await api.keys.create(key_from(secret, Grant(R.FEED, "bound", feed=feed, systems=systems), NOW))
    return secret


async def test_a_key_bound_to_a_system_speaks_for_no_other() -> None:
    api = await build_api()
    bound = await bound_key(api, Feed.POLICE, "RMS")
    assert (await send(api, b'{"source_system":"RMS"}\n', role=bound)).status_code == 200
    refused = await send(api, b'{"source_system":"RMS"}\n{"source_system":"CAD"}', role=bound)
    assert refused.status_code == 403 and "Item 1" in refused.json()["detail"] and "CAD" not in refused.text
    assert len(api.intake.taken) == 1


MSH = b"MSH|^~\\&|%s|SITE|RP|RP|20260302||ADT^A01|1|P|2.4\rPID|1\r"


@pytest.mark.parametrize(
    ("body", "media", "expected", "why"),
    [
        (b'{"source_system":"RMS"}', "application/json", None, "one of its own"),
        (b'[{"source_system":"RMS"},{"source_system":"X"}]', "application/json", 1, "in an array"),
        (b'\xef\xbb\xbf{"source_system":"X"}', "application/json", 0, "behind a byte order mark"),
        (b'\n\n{"source_system":"X"}', NDJSON, 0, "behind blank lines"),
        (b'{"source_system":" RMS "}', NDJSON, None, "blanks do not make another system"),
        (b'{"source_system":"RMS","retracts":{"source_system":"X"}}', NDJSON, 0, "nor may it take back another's"),
        (b'{"source_system":"RMS","retracts":"e1"}', NDJSON, None, "by event id"),
        (b'{"source_system":"\\u0058"}', NDJSON, 0, "written with an escape"),
        (b"not json", NDJSON, None, "the parser's business"),
        (b'{"source_key":"1"}', NDJSON, None, "names none: the parser refuses it"),
        (MSH % b"RMS", "application/hl7-v2", None, "the sending application"),
        (MSH % b"X", "application/hl7-v2", 0, "another"),
        (MSH % b"RMS" + b"\r" + MSH % b"X^1.2^ISO", "application/hl7-v2", 1, "in the second message"),
        (b"\x0b" + MSH % b"X", "application/hl7-v2", 0, "framed"),
        (b"\xef\xbb\xbf" + MSH % b"X", "application/hl7-v2", 0, "behind a byte order mark"),
        (b"MSH#*~\\&#X#SITE", "application/hl7-v2", 0, "other separators"),
        (b"MSH|", "application/hl7-v2", 0, "says nothing of itself"),
    ],
)
def test_foreign_systems_are_found_wherever_they_are_named(
    body: bytes, media: str, expected: int | None, why: str
) -> None:
    assert first_foreign(body, media, {"RMS"}) == expected, why


async def test_a_feed_sees_its_own_line_and_no_ending() -> None:
    api = await build_api()
    api.books.view = BooksView(
        accepted={"police": 3, "ed": 5}, quarantined={"police": {"bad_date": 2}}, last_received={"police": NOW}
    )
    body = (await api.call("GET", "/v1/feeds", R.FEED)).json()
    assert [feed["feed"] for feed in body["feeds"]] == ["police"]
    assert body["feeds"][0]["accepted"] == 3 and body["feeds"][0]["quarantined"] == {"bad_date": 2}
    assert len((await api.call("GET", "/v1/feeds", R.OPERATOR)).json()["feeds"]) == 4


async def test_the_books_and_one_ending() -> None:
    api = await build_api()
    api.books.view = BooksView(accepted={"ed": 2}, disposed={"ed": {"no_match": 1}}, in_flight=1)
    api.books.dispositions = {"e1": "suppressed:cooling"}
    ledger = (await api.call("GET", "/v1/ledger", R.AUDITOR)).json()
    assert ledger["balanced"] and ledger["in_flight"] == 1 and ledger["disposed"] == {"ed": {"no_match": 1}}
    assert (await api.call("GET", "/v1/ledger/events/e1", R.AUDITOR)).json()["disposition"] == "suppressed:cooling"
    assert (await api.call("GET", "/v1/ledger/events/e2", R.AUDITOR)).status_code == 404


async def test_the_desk_shows_replays_and_decides() -> None:
    api = await build_api()
    listed = (await api.call("GET", "/v1/quarantine?feed=police", R.OPERATOR)).json()
    assert [item["item_id"] for item in listed["items"]] == ["q1"]
    assert (await api.call("GET", "/v1/quarantine?feed=ed", R.OPERATOR)).json()["items"] == []
    assert (await api.call("GET", "/v1/quarantine/q2", R.OPERATOR)).status_code == 404
    replayed = await api.call("POST", "/v1/quarantine/q1/replay", R.OPERATOR)
    assert replayed.json()["items"][0]["event_id"] == "e9"
    assert (await api.call("POST", "/v1/quarantine/q2/replay", R.OPERATOR)).status_code == 404
    for reason in ("", "   ", "x" * 501):
        answer = await api.call("POST", "/v1/gatekeeper/h1/release", R.GATEKEEPER, json={"reason": reason})
        assert answer.status_code == 422  # the decision is logged with its why
    held = (await api.call("POST", "/v1/gatekeeper/h1/release", R.GATEKEEPER, json={"reason": "graded anew"})).json()
    assert held["held"]["state"] == "released" and held["held"]["decided_by"] == "key:gatekeeper key"
    again = await api.call("POST", "/v1/gatekeeper/h1/refuse", R.GATEKEEPER, json={"reason": "no"})
    assert again.status_code == 409


async def test_ready_says_what_it_waits_for() -> None:
    api = await build_api()
    assert (await api.call("GET", "/v1/ready", None)).json()["ready"] is True
    api.readiness.view = type(api.readiness.view)(False, ("the store",))
    answer = await api.call("GET", "/v1/ready", None)
    assert answer.status_code == 503 and answer.json()["waiting_for"] == ["the store"]


def test_every_error_of_the_tree_has_its_kind_and_every_kind_its_words() -> None:
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.ServiceError)]
    assert {kind_of(each()).value for each in tree} <= {kind.value for kind in ProblemKind}
    assert set(PROBLEMS) == set(ProblemKind)
    for place, (family, _) in enumerate(ERRORS):
        assert not any(issubclass(later, family) for later, _ in ERRORS[place + 1 :]), "unreachable row"


def test_an_etag_is_of_what_is_said_and_not_of_when() -> None:
    assert etag_of(b'{"as_of":"1","x":1}') == etag_of(b'{"as_of":"2","x":1}') != etag_of(b'{"as_of":"1","x":2}')
    with pytest.raises(ValueError, match="as_of"):
        etag_of(b'{"x":1}')
    assert version_in('W/"7.ab12"') == version_in('"7"') == 7
    assert version_in('"ab"') is version_in(None) is version_in('W/"ab12"') is None
