"""A backtest judges a member by the facts that were archived as the live rules judged the member."""

from dataclasses import fields, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import MemberId, NavigatorId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from domain.people import CohortMember, MemberStatus
from streams import codec
from streams.archive import facts_of
from tests.trials import trials
from tests.unit.streams.play import START, ed, event, member, tipt
from triggers.evaluate import evaluate
from triggers.history import entry_of

_MEMBERS = st.builds(
    replace,
    st.just(member("M1")),
    status=st.sampled_from(MemberStatus),
    programme=st.sampled_from(("", "navigators")),
    area=st.sampled_from(("", "Coventry")),
    force_area=st.sampled_from(("", "West Midlands")),
    individual_engagement=st.sampled_from(("", "refused")),
    household_engagement=st.sampled_from(("", "engaged")),
    navigator_id=st.sampled_from((None, NavigatorId("N1"))),
    associates=st.sampled_from(((), (MemberId("M2"),))),
    allowed_feeds=st.sampled_from(((Feed.ED,), tuple(Feed))),
    safe_contact=st.sampled_from(("", "through the aunt, 07700 900123")),
    staff_safety=st.sampled_from(("", "dog")),
    joined_at=st.sampled_from((None, START)),
)


@settings(max_examples=trials(300))
@given(_MEMBERS)
def test_rules_judge_a_member_by_their_facts_as_they_judge_the_member(one: CohortMember) -> None:
    again = codec.decode_facts(codec.encode(facts_of(one))).member
    history = tuple(
        entry_of(each, subject="M1", relation=Relation.SELF, role=Role.PATIENT)
        for each in (
            ed(Kind.ED_ARRIVAL, visit="V1", intent="assault", mechanism="sharp"),
            event(Kind.MISSING_REPORTED, attributes={"episode_id": "E1", "risk": "high"}),
        )
    )
    now = START + timedelta(days=200)
    assert evaluate(tipt(), one, history, now) == evaluate(tipt(), again, history, now)


def test_every_field_of_a_member_that_rules_can_ask_is_among_the_facts() -> None:
    """A new field of CohortMember must be put among the facts, or here with the reason why no rule asks it."""
    unasked = {
        "identity": "its dates of birth are kept",
        "watch": "its dates are kept",
        "associates": "rules ask only whether there are any; each entry says its own relation",
        "safe_contact": "rules ask only whether it is noted",
        "staff_safety": "rules ask only whether it is noted",
        "cover_id": "only routing asks it",
        "ties": "the store's own; entries say when a link was learnt",
        "home_learnt": "the store's own; entries say when a link was learnt",
    }
    kept = {each.name for each in fields(facts_of(member("M1")))}
    assert {each.name for each in fields(CohortMember)} - kept == set(unasked)
