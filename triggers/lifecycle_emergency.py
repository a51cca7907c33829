"""When there is no time: take the live version back in one step, or switch one rule off.

One supervisor may do either alone, and everybody is told. A version that comes back was approved once; a rule that is
switched off comes back by itself unless a second person confirms it, so that no silence outlives its reason.
"""

from dataclasses import replace
from datetime import datetime

from triggers.lifecycle_steps import bad_words, entry, moved, stepped
from triggers.lifecycle_values import (
    Act,
    Book,
    Did,
    Kill,
    LifecyclePolicy,
    Moved,
    Outcome,
    Refusal,
    Refused,
    RolledBack,
    State,
)


def roll_back(book: Book, number: int, act: Act) -> Outcome:
    """Take version `number` back: the one that was live before it is live again.

    `number` must be the live one. Asked for again after it was done, it changes nothing: nobody goes back two steps by
    a button pressed twice.
    """
    standing = book.standing(number)
    if standing is None:
        return Refused(Refusal.NO_SUCH_VERSION)
    if bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    before = book.standing(standing.replaced)
    if book.head.live != number:
        done = before is not None and before.number == book.head.live and standing.steps[-1].did is Did.ROLLED_BACK
        return Moved(book.head, before, None) if done else Refused(Refusal.IS_NOT_LIVE)
    if before is None:
        return Refused(Refusal.NOTHING_BEFORE)
    gone = replace(stepped(standing, Did.ROLLED_BACK, act), state=State.RETIRED, live_until=act.at)
    back = stepped(before, Did.RESTORED, act, f"version {number} was rolled back: {act.reason}")
    back = replace(back, state=State.LIVE, live_since=act.at, live_until=None)
    return moved(
        book,
        back,
        entry(Did.ROLLED_BACK, gone, act),
        entry(Did.RESTORED, back, act),
        others=(gone,),
        head=replace(
            book.head,
            live=back.number,
            live_since=act.at,
            rolled_back=RolledBack(number, back.number, act.by.who, act.at, act.reason),
        ),
    )


def kill(book: Book, rule: str, act: Act, policy: LifecyclePolicy, *, rules: frozenset[str] | None = None) -> Outcome:
    """Switch one rule off at once. It comes back after `policy.kill_for` unless a second person confirms.

    `rules` are those in force, if they are not the live version's (pinned to a file).
    """
    if bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    if rules is None:
        rules = (
            frozenset(book.live.check.rules) if book.live is not None and book.live.check is not None else frozenset()
        )
    if rule not in rules:
        return Refused(Refusal.NO_SUCH_RULE)
    if rule in book.head.killed(act.at):
        return Moved(book.head, book.live, None)
    switched = Kill(rule, act.by.who, act.at, act.reason, act.at + policy.kill_for)
    return moved(
        book,
        None,
        entry(Did.KILLED, rule, act),
        head=replace(book.head, kills=(*_others(book, rule, act.at), switched)),
    )


def confirm_kill(book: Book, rule: str, act: Act, policy: LifecyclePolicy) -> Outcome:
    """A second person agrees: the rule stays off for `policy.confirmed_kill_for`, counted from now."""
    standing = _kill_of(book, rule, act.at)
    if standing is None:
        return Refused(Refusal.NOT_KILLED)
    if standing.confirmed_by:
        return Moved(book.head, book.live, None)
    if act.by.is_same_as(standing.by):
        return Refused(Refusal.SAME_PERSON)
    confirmed = replace(standing, confirmed_by=act.by.who, until=act.at + policy.confirmed_kill_for)
    told = entry(Did.KILL_CONFIRMED, rule, act, standing.reason)
    return moved(book, None, told, head=replace(book.head, kills=(*_others(book, rule, act.at), confirmed)))


def revive(book: Book, rule: str, act: Act) -> Outcome:
    """Switch a rule on again. What happened meanwhile does not fire for it later."""
    if act.reason and bad_words(act.reason):
        return Refused(Refusal.BAD_WORDS)
    if _kill_of(book, rule, act.at) is None:
        return Refused(Refusal.NOT_KILLED)
    told = entry(Did.REVIVED, rule, act)
    return moved(book, None, told, head=replace(book.head, kills=_others(book, rule, act.at)))


def _kill_of(book: Book, rule: str, now: datetime) -> Kill | None:
    return next((kill for kill in book.head.kills if kill.rule == rule and now < kill.until), None)


def _others(book: Book, rule: str, now: datetime) -> tuple[Kill, ...]:
    """The kills of other rules that still hold; what has ended is in the audit log."""
    return tuple(kill for kill in book.head.kills if kill.rule != rule and now < kill.until)
