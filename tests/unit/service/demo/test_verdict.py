"""What the demo says of itself: a miss is explained by the service's own records or it is a defect.

One small force, made once; each test takes a moment of it and tells another story of what the service did.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.model import Alert, AlertState, Clocks, TriggerRecord, TriggerState
from domain.events import Event
from domain.ids import AlertId, EventId, FiringId, MemberId, RuleId
from domain.kinds import Kind
from domain.matches import Match, MatchDecision, MatchReason
from domain.triggers import Priority, Sensitivity, TriggerFired
from fixtures.force import Force, ForceSpec, Truth, generate
from fixtures.tellings import Moment
from service.demo.explaining import Explainer, Why
from service.demo.gather import Found
from service.demo.scoring import detection, key_of
from service.demo.verdict import Verdict, verdict_of
from streams.messages import ReviewItem
from streams.ports import LedgerCounts
from tests.unit.streams.play import event

END = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def force() -> Force:
    return generate(ForceSpec(seed=7, members=60, events=4_000, end=END))


def fired(moment: Moment, *, state: TriggerState = TriggerState.LIVE, at: datetime | None = None) -> Alert:
    """An alert that tells of the moment."""
    trigger = TriggerFired(
        firing_id=FiringId(f"{moment.rule_id}|{moment.member_id}|{at or moment.at}"),
        rule_id=RuleId(moment.rule_id), rule_version=1, member_id=moment.member_id, priority=Priority.P1,
        fired_at=at or moment.at, anchor=moment.completed_by, ground="", contributing=moment.contributing,
        reasons=(), headline="", message_key="",
    )  # fmt: skip
    return Alert(
        alert_id=AlertId(trigger.firing_id), reference="AAAA-AAAA", member_id=moment.member_id, navigator_id=None,
        programme="", area="", sensitivity=Sensitivity.STANDARD, priority=Priority.P1, state=AlertState.NOTIFIED,
        triggers=(TriggerRecord(trigger, END, state),), clocks=Clocks(END, END, END), raised_at=END, updated_at=END,
    )  # fmt: skip


def only(force: Force, *moments: Moment, passing: tuple[Moment, ...] = ()) -> Force:
    """The force as if nothing else were true."""
    return replace(force, truth=Truth(moments=moments, passing=passing))


def verdict(
    force: Force, *alerts: Alert, endings: dict[EventId, str] | None = None, reviews: tuple[ReviewItem, ...] = ()
) -> Verdict:
    found = Found(
        books=LedgerCounts({}, {}, {}, {}, {}, 0), alerts=alerts, deliveries=(), held=(), reviews=reviews,
        endings=endings or {}, still_waiting=0, texts=(), mails=(),
    )  # fmt: skip
    return verdict_of(force, found)


def standing(force: Force) -> Moment:
    """A moment of one event, that stays true."""
    return next(
        one for one in force.truth.moments if not one.withdrawn_by and len(one.contributing) == 1 and not one.or_at
    )


def asked(event_id: EventId, member_id: str) -> ReviewItem:
    """A doubtful match: is it this member?"""
    doubtful: Event = replace(event(Kind.CRIME_RECORDED), event_id=event_id)
    match = Match(event_id, "1", MemberId(member_id), 20.0, 0.9, MatchDecision.REVIEW, MatchReason.TWIN, ())
    return ReviewItem("R1", doubtful, (match,), END, "twin")


def test_all_told_is_sound(force: Force) -> None:
    moment = standing(force)
    found = verdict(only(force, moment), fired(moment))
    assert found.sound and found.score.recall == 1 and found.misses == ()


def test_a_moment_that_nothing_explains_is_a_fault(force: Force) -> None:
    moment = standing(force)
    found = verdict(only(force, moment), endings={moment.completed_by: "no_rule"})
    assert [miss.why for miss in found.misses] == [Why.UNEXPLAINED]
    assert "no_rule" in found.misses[0].words, "the ledger's word is where the search begins"
    assert not found.sound


def test_a_moment_that_waits_for_an_analyst_is_explained_only_if_the_right_person_is_asked_about(force: Force) -> None:
    moment = standing(force)
    about = next(m.true_members[0] for m in force.messages if m.event_id == moment.completed_by)
    right = verdict(only(force, moment), reviews=(asked(moment.completed_by, about),))
    assert [miss.why for miss in right.misses] == [Why.REVIEW] and right.sound
    wrong = verdict(only(force, moment), reviews=(asked(moment.completed_by, "SOMEBODY"),))
    assert [miss.why for miss in wrong.misses] == [Why.UNEXPLAINED] and not wrong.sound


@pytest.mark.parametrize(
    ("faults", "why", "reason"),
    [
        (("typo_given", "dob_absent"), Why.NOT_RECOGNISED, "nobody could have known them by such a copy"),
        ((), Why.UNEXPLAINED, "a copy without a fault has to be recognised"),
    ],
)
def test_nobody_recognised(force: Force, faults: tuple[str, ...], why: Why, reason: str) -> None:
    moment = standing(force)
    messages = tuple(
        replace(one, people=tuple((ref, person, member, faults) for ref, person, member, _ in one.people))
        if one.event_id == moment.completed_by
        else one
        for one in force.messages
    )
    changed = replace(only(force, moment), messages=messages)
    explained = Explainer(changed, {moment.completed_by: "no_match"}, ()).explain(moment)
    assert explained.why is why, reason


def test_only_another_feeds_news_may_overtake(force: Force) -> None:
    moment = standing(force)
    feeds = {one.event_id: one.feed for one in force.messages}
    own = next(key for key, feed in feeds.items() if key and feed is feeds[moment.completed_by])
    other = next(key for key, feed in feeds.items() if key and feed is not feeds[moment.completed_by])
    explainer = Explainer(force, {}, ())
    assert explainer.explain(replace(moment, withdrawn_by=EventId(other))).why is Why.OVERTAKEN
    assert explainer.explain(replace(moment, withdrawn_by=EventId(own))).why is Why.UNEXPLAINED


def test_what_the_truth_does_not_name_is_a_fault_and_says_whom_its_events_are_about(force: Force) -> None:
    moment = standing(force)
    found = verdict(only(force), fired(moment))
    assert not found.sound and found.score.precision == 0
    assert moment.rule_id in found.without_ground[0]


def test_what_passes_may_be_told_but_must_be_taken_back(force: Force) -> None:
    moment = force.truth.passing[0]
    taken_back = verdict(only(force, passing=(moment,)), fired(moment, state=TriggerState.WITHDRAWN))
    assert taken_back.sound and taken_back.score.passed == (key_of(moment),)
    stands = verdict(only(force, passing=(moment,)), fired(moment))
    assert not stands.sound and stands.score.standing == (key_of(moment),)


def test_a_moment_whose_ground_goes_must_be_told_and_taken_back(force: Force) -> None:
    moment = replace(standing(force), withdrawn_by=EventId("a correction"))
    assert verdict(only(force, moment), fired(moment, state=TriggerState.WITHDRAWN)).sound
    assert not verdict(only(force, moment), fired(moment)).sound


def test_a_second_telling_counts_for_the_first_unless_both_are_told(force: Force) -> None:
    later = standing(force).at + timedelta(hours=2)
    moment = replace(standing(force), or_at=later)
    assert detection(only(force, moment), [fired(moment, at=later)]).missed == ()
    twice = detection(only(force, moment), [fired(moment), fired(moment, at=later)])
    assert twice.unexpected == ((str(moment.member_id), moment.rule_id, later),)
