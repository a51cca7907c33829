"""A whole API on small twins, with a key for every role. Everything lives in one object so that tests can look inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from alerts.memory import MemoryAlertStore
from alerts.model import Alert
from api.app import create_app
from api.deps import ApiDependencies
from api.keys import AccessRole, Grant, key_from, secret_from
from api.memory import MemoryKeyStore
from api.policy import ApiPolicy
from api.ports import (
    BooksView,
    HeldDecision,
    HeldView,
    ItemAnswer,
    Location,
    MemberView,
    QuarantineView,
    ReadyView,
)
from api.review_ports import (
    CandidateView,
    EvidenceView,
    IdentityView,
    ReviewFile,
    ReviewFilter,
    ReviewPage,
    ReviewRuled,
    ReviewView,
    SideView,
)
from api.rule_shapes import RulesNow
from domain.clock import ManualClock
from domain.errors import Conflict, NotAllowed, NotFound, ServiceError
from domain.ids import EventId, MemberId, NavigatorId
from domain.kinds import Feed
from domain.people import CohortMember, MemberStatus
from domain.reviews import ReviewVerdict
from service.rulebook import ensure_book
from tests.unit.alerts.build import START, firing, raised
from tests.unit.api.quiet import FakeQuiet, fake_quiet
from tests.unit.triggers.book import contents
from triggers.lifecycle_contents import rules_of
from triggers.lifecycle_desk import RuleDesk
from triggers.memory import MemoryRuleBook, MemoryShadows

NOW = START + timedelta(hours=1)
SECRETS = {role: secret_from(bytes([number]) * 32) for number, role in enumerate(AccessRole, start=1)}
OTHER_NAVIGATOR = secret_from(b"other navigator's key of 32 byte")
MEMBER_VIEW = MemberView(
    MemberId("M1"), name="Canary Testone", status="non_engager", safe_contact="canary-safe", staff_safety="canary-staff"
)


@dataclass
class FakeIntake:
    """Takes each line as an item; `fault` is raised instead, if set."""

    taken: list[tuple[Feed, bytes, str, str]] = field(default_factory=list)
    fault: ServiceError | None = None

    async def take(self, feed: Feed, body: bytes, content_type: str, source: str) -> list[ItemAnswer]:
        if self.fault:
            raise self.fault
        self.taken.append((feed, body, content_type, source))
        return [
            ItemAnswer(index, "accepted", event_id=f"e{index}")
            if line.strip().startswith(b"{")
            else ItemAnswer(index, "quarantined", reason="not_parseable", where=Location(index + 1), quarantine_id="q1")
            for index, line in enumerate(body.splitlines())
        ]


@dataclass
class FakeBooks:
    """Books that say what they are set to; also the freshness of feeds."""

    view: BooksView = field(default_factory=BooksView)
    dispositions: dict[str, str] = field(default_factory=dict)

    async def counts(self) -> BooksView:
        return self.view

    async def disposition(self, event_id: EventId) -> str | None:
        return self.dispositions.get(event_id)

    async def as_of(self) -> Mapping[str, datetime]:
        return self.view.last_received


@dataclass
class FakeDesk:
    """One thing of each sort."""

    item: QuarantineView = QuarantineView(
        "q1", Feed.POLICE, "bad_date", "a date", Location(3), "http", "key:rms", "ndjson", 12, NOW, NOW, 1, "open"
    )
    held_item: HeldView = HeldView(
        "h1", EventId("e2"), "INTEL", "99/1", MemberId("M1"), ("INTEL_THREAT",), NOW, NOW, "held"
    )

    async def quarantine(self, *, feed: Feed | None, state: str, limit: int) -> Sequence[QuarantineView]:
        return [self.item] if state == self.item.state and feed in {None, self.item.feed} else []

    async def quarantine_item(self, item_id: str) -> QuarantineView | None:
        return self.item if item_id == self.item.item_id else None

    async def replay(self, item_id: str) -> list[ItemAnswer]:
        if item_id != self.item.item_id:
            raise NotFound
        return [ItemAnswer(0, "accepted", event_id="e9")]

    async def held(self, limit: int) -> Sequence[HeldView]:
        return [self.held_item]

    async def decide_held(self, held_id: str, decision: HeldDecision, reason: str, by: str) -> HeldView:
        if held_id != self.held_item.held_id:
            raise NotFound
        state = {"release": "released", "refuse": "refused"}[decision.value]
        if self.held_item.state not in {"held", state}:
            raise NotAllowed("It was decided before.")
        self.held_item = replace(self.held_item, state=state, decided_by=by, decided_at=NOW, reason=reason)
        return self.held_item


@dataclass
class FakeReviews:
    """One doubtful match; whoever decides on it with an old version is told. Remembers who looked."""

    review: ReviewView = ReviewView(
        "r1",
        EventId("e1"),
        Feed.ED,
        "ed.arrival",
        NOW,
        NOW,
        "doubtful",
        (
            CandidateView(
                MemberId("M1"), 19.5, 0.7, "review", "doubtful", (EvidenceView("name", "close", 4.5, "name close"),)
            ),
        ),
    )
    asked: ReviewFilter | None = None
    looks: list[tuple[str, str]] = field(default_factory=list)
    steps: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def page(self, wanted: ReviewFilter) -> ReviewPage:
        if wanted.cursor == "foreign":
            raise ValueError
        self.asked = wanted
        return ReviewPage((self.review,), "c1", more=False, waiting=1)

    async def open(self, review_id: str, *, by: str, role: str) -> ReviewFile:
        if review_id != self.review.review_id:
            raise NotFound
        self.looks.append((by, role))
        said = IdentityView(names=("Canary Saidone",))
        return ReviewFile(self.review, said, "patient", (SideView(MemberId("M1"), said),), ())

    async def decide(
        self,
        review_id: str,
        member_id: MemberId,
        verdict: ReviewVerdict,
        *,
        reason: str,
        by: str,
        role: str,
        version: int,
    ) -> ReviewRuled:
        return self._step(review_id, f"{verdict.value} {member_id}", reason, by, version)

    async def undo(
        self, review_id: str, member_id: MemberId | None, *, reason: str, by: str, role: str, version: int
    ) -> ReviewRuled:
        if not self.steps:
            raise NotAllowed("There is no decision to undo.")
        return self._step(review_id, f"undo {member_id}", reason, by, version)

    def _step(self, review_id: str, what: str, reason: str, by: str, version: int) -> ReviewRuled:
        if review_id != self.review.review_id:
            raise NotFound
        if version != self.review.version:
            raise Conflict
        self.steps.append((review_id, what, reason, by))
        self.review = replace(self.review, version=version + 1)
        return ReviewRuled(self.review, changed=True, also=("r2",))


@dataclass
class FakePeople:
    """One watched person; the navigators named are health-approved."""

    approved: frozenset[str] = frozenset()

    def member(self, member_id: MemberId) -> MemberView | None:
        return replace(MEMBER_VIEW, member_id=member_id)

    def health_approved(self, navigator_id: NavigatorId) -> bool:
        return navigator_id in self.approved


@dataclass
class FakeReadiness:
    view: ReadyView = ReadyView(True)

    async def check(self) -> ReadyView:
        return self.view


@dataclass
class FakeRules:
    """The small rules that decide."""

    view: RulesNow = field(default_factory=lambda: RulesNow(rules_of(contents(1)), "rules@1", 1, NOW))

    def now(self) -> RulesNow:
        return self.view


@dataclass
class Api:
    """The app and all it stands on."""

    app: FastAPI
    intake: FakeIntake
    books: FakeBooks
    desk: FakeDesk
    reviews: FakeReviews
    rules: RuleDesk
    people: FakePeople
    readiness: FakeReadiness
    alerts: MemoryAlertStore
    keys: MemoryKeyStore
    clock: ManualClock
    quiet: FakeQuiet

    async def call(
        self,
        method: str,
        path: str,
        role: AccessRole | str | None = AccessRole.SUPERVISOR,
        *,
        peer: str = "127.0.0.1",
        **rest: object,
    ) -> httpx.Response:
        """One request as a role (or with a secret, or with no key)."""
        secret = SECRETS[role] if isinstance(role, AccessRole) else role
        headers = {**(rest.pop("headers", None) or {})}  # type: ignore[dict-item]
        if secret:
            headers.setdefault("Authorization", f"Bearer {secret}")
        transport = httpx.ASGITransport(self.app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=headers, **rest)  # type: ignore[arg-type]

    async def raised(self, name: str = "a", *, member: str = "M1", navigator: str = "N1", **fields: object) -> Alert:
        """An alert in the store."""
        who = CohortMember(
            MemberId(member), MemberStatus.NON_ENGAGER, area="Coventry", navigator_id=NavigatorId(navigator)
        )
        return await self.alerts.save(raised(firing(name, member=member, **fields), member=who), None)  # type: ignore[arg-type]


async def build_api(
    *, store: MemoryAlertStore | None = None, nameless_supervisor: bool = False, **policy: object
) -> Api:
    """An API with a key for each role: the feed's for police, the navigator's and the supervisor's for N1 and S1."""
    clock = ManualClock(NOW)
    keys = MemoryKeyStore()
    names = {AccessRole.NAVIGATOR: NavigatorId("N1")} | (
        {} if nameless_supervisor else {AccessRole.SUPERVISOR: NavigatorId("S1")}
    )
    for role, secret in SECRETS.items():
        grant = Grant(
            role,
            f"{role.value} key",
            feed=Feed.POLICE if role is AccessRole.FEED else None,
            navigator_id=names.get(role),
        )
        await keys.create(key_from(secret, grant, NOW))
    await keys.create(
        key_from(OTHER_NAVIGATOR, Grant(AccessRole.NAVIGATOR, "other", navigator_id=NavigatorId("N2")), NOW)
    )
    intake, books, desk, people, readiness = FakeIntake(), FakeBooks(), FakeDesk(), FakePeople(), FakeReadiness()
    reviews = FakeReviews()
    book = MemoryRuleBook()
    await ensure_book(book, NOW, shipped=contents(1))
    rules = RuleDesk(book, MemoryShadows(), clock=clock)
    alerts, quiet = store or MemoryAlertStore(), fake_quiet(clock)
    deps = ApiDependencies(
        intake=intake,
        books=books,
        desk=desk,
        reviews=reviews,
        rules=rules,
        rules_in_force=FakeRules(),
        quiet=quiet,
        alerts=alerts,
        people=people,
        freshness=books,
        readiness=readiness,
        keys=keys,
        clock=clock,
        registry=CollectorRegistry(),
    )
    app = create_app(deps, ApiPolicy(**policy))  # type: ignore[arg-type]
    return Api(app, intake, books, desk, reviews, rules, people, readiness, alerts, keys, clock, quiet)
