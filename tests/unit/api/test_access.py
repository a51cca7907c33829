"""Who may call what: every route with every role, keys that are none, and doors that nobody guards."""

from dataclasses import replace
from datetime import timedelta

import pytest

from api.app import check_doors
from api.keys import AccessRole as R
from api.keys import Grant, KeyStanding, bearer, hash_of, key_from, new_secret, secret_from, standing_of
from api.throttle import FailureThrottle
from domain.errors import ConfigError
from domain.ids import NavigatorId
from domain.kinds import Feed
from tests.unit.api.build import NOW, SECRETS, build_api

NOBODY: set[R] = set()
# Written by hand and on purpose not taken from api/policy.py: the table there must agree with this one.
EXPECTED: list[tuple[str, str, set[R], str]] = [
    ("POST", "/v1/feeds/police/events", {R.FEED}, "only feeds send events"),
    (
        "GET",
        "/v1/feeds",
        {R.FEED, R.NAVIGATOR, R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.OPERATOR, R.AUDITOR},
        "whoever reads alerts must know which feeds are blind",
    ),
    ("GET", "/v1/ledger", {R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.OPERATOR, R.AUDITOR}, "figures only"),
    ("GET", "/v1/ledger/events/e1", {R.SUPERVISOR, R.OPERATOR, R.AUDITOR}, "an ending tells a feed who is watched"),
    (
        "GET",
        "/v1/alerts",
        {R.NAVIGATOR, R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.GATEKEEPER, R.AUDITOR},
        "each with their own sight",
    ),
    ("GET", "/v1/alerts/counts", {R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.OPERATOR, R.AUDITOR}, "figures only"),
    (
        "GET",
        "/v1/alerts/ZZZZ-ZZZZ",
        {R.NAVIGATOR, R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.GATEKEEPER, R.AUDITOR},
        "each with their own sight",
    ),
    ("POST", "/v1/alerts/ZZZZ-ZZZZ/accept", {R.NAVIGATOR, R.SUPERVISOR}, "people who go"),
    ("POST", "/v1/alerts/ZZZZ-ZZZZ/contact", {R.NAVIGATOR, R.SUPERVISOR}, "people who go"),
    ("POST", "/v1/alerts/ZZZZ-ZZZZ/outcome", {R.NAVIGATOR, R.SUPERVISOR}, "people who go"),
    ("GET", "/v1/quarantine", {R.OPERATOR, R.AUDITOR}, "mending feeds"),
    ("GET", "/v1/quarantine/q1", {R.OPERATOR, R.AUDITOR}, "mending feeds"),
    ("POST", "/v1/quarantine/q1/replay", {R.OPERATOR}, "changes something: not the auditor"),
    ("GET", "/v1/reviews", {R.ANALYST, R.SUPERVISOR}, "doubtful matches are the analyst's"),
    ("GET", "/v1/reviews/r1", {R.ANALYST, R.SUPERVISOR}, "both sides are shown to who decides"),
    ("POST", "/v1/reviews/r1/decisions", {R.ANALYST, R.SUPERVISOR}, "who looks at both sides decides"),
    ("POST", "/v1/reviews/r1/undo", {R.ANALYST, R.SUPERVISOR}, "and may take it back"),
    *(
        (
            "GET",
            path,
            {R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.AUDITOR},
            "rules are no secret from who answers for them",
        )
        for path in (
            "/v1/rules",
            "/v1/rules/shadow",
            "/v1/rules/versions",
            "/v1/rules/versions/1",
            "/v1/rules/versions/1/diff",
        )
    ),
    *(
        ("POST", path, {R.SUPERVISOR}, "whoever changes a rule answers for it")
        for path in (
            "/v1/rules/versions",
            "/v1/rules/shadow/end",
            *(
                f"/v1/rules/versions/1/{word}"
                for word in ("check", "backtest", "shadow", "approve", "publish", "withdraw", "roll-back")
            ),
            *(f"/v1/rules/TRIAL_ONE/{word}" for word in ("kill", "confirm", "revive")),
        )
    ),
    ("GET", "/v1/snoozes", {R.NAVIGATOR, R.SUPERVISOR, R.AUDITOR}, "whoever works with the person, and who checks"),
    ("POST", "/v1/snoozes", {R.NAVIGATOR, R.SUPERVISOR}, "whoever works with the person"),
    ("GET", "/v1/snoozes/s1", {R.NAVIGATOR, R.SUPERVISOR, R.AUDITOR}, "whoever works with the person, and who checks"),
    ("POST", "/v1/snoozes/s1/confirm", {R.NAVIGATOR, R.SUPERVISOR}, "a second person"),
    ("POST", "/v1/snoozes/s1/lift", {R.NAVIGATOR, R.SUPERVISOR}, "whoever works with the person"),
    ("GET", "/v1/held-back", {R.SUPERVISOR, R.AUDITOR}, "what was told to nobody is theirs to look after"),
    ("GET", "/v1/breakers", {R.SUPERVISOR, R.OPERATOR, R.AUDITOR}, "navigators are named"),
    ("POST", "/v1/breakers/rule/ED_ASSAULT/close", {R.SUPERVISOR}, "whoever has the digest"),
    ("GET", "/v1/rule-watch", {R.SUPERVISOR, R.ANALYST, R.DASHBOARD, R.OPERATOR, R.AUDITOR}, "figures only"),
    ("GET", "/v1/gatekeeper", {R.GATEKEEPER, R.AUDITOR}, "intelligence stays with the police"),
    ("POST", "/v1/gatekeeper/h1/release", {R.GATEKEEPER}, "intelligence stays with the police"),
    ("POST", "/v1/gatekeeper/h1/refuse", {R.GATEKEEPER}, "intelligence stays with the police"),
    ("GET", "/metrics", {R.OPERATOR, R.DASHBOARD}, "figures only"),
    ("GET", "/v1/health", set(R), "public"),
    ("GET", "/v1/ready", set(R), "public"),
    ("GET", "/openapi.json", set(R), "public"),
    ("GET", "/docs", set(R), "public"),
    ("GET", "/assets/reachpoint.css", set(R), "public"),
    ("GET", "/a/ZZZZ-ZZZZ", set(R), "public, and tells nothing"),
]


@pytest.mark.parametrize(("method", "path", "allowed", "why"), EXPECTED, ids=[f"{m} {p}" for m, p, _, _ in EXPECTED])
async def test_each_route_lets_in_its_roles_and_no_other(method: str, path: str, allowed: set[R], why: str) -> None:
    api = await build_api()
    for role in R:
        answer = await api.call(method, path, role)
        assert (answer.status_code == 403) == (role not in allowed), (role, answer.status_code, why)
        assert answer.status_code < 500


@pytest.mark.parametrize(("method", "path", "allowed", "why"), EXPECTED, ids=[f"{m} {p}" for m, p, _, _ in EXPECTED])
async def test_without_a_key_only_public_routes_answer(method: str, path: str, allowed: set[R], why: str) -> None:
    answer = await (await build_api()).call(method, path, None)
    assert (answer.status_code == 401) == (why.partition(",")[0] != "public")


async def test_the_table_above_is_complete() -> None:
    api = await build_api()
    templates = {
        (next(iter(route.methods)), route.path)  # type: ignore[attr-defined]
        for route in api.app.routes
    }
    assert len(templates) == len(EXPECTED)


async def test_a_route_without_roles_is_refused_at_the_start() -> None:
    api = await build_api()

    async def forgotten() -> None: ...

    api.app.add_api_route("/v1/forgotten", forgotten, methods=["GET"])
    with pytest.raises(ConfigError, match="/v1/forgotten"):
        check_doors(api.app)
    assert (await api.call("GET", "/v1/forgotten", R.OPERATOR)).status_code == 403  # and nobody gets in meanwhile


async def test_nothing_of_a_body_is_read_before_the_caller_is_known() -> None:
    api = await build_api()
    answer = await api.call("POST", "/v1/feeds/police/events", None, content=b"x" * 20_000_000)
    assert answer.status_code == 401


NOW_KEY = key_from(secret_from(b"k" * 32), Grant(R.OPERATOR, "k"), NOW)


@pytest.mark.parametrize(
    ("key", "presented", "expected", "why"),
    [
        (NOW_KEY, NOW_KEY.key_hash, KeyStanding.VALID, "as it should be"),
        (None, NOW_KEY.key_hash, KeyStanding.UNKNOWN, "the store knows none"),
        (NOW_KEY, hash_of("another"), KeyStanding.UNKNOWN, "a store that answers with another key lets nobody in"),
        (replace(NOW_KEY, revoked_at=NOW), NOW_KEY.key_hash, KeyStanding.REVOKED, "taken back"),
        (
            replace(NOW_KEY, grant=replace(NOW_KEY.grant, expires_at=NOW)),
            NOW_KEY.key_hash,
            KeyStanding.EXPIRED,
            "it ends at that moment, not after it",
        ),
    ],
)
def test_a_key_is_good_only_while_it_is(key: object, presented: str, expected: KeyStanding, why: str) -> None:
    assert standing_of(key, presented, NOW) is expected, why  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, KeyStanding.MISSING),
        ("", KeyStanding.MISSING),
        ("Bearer", KeyStanding.MISSING),
        ("Basic dXNlcjpwYXNz", KeyStanding.MISSING),
        ("Bearer rp_short", KeyStanding.MALFORMED),
        ("Bearer " + "x" * 46, KeyStanding.MALFORMED),
        ("bearer " + secret_from(b"1" * 32), KeyStanding.VALID),
    ],
)
def test_only_what_can_be_a_key_is_looked_up(header: str | None, expected: KeyStanding) -> None:
    assert bearer(header)[1] is expected


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        (Grant(R.FEED, "x"), "a feed's key names its feed"),
        (Grant(R.OPERATOR, "x", feed=Feed.ED), "nobody else's does"),
        (Grant(R.NAVIGATOR, "x"), "whose alerts?"),
        (Grant(R.DASHBOARD, "x", navigator_id=NavigatorId("N1")), "a dashboard is nobody"),
        (Grant(R.OPERATOR, "x", systems=("RMS",)), "only feeds speak for systems"),
        (Grant(R.OPERATOR, " "), "whose is it?"),
    ],
)
def test_a_grant_that_does_not_fit_its_role_is_refused(grant: Grant, why: str) -> None:
    with pytest.raises(ConfigError):
        key_from(new_secret(), grant, NOW)


def test_keys_are_long_distinct_and_not_kept() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    key = key_from(secret := new_secret(), Grant(R.OPERATOR, "x"), NOW)
    assert secret not in repr(key) and key.key_hash not in repr(key) and secret not in str(key.key_hash)


async def test_a_revoked_key_is_out_at_once_and_its_use_is_noted_once_a_minute() -> None:
    api = await build_api()
    key = next(key for key in await api.keys.keys() if key.grant.role is R.OPERATOR)
    assert (await api.call("GET", "/v1/ledger", R.OPERATOR)).status_code == 200
    api.clock.advance(timedelta(seconds=59))
    await api.call("GET", "/v1/ledger", R.OPERATOR)
    assert (await api.keys.find(key.key_hash)).last_used_at == NOW  # type: ignore[union-attr]
    api.clock.advance(timedelta(seconds=1))
    await api.call("GET", "/v1/ledger", R.OPERATOR)
    assert (await api.keys.find(key.key_hash)).last_used_at == NOW + timedelta(minutes=1)  # type: ignore[union-attr]
    await api.keys.revoke(key.key_id, api.clock.now())
    assert (await api.call("GET", "/v1/ledger", R.OPERATOR)).status_code == 401


async def test_a_peer_that_keeps_failing_waits_but_a_good_key_behind_it_is_never_refused() -> None:
    api = await build_api(failures=3)
    bad = secret_from(b"?" * 32)
    codes = [(await api.call("GET", "/v1/ledger", bad, peer="192.0.2.1")).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    refused = await api.call("GET", "/v1/ledger", bad, peer="192.0.2.1")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await api.call("GET", "/v1/ledger", R.OPERATOR, peer="192.0.2.1")).status_code == 200
    assert (await api.call("GET", "/v1/ledger", bad, peer="192.0.2.2")).status_code == 401
    api.clock.advance(timedelta(minutes=1))
    assert (await api.call("GET", "/v1/ledger", bad, peer="192.0.2.1")).status_code == 401


def test_the_throttle_forgets_the_longest_silent_peer_when_it_is_full() -> None:
    throttle = FailureThrottle(most=1, window=timedelta(minutes=1), peers=2)
    for peer in "abc":
        assert throttle.failed(peer, NOW) is None
    assert throttle.failed("a", NOW) is None  # forgotten, and again on the list
    assert throttle.failed("c", NOW) is not None


async def test_the_bad_key_is_not_told_why() -> None:
    api = await build_api()
    await api.keys.revoke(next(k.key_id for k in await api.keys.keys() if k.grant.role is R.AUDITOR), NOW)
    revoked = await api.call("GET", "/v1/ledger", R.AUDITOR)
    unknown = await api.call("GET", "/v1/ledger", secret_from(b"!" * 32))
    missing = await api.call("GET", "/v1/ledger", None)
    assert revoked.content == unknown.content == missing.content
    assert revoked.headers["www-authenticate"].startswith("Bearer")
    assert SECRETS[R.AUDITOR] not in revoked.text
