"""What commands on the rule book say. `version` is the revision of the standing that was seen, as If-Match or here."""

from datetime import datetime
from typing import Annotated

import msgspec

MOST_BYTES = 4 * 1024 * 1024
"""Largest draft, with its reference lists and rule tests, in bytes of JSON."""

_Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Seen = Annotated[int, msgspec.Meta(ge=1, le=999_999_999)] | None


class FileText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as written."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Annotated[str, msgspec.Meta(max_length=1024 * 1024)]


class Drafting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version: one rule file in the place of the live version's file of the same rule set.

    Without `tests` and `reference` those of the live version go on. `author` is who wrote it, if not who sends it.
    """

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=256 * 1024)]
    note: _Reason
    author: Annotated[str, msgspec.Meta(max_length=200)] = ""
    reference: Annotated[str, msgspec.Meta(max_length=256 * 1024)] | None = None
    tests: Annotated[tuple[FileText, ...], msgspec.Meta(max_length=200)] = ()


class HistoryJudged(msgspec.Struct, frozen=True):
    """What history a backtest judged: decisions in its time, and the first and last moment of which it knows. The
    result of an earlier release does not say how many decisions: it is refused."""

    in_time: Annotated[int, msgspec.Meta(ge=0)] | None = None
    first: _Moment | None = None
    last: _Moment | None = None


class Forecasting(msgspec.Struct, frozen=True):
    """What `rules backtest --json` begins with; the rest of its result may be sent along and is not read."""

    rules_digest: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    since: _Moment
    until: _Moment
    firings: Annotated[int, msgspec.Meta(ge=0)]
    made_at: _Moment | None = None
    figures: dict[str, int] = {}
    history: HistoryJudged = HistoryJudged()
    seal: Annotated[str, msgspec.Meta(max_length=64)] = ""
    version: _Seen = None


class Stepping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Check, shadow, approve or publish: with a reason where there is one to give."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    version: _Seen = None


class Reasoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Roll back or withdraw a version: the reason is kept and told to all supervisors."""

    reason: _Reason
    version: _Seen = None


class Switching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switch a rule off: the reason is kept and told to all supervisors."""

    reason: _Reason


class Agreeing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Confirm that a rule stays off, or switch it on again."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
