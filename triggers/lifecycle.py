"""How a version goes live: draft, checked, backtested, (shadow,) approved by a second person, live, retired.

Each transition is a function from the book as it is to the step that the store must write, or to a refusal with its
reason. Nothing is done here, and the same asked for twice changes nothing the second time.
"""

from dataclasses import replace
from datetime import datetime

from domain.clock import LONDON
from triggers.lifecycle_steps import bad_words, entry, moved, stepped
from triggers.lifecycle_values import (
    NOT_VOUCHED,
    PART_OF,
    Act,
    Backtested,
    Book,
    Checkup,
    Contents,
    Did,
    Head,
    LifecyclePolicy,
    Moved,
    Outcome,
    Person,
    Refusal,
    Refused,
    RuleVersion,
    Standing,
    State,
    Step,
    text_digest,
)

_BEFORE_BACKTEST = frozenset({State.CHECKED, State.BACKTESTED, State.SHADOW, State.APPROVED})
_ORDER = list(State)


def submit(book: Book, contents: Contents, act: Act, *, author: str = "") -> Outcome:
    """A draft, on top of the version that is live. A file with faults may be submitted, and then goes no further.

    What the live version says already is refused; what this person has submitted already stands. The act's reason is
    the note.
    """
    if bad_words(act.reason) or bad_words(author or act.by.who):
        return Refused(Refusal.BAD_WORDS)
    digest, live = contents.digest, book.live
    if live is not None and live.digest == digest:
        return Refused(Refusal.NOTHING_NEW)
    known = _same_draft(book, contents, act.by)
    if known is not None:
        return Moved(book.head, known, None)
    number = book.head.last + 1
    version = RuleVersion(
        number, contents, digest, author or act.by.who, act.by.who, act.reason, act.at, book.head.live
    )
    standing = Standing(
        number=number,
        state=State.DRAFT,
        revision=1,
        digest=digest,
        parts=tuple(text_digest(each.text) for each in contents.rules),
        tests=contents.tests_digest,
        author=version.author,
        submitted_by=act.by.who,
        note=act.reason,
        made_at=act.at,
        based_on=book.head.live,
        steps=(Step(Did.SUBMITTED, act.at, act.by.who, act.by.role, act.reason),),
    )
    return moved(
        book, standing, entry(Did.SUBMITTED, standing, act), version=version, head=replace(book.head, last=number)
    )


def _same_draft(book: Book, contents: Contents, by: Person) -> Standing | None:
    """What the same person has submitted with the same words and tests, on top of the same live version."""
    said = (contents.digest, contents.tests_digest, by.who, book.head.live)
    return next(
        (
            each
            for each in reversed(book.standings.values())
            if (each.digest, each.tests, each.submitted_by, each.based_on) == said and _closed(each) is None
        ),
        None,
    )


def check(book: Book, number: int, found: Checkup, act: Act) -> Outcome:
    """Note what checking found. With faults, failing tests or no tests, the version stays (or is again) a draft."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    closed = _closed(standing)
    if closed is not None:
        return Refused(closed)
    bad = _not_good(found)
    if (
        standing.check is not None
        and replace(standing.check, at=found.at) == found
        and standing.state is not State.DRAFT
    ):
        return Moved(book.head, standing, None)
    reason = bad.value if bad else f"{found.passed} rule tests pass"
    done = replace(stepped(standing, Did.CHECKED, act, reason), check=found)
    if not bad:
        done = replace(done, state=max(standing.state, State.CHECKED, key=_ORDER.index))
        return moved(book, done, entry(Did.CHECKED, done, act, reason))
    done = replace(done, state=State.DRAFT, approved_by="")
    return moved(book, done, entry(Did.CHECKED, done, act, reason), head=_head_without(book, number))


def backtest(book: Book, number: int, told: Backtested, act: Act, policy: LifecyclePolicy) -> Outcome:
    """Take the result of a backtest: of these very rules, of enough history, and not too old."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    closed = _closed(standing) or (Refusal.NOT_CHECKED if standing.state not in _BEFORE_BACKTEST else None)
    if closed is not None:
        return Refused(closed)
    told = replace(told, made_at=min(told.made_at or act.at, act.at))
    wrong = _backtest_wrong(standing, told, act.at, policy)
    if wrong is not None:
        return Refused(wrong)
    if standing.backtest is not None and replace(standing.backtest, made_at=None) == replace(told, made_at=None):
        return Moved(book.head, standing, None)
    reason = f"{told.firings} firings from {_london_day(told.since)} to {_london_day(told.until)}"
    reason = reason if told.vouched else f"{reason}; {NOT_VOUCHED}"
    # A new forecast is something else than what was approved: somebody must look again.
    state = State.SHADOW if book.head.shadow == number else State.BACKTESTED
    done = replace(stepped(standing, Did.BACKTESTED, act, reason), state=state, backtest=told, approved_by="")
    return moved(book, done, entry(Did.BACKTESTED, done, act, reason))


def _london_day(moment: datetime) -> str:
    """As it was asked for: a backtest begins and ends with London days."""
    return f"{moment.astimezone(LONDON):%Y-%m-%d}"


def shadow(book: Book, number: int, act: Act) -> Outcome:
    """Run it beside the live version. One at a time: whichever ran so before ends."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    closed = _closed(standing)
    if closed is not None:
        return Refused(closed)
    if book.head.shadow == number:
        return Moved(book.head, standing, None)
    if standing.state in {State.DRAFT, State.CHECKED}:
        return Refused(Refusal.NO_BACKTEST if standing.state is State.CHECKED else Refusal.NOT_CHECKED)
    state = standing.state if standing.state is State.APPROVED else State.SHADOW
    done = replace(stepped(standing, Did.SHADOWED, act), state=state)
    others, head = _without_shadow(book, act), replace(book.head, shadow=number, shadow_since=act.at)
    return moved(book, done, entry(Did.SHADOWED, done, act), others=others, head=head)


def end_shadow(book: Book, act: Act) -> Outcome:
    """No version runs beside the live one any more."""
    standing = book.standing(book.head.shadow)
    if standing is None:
        return Refused(Refusal.NOT_IN_SHADOW)
    (done,) = _without_shadow(book, act)
    return moved(book, done, entry(Did.SHADOW_ENDED, done, act), head=_head_without(book, done.number))


def _without_shadow(book: Book, act: Act) -> tuple[Standing, ...]:
    standing = book.standing(book.head.shadow)
    if standing is None:
        return ()
    state = State.BACKTESTED if standing.state is State.SHADOW else standing.state
    return (replace(stepped(standing, Did.SHADOW_ENDED, act), state=state),)


def approve(book: Book, number: int, act: Act, policy: LifecyclePolicy) -> Outcome:
    """A second person says that it may go live: not its author, not whoever submitted it, and all else in place."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    if act.reason and bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    closed = _closed(standing)
    if closed is not None:
        return Refused(closed)
    lacking = tuple(each for each in missing(book, standing, act.at, policy) if each is not Refusal.NOT_APPROVED)
    if act.by.is_same_as(standing.author) or act.by.is_same_as(standing.submitted_by):
        lacking = (Refusal.SAME_PERSON, *lacking)
    if lacking:
        return Refused(lacking[0], lacking)
    if standing.state is State.APPROVED:
        return Moved(book.head, standing, None)
    done = replace(stepped(standing, Did.APPROVED, act), state=State.APPROVED, approved_by=act.by.who)
    return moved(book, done, entry(Did.APPROVED, done, act))


def publish(book: Book, number: int, act: Act, policy: LifecyclePolicy) -> Outcome:
    """Put it live in place of the live version. Refused with everything that is still missing."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    if act.reason and bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    if book.head.live == number:
        return Moved(book.head, standing, None)
    if standing.state is State.RETIRED:
        return Refused(Refusal.IS_RETIRED)
    lacking = missing(book, standing, act.at, policy)
    if lacking:
        return Refused(lacking[0], lacking)
    return went_live(book, standing, act)


def went_live(book: Book, standing: Standing, act: Act) -> Moved:
    """The step that puts a version live, once it may."""
    others: tuple[Standing, ...] = ()
    if book.live is not None:
        gone = stepped(book.live, Did.REPLACED, act, f"by version {standing.number}")
        others = (replace(gone, state=State.RETIRED, live_until=act.at),)
    done = replace(
        stepped(standing, Did.PUBLISHED, act),
        state=State.LIVE,
        live_since=act.at,
        live_until=None,
        replaced=book.head.live,
    )
    head = replace(_head_without(book, standing.number), live=standing.number, live_since=act.at)
    return moved(book, done, entry(Did.PUBLISHED, done, act), others=others, head=head)


def withdraw(book: Book, number: int, act: Act) -> Outcome:
    """This version will not go live (its author thinks again, or somebody says no)."""
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    if bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    if standing.state is State.LIVE:
        return Refused(Refusal.IS_LIVE)
    if standing.state is State.RETIRED:
        return Moved(book.head, standing, None)
    done = replace(stepped(standing, Did.WITHDRAWN, act), state=State.RETIRED, approved_by="")
    return moved(book, done, entry(Did.WITHDRAWN, done, act), head=_head_without(book, number))


def _head_without(book: Book, number: int) -> Head:
    """The head once this version does not run in shadow any more."""
    return replace(book.head, shadow=None, shadow_since=None) if book.head.shadow == number else book.head


def missing(book: Book, standing: Standing, now: datetime, policy: LifecyclePolicy) -> tuple[Refusal, ...]:
    """All that is still missing before this version may go live, in the order of the way."""
    found: list[Refusal] = []
    if standing.check is None or standing.state is State.DRAFT:
        found.append((standing.check and _not_good(standing.check)) or Refusal.NOT_CHECKED)
    if standing.backtest is None:
        found.append(Refusal.NO_BACKTEST)
    elif (wrong := _backtest_wrong(standing, standing.backtest, now, policy)) is not None:
        found.append(wrong)
    if standing.based_on != book.head.live:
        found.append(Refusal.NOT_ON_LIVE)
    if standing.state is not State.APPROVED:
        found.append(Refusal.NOT_APPROVED)
    return tuple(found)


def _not_good(found: Checkup) -> Refusal | None:
    """What keeps a version from being checked."""
    if found.faults:
        return Refusal.HAS_FAULTS
    if found.failed:
        return Refusal.RULE_TESTS_FAIL
    return None if found.passed else Refusal.NO_RULE_TESTS


def _backtest_wrong(standing: Standing, told: Backtested, now: datetime, policy: LifecyclePolicy) -> Refusal | None:
    if told.rules_digest.startswith(PART_OF):
        return Refusal.BACKTEST_OF_A_PART
    if told.rules_digest not in (standing.digest, *standing.parts):
        return Refusal.BACKTEST_OF_OTHER_RULES
    if told.until <= told.since:
        return Refusal.BACKTEST_UNREADABLE
    if told.judged is None or told.covered is None:
        return Refusal.BACKTEST_OF_EARLIER_RELEASE
    if not told.judged:
        return Refusal.BACKTEST_OF_NOTHING
    if told.covered < policy.backtest_over:
        return Refusal.BACKTEST_TOO_SHORT
    made = told.made_at or now
    return Refusal.BACKTEST_TOO_OLD if now - made > policy.backtest_for else None


def _closed(standing: Standing) -> Refusal | None:
    """Why nothing more is done to a version."""
    return {State.LIVE: Refusal.IS_LIVE, State.RETIRED: Refusal.IS_RETIRED}.get(standing.state)
