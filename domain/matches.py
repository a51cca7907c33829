"""The answer to "who is this about?": a decision with its weight and its evidence, never a bare boolean."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.ids import EventId, MemberId

NOBODY_NAMED = "household"
"""The subject of an event that reached a listener through their household's key alone."""


class MatchDecision(StrEnum):
    """What may be done with the pair (domain.md 5.4)."""

    MATCH = "match"
    REVIEW = "review"
    NONE = "none"


class MatchReason(StrEnum):
    """Why the decision is what it is."""

    WEIGHT = "weight"  # at or above the MATCH threshold
    MEMBER_ID = "member_id"  # the programme named its own client
    DOUBTFUL = "doubtful"  # between the thresholds
    TOO_LIGHT = "too_light"  # below the REVIEW threshold
    AMBIGUOUS = "ambiguous"  # two members too close to call
    TWIN = "twin"  # twins rule
    VETO_NHS = "veto_nhs"  # verified NHS numbers differ
    VETO_PNC_CRO = "veto_pnc_cro"  # PNC and CRO both present and differ
    VETO_UNKNOWN = "veto_unknown"  # the source says it does not know who this is
    VETO_DECEASED = "veto_deceased"
    VETO_SEX = "veto_sex"  # sex differs with only name and date of birth in favour
    ALIAS_ONLY = "alias_only"  # nothing but an alias agrees
    HOUSEHOLD = "household"  # matched by household key, nobody named
    IDENTIFIER = "identifier"  # a verified NHS number with date of birth or surname; or, in review, an identifier alone
    SIBLING = "sibling"  # shares the home, but neither given name nor date of birth
    REVIEWED_SAME = "reviewed_same"  # a human confirmed this mention identity for this member before
    REVIEWED_DIFFERENT = "reviewed_different"  # a human rejected it before: no candidate


@dataclass(frozen=True, slots=True)
class Evidence:
    """One comparison: which, at which level, worth how many bits (log2 odds). Levels are words, never values."""

    comparison: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Match:
    """One mention against one member. `match_weight` is the sum of the evidence (prior included), in bits."""

    event_id: EventId
    mention: str
    member_id: MemberId
    match_weight: float
    match_probability: float
    decision: MatchDecision
    reason: MatchReason
    evidence: tuple[Evidence, ...] = ()


class Relation(StrEnum):
    """How the person an event is about stands to the watched person who is told of it."""

    SELF = "self"
    HOUSEHOLD = "household"
    ASSOCIATE = "associate"
    OCCURRENCE = "occurrence"  # the event amends an occurrence this person is already linked to
    LOST = "lost"  # the source now says that the occurrence was about somebody else


JOINED = "joined"


@dataclass(frozen=True, slots=True)
class LinkLearnt:
    """When we learnt that two watched people are close: `at` in event time, `received_at` when it reached us.

    `by` is the event that told it, '' where the cohort's own list did, JOINED where whoever hears was new themselves.
    """

    at: datetime
    received_at: datetime
    by: str = ""
