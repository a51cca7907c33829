"""The form of a rule file: one pydantic schema, nothing extra allowed. Meaning is checked in `checking.py`.

Spans are numbers with m, h or d ('90m', '48h', '365d'); the wait of an absence may be calendar months ('12mo').
Conditions stay as plain mappings here, because their faults are told in the words of the fact they are about.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from domain.triggers import Priority, Sensitivity
from triggers.months import Span, is_months, months_of
from triggers.patterns import VARIED, Distinct, Subject
from triggers.rules import Ground

MAX_WINDOW = timedelta(days=730)
"""No window reaches further back: history is not kept for longer (domain.md 7.3)."""

MAX_COUNT = 50

MAX_STEPS = 5

MAX_PARTS = 6

_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)\s*([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def span_of(text: object) -> timedelta:
    """'45m', '48h', '365d', '-10d' as a span. Raises ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    found = _SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError("a span is a number with m, h or d, such as 48h or 365d")
    return float(found[1]) * _UNITS[found[2]]


def _window(text: object) -> timedelta:
    if is_months(text):
        raise ValueError("months are known to the wait of an absence alone; write days, such as 365d")
    span = span_of(text)
    if not timedelta(0) < span <= MAX_WINDOW:
        raise ValueError(f"must be more than nothing and at most {MAX_WINDOW.days}d")
    return span


def _lasting(text: object) -> Span:
    return months_of(text) if is_months(text) else _window(text)


def _wait(text: object) -> timedelta:
    span = span_of(text)
    if not timedelta(0) <= span <= MAX_WINDOW:
        raise ValueError(f"must be between 0m and {MAX_WINDOW.days}d")
    return span


_SPELT = {"type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*[mhd]\s*$", "examples": ["45m", "48h", "365d"]}

_SPELT_LONG = {
    "type": "string",
    "pattern": r"^\s*(\d+(\.\d+)?\s*[mhd]|\d{1,4}\s*mo)\s*$",
    "examples": ["24h", "365d", "12mo"],
}

Window = Annotated[timedelta, BeforeValidator(_window), WithJsonSchema(_SPELT)]
Wait = Annotated[timedelta, BeforeValidator(_wait), WithJsonSchema(_SPELT)]
Lasting = Annotated[Span, BeforeValidator(_lasting), WithJsonSchema(_SPELT_LONG)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=300)]
RuleName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,39}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{1,59}$")]
Where = Annotated[dict[str, Any], WithJsonSchema({"$comment": "where"})]
Who = Annotated[dict[str, Any], WithJsonSchema({"$comment": "who"})]
Asked = Annotated[dict[str, Any], WithJsonSchema({"$comment": "asked"})]
KindWord = Annotated[str, WithJsonSchema({"$comment": "kind"})]
StatusWord = Annotated[str, WithJsonSchema({"$comment": "status"})]
FactWord = Annotated[str, WithJsonSchema({"$comment": "fact"})]
"""Words that `checking.py` knows; the comments are the places where `schema.py` writes what may stand there."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class EventForm(_Form):
    """One event: which kinds (a family as `ed.*`), about whom, where what holds, and what must still hold later."""

    kinds: tuple[KindWord, ...] = Field(min_length=1, max_length=40)
    subject: Subject = Subject.SELF
    where: Where = {}
    still: Where | None = None
    suspect_side: bool = False


class MergingForm(_Form):
    """When two occurrences are one."""

    same_source_key: bool = False
    overlapping_episodes: bool = False
    presumed_length: Wait = timedelta(hours=24)
    two_feeds_within: Window | None = None
    two_feeds_km: float | None = Field(default=None, gt=0, le=100)
    two_feeds_where: Where | None = None


class CountForm(_Form):
    """So many different ones in a window."""

    of: "PatternForm"
    at_least: int = Field(ge=1, le=MAX_COUNT, strict=True)
    within: Window
    distinct: Distinct = Distinct.OCCURRENCE
    same: FactWord = ""
    min_feeds: int = Field(default=1, ge=1, le=4, strict=True)
    merging: MergingForm = MergingForm()

    @model_validator(mode="after")
    def _varied_alone(self) -> "CountForm":
        told = self.same or self.min_feeds > 1 or self.merging != MergingForm()
        if self.distinct in VARIED and told:
            raise ValueError(f"a count of different {self.distinct}s knows no 'same', 'min_feeds' or 'merging'")
        return self


class SequenceForm(_Form):
    """One, then another within a span; or several steps, one after another, all within the span."""

    first: "PatternForm | None" = None
    then: "PatternForm | None" = None
    steps: tuple["PatternForm", ...] = Field(default=(), max_length=MAX_STEPS)
    within: Window
    overlap: bool = True
    same_occurrence: bool | None = None
    same_subject: bool = True

    @model_validator(mode="after")
    def _one_way(self) -> "SequenceForm":
        if self.steps:
            if self.first is not None or self.then is not None:
                raise ValueError("a sequence is told either by 'first' and 'then' or by 'steps', and not both")
            if len(self.steps) < 2:
                raise ValueError("'steps' needs at least two patterns, in order")
            return self
        for name in ("first", "then"):
            if getattr(self, name) is None:
                raise ValueError(f"'{name}' is missing; a sequence needs 'first' and 'then', or 'steps'")
        if not self.overlap:
            raise ValueError("'overlap' belongs to 'steps'")
        return self


Step = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,20}$")]


class AbsenceForm(_Form):
    """After one thing, nothing of another until a wait ends: a span, or the end of the day that the first one names."""

    after: "PatternForm"
    unless: "PatternForm"
    within: Lasting | None = None
    until: Literal["review_date"] | None = None
    same_occurrence: bool = False
    from_start: bool = False
    step: Step | Literal[""] = ""

    @model_validator(mode="after")
    def _one_wait(self) -> "AbsenceForm":
        if (self.within is None) is (self.until is None):
            raise ValueError("an absence needs either 'within' (24h, say) or 'until' (review_date), and not both")
        return self


class EntersForm(_Form):
    """The person comes into a state, or the watch begins in it."""

    status: tuple[StatusWord, ...] = Field(default=(), max_length=12)
    by_record: bool = False


class QuietForm(_Form):
    """Nothing of one thing for so long."""

    of: "PatternForm"
    lasting: Window
    since: "PatternForm"
    paused: "PatternForm"
    resumed: "PatternForm"


class AccumulatedForm(_Form):
    """So many categories evidenced, each by its own pattern, counted once each."""

    at_least: int = Field(ge=2, le=MAX_COUNT, strict=True)
    categories: dict[RuleName, "PatternForm"] = Field(min_length=2, max_length=30)
    where: Where = {}


class AllOfForm(_Form):
    """All of several things within a span, in any order; and none of others in the same span up to the last of them."""

    of: tuple["PatternForm", ...] = Field(min_length=1, max_length=MAX_PARTS)
    none_of: tuple["PatternForm", ...] = Field(default=(), max_length=MAX_PARTS)
    within: Window

    @model_validator(mode="after")
    def _more_than_one(self) -> "AllOfForm":
        if len(self.of) == 1 and not self.none_of:
            raise ValueError("'all_of' needs at least two patterns, or one and something that must not be ('none_of')")
        return self


class FirstForm(_Form):
    """The first of its kind: ever (as far as the history is kept), or in a span."""

    of: "PatternForm"
    within: Window | None = None


class ChangeForm(_Form):
    """More often than is usual for this person: a recent span against the usual one before it."""

    of: "PatternForm"
    recent: Window
    usual: Window
    times: float = Field(gt=1, le=100, strict=True, allow_inf_nan=False)
    at_least: int = Field(ge=2, le=MAX_COUNT, strict=True)
    usual_at_least: int = Field(default=1, ge=0, le=MAX_COUNT, strict=True)

    @model_validator(mode="after")
    def _usual_is_longer(self) -> "ChangeForm":
        if self.usual < self.recent:
            raise ValueError("the 'usual' span must be at least as long as the 'recent' one")
        return self


class FiredForm(_Form):
    """Another rule fired."""

    rule: RuleName


class PastForm(_Form):
    """How often something happened before: `at_least`, `at_most`; left out: at least once. No `within`: ever."""

    of: "PatternForm"
    at_least: int | None = Field(default=None, ge=1, le=MAX_COUNT, strict=True)
    at_most: int | None = Field(default=None, ge=0, le=MAX_COUNT, strict=True)
    within: Window | None = None


class PatternForm(_Form):
    """Exactly one kind of pattern, or the name of a ground defined in the same file."""

    event: EventForm | None = None
    count: CountForm | None = None
    sequence: SequenceForm | None = None
    any_of: tuple["PatternForm", ...] | None = Field(default=None, min_length=1, max_length=20)
    absence: AbsenceForm | None = None
    enters: EntersForm | None = None
    quiet: QuietForm | None = None
    accumulated: AccumulatedForm | None = None
    all_of: AllOfForm | None = None
    first: FirstForm | None = None
    change: ChangeForm | None = None
    fired: FiredForm | None = None
    ground: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "PatternForm":
        given = [name for name in PATTERN_KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a pattern is exactly one of {', '.join(PATTERN_KINDS)}; here are {len(given)}")
        return self


PATTERN_KINDS = (
    "event", "count", "sequence", "any_of", "all_of", "first", "change", "fired", "absence", "enters", "quiet",
    "accumulated", "ground",
)  # fmt: skip


class PriorityCase(_Form):
    """A line of the priority table."""

    priority: Priority
    when: Asked = Field(min_length=1)


class HeadlineCase(_Form):
    """A line of the headline table."""

    headline: Sentence
    when: Asked = Field(min_length=1)


class ReviewCase(_Form):
    """What the same firing also opens."""

    opens: Key
    when: Asked = Field(min_length=1)


class CapForm(_Form):
    """At most so many alerts of the rule for one person within a span; a more urgent one still comes."""

    alerts: int = Field(ge=1, le=MAX_COUNT, strict=True)
    within: Window


class ThenForm(_Form):
    """What follows."""

    priority: Priority
    headline: Sentence
    message_key: Key
    priorities: tuple[PriorityCase, ...] = Field(default=(), max_length=10)
    headlines: tuple[HeadlineCase, ...] = Field(default=(), max_length=10)
    reviews: tuple[ReviewCase, ...] = Field(default=(), max_length=10)
    rises: bool = True
    contact_within: Window | None = None
    channels: tuple[Literal["sms", "email"], ...] = Field(default=("sms", "email"), min_length=1)
    suggestion: Annotated[str, StringConstraints(max_length=300)] = ""
    sensitivity: Sensitivity = Sensitivity.STANDARD
    expires_after: Window | None = None
    cap: CapForm | None = None


class CoolingForm(_Form):
    """How long it stays quiet after firing: a span, or `whole_ground` for as long as the visit or episode lasts."""

    within: Wait | Literal["whole_ground"] = timedelta(hours=24)
    ground: Ground = Ground.PERSON
    per_priority: bool = False


class RuleForm(_Form):
    """One rule."""

    id: RuleName
    version: int = Field(ge=1, le=100_000, strict=True)
    owner: Annotated[str, StringConstraints(min_length=2, max_length=120)]
    why: Sentence
    sources: tuple[Annotated[str, StringConstraints(min_length=2, max_length=200)], ...] = Field(min_length=1)
    who: Who = {}
    when: PatternForm
    then: ThenForm
    cooling: CoolingForm = CoolingForm(per_priority=True)
    yields_to: tuple[RuleName, ...] = Field(default=(), max_length=10)
    tolerance: Wait = timedelta(hours=48)
    late_after: Wait = timedelta(hours=1)


class RuleFileHead(_Form):
    """A rule file without its rules and grounds, which are read one by one so that all faults are told at once."""

    rule_set: Key
    version: int = Field(ge=1, strict=True)
    owner: Annotated[str, StringConstraints(min_length=2, max_length=120)]
    about: str = ""


class FamilyForm(_Form):
    """Codes that say how an injury came about: one code or a run of ICD-10 codes."""

    system: Literal["icd10", "snomed"]
    first: str
    last: str = ""
    intent: str | None = None
    mechanism: str | None = None


class AreaForm(_Form):
    """A programme area: its force, and its middle where known."""

    force: str
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)


class ReferenceForm(_Form):
    """The reference lists."""

    reference: Key
    version: int = Field(ge=1, strict=True)
    owner: str
    about: str = ""
    lists: dict[Key, tuple[Annotated[str, StringConstraints(min_length=1)], ...]]
    code_families: tuple[FamilyForm, ...] = ()
    theme_families: dict[Key, tuple[str, ...]] = {}
    areas: dict[str, AreaForm] = {}
    offence_groups: dict[Key, tuple[Annotated[str, StringConstraints(min_length=1)], ...]] = {}
