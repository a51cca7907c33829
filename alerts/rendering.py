"""The words on the phone and in the mail. They are made here and nowhere else, at the moment of sending.

What may be said is settled by domain.md section 7.4: the service, the reference, how urgent, what to do and by when, a
link behind the login and a number to call. This module is given nothing else: it cannot see the person, the rules or
the feeds. An SMS is one segment of at most 160 GSM 7-bit characters (domain.md section 7.5).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from alerts.model import Channel, Clocks, Delivery, Purpose
from domain.clock import LONDON
from domain.errors import ConfigError
from domain.triggers import Priority

SMS_LIMIT = 160
"""Septets in one segment (domain.md section 7.5)."""

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("^{}\\[~]|€")

LONGEST_REFERENCE = "WWWW-WWWW"
MOST_REPEATS = 999


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `subject` is empty for SMS."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """All that a message is made of."""

    purpose: Purpose
    reference: str
    priority: Priority
    clocks: Clocks
    repeats: int

    @property
    def values(self) -> dict[str, str]:
        return {
            "urgency": _URGENCY[self.priority],
            "ref": self.reference,
            "by": _moment(self.clocks.acknowledge_by),
            "contact": _moment(self.clocks.contact_by),
        }


@dataclass(frozen=True, slots=True)
class WordingPolicy:
    """What the deployment puts into each message. `base_url` has no trailing slash; `call_back` is the number to call.

    Raises ConfigError where the longest message would not fit one SMS, so that it is found at the start and not at
    night.
    """

    base_url: str
    call_back: str
    service_name: str = "Reachpoint"

    def __post_init__(self) -> None:
        for purpose in Purpose:
            for priority in Priority:
                text = _sms(_Facts(purpose, LONGEST_REFERENCE, priority, _LATEST, MOST_REPEATS), self)
                length = septets(text)
                if length is None:
                    raise ConfigError("Service name, link and call-back number must be plain GSM characters.")
                if length > SMS_LIMIT:
                    raise ConfigError(f"The {purpose.value} SMS would have {length} characters; shorten the link.")


_URGENCY = {Priority.P1: "URGENT", Priority.P2: "Today", Priority.P3: "Planned"}

_SHORT: dict[Purpose, str] = {
    Purpose.ALERT: "{urgency} {ref}. Log in, accept by {by}:",
    Purpose.UPDATE: "UPDATE {urgency} {ref}. Log in, accept by {by}:",
    Purpose.CORRECTION: "CORRECTED {ref}. Log in before you act:",
    Purpose.WITHDRAWAL: "WITHDRAWN {ref}. Do not act on it. Log in:",
    Purpose.GATEKEEPER: "DECISION needed {ref}. Log in:",
    Purpose.REVIEW: "REVIEW needed {ref}. Log in:",
    Purpose.SUPERVISOR_NOTICE: "NOBODY TOLD of {urgency} {ref}. Log in, assign it:",
    Purpose.SNOOZE_OVER: "SNOOZE over {ref}. Log in, see what it held:",
    Purpose.SNOOZE_MADE: "SNOOZE made {ref}. Log in, look at it:",
    Purpose.FLOOD: "FLOOD {ref}: alerts wait in the digest. Log in:",
    Purpose.RULE_WATCH: "FORECAST missed {ref}. Log in:",
    Purpose.RULES: "SWITCHED OFF or taken back {ref}. Log in:",
    Purpose.RULE_FAULT: "NOT JUDGED for some people {ref}. Log in:",
    Purpose.SET_ASIDE: "EVENTS FAIL and alert nobody {ref}. Log in:",
}

_SUBJECT: dict[Purpose, str] = {
    Purpose.ALERT: "{urgency}: alert {ref}",
    Purpose.UPDATE: "{urgency}: alert {ref} has changed",
    Purpose.CORRECTION: "Corrected: alert {ref}",
    Purpose.WITHDRAWAL: "Withdrawn: alert {ref}",
    Purpose.GATEKEEPER: "Decision needed: {ref}",
    Purpose.REVIEW: "Review needed: {ref}",
    Purpose.SUPERVISOR_NOTICE: "Nobody told: alert {ref}",
    Purpose.SNOOZE_OVER: "A snooze is over: {ref}",
    Purpose.SNOOZE_MADE: "A snooze was made: {ref}",
    Purpose.FLOOD: "Alerts wait in the digest: {ref}",
    Purpose.RULE_WATCH: "A forecast was missed: {ref}",
    Purpose.RULES: "Switched off or taken back: {ref}",
    Purpose.RULE_FAULT: "Something cannot be judged for some people: {ref}",
    Purpose.SET_ASIDE: "Events fail and alert nobody: {ref}",
}

_LONG: dict[Purpose, str] = {
    Purpose.ALERT: (
        "Alert {ref} is for you ({urgency}).\n\n"
        "Log in to see what changed and why now. Accept it by {by}; make contact by {contact}."
    ),
    Purpose.UPDATE: (
        "Alert {ref} has changed ({urgency}).\n\n"
        "Log in to see what is new. If nobody has accepted it yet, accept it by {by}; make contact by {contact}."
    ),
    Purpose.CORRECTION: "Alert {ref} has been corrected.\n\nLog in and read the correction before you act on it.",
    Purpose.WITHDRAWAL: (
        "Alert {ref} has been withdrawn: what it rested on is no longer so.\n\n"
        "Do not act on it. If you have acted already, log in and record it."
    ),
    Purpose.GATEKEEPER: "Item {ref} waits for your decision.\n\nLog in to release it or to keep it back.",
    Purpose.REVIEW: "Item {ref} is uncertain and waits for your review.\n\nLog in to confirm or to reject it.",
    Purpose.SUPERVISOR_NOTICE: (
        "Nobody could be told of alert {ref} ({urgency}).\n\nLog in and assign it to somebody by {by}."
    ),
    Purpose.SNOOZE_OVER: "Snooze {ref} is over.\n\nLog in to see what was held back meanwhile.",
    Purpose.SNOOZE_MADE: "Snooze {ref} was made.\n\nLog in to see it: let it stand, confirm it or lift it.",
    Purpose.FLOOD: (
        "More alerts come than people can take ({ref}).\n\n"
        "The rest waits in the digest and none is lost. Log in to see what floods, and who waits."
    ),
    Purpose.RULES: (
        "Something that alerts rest on was switched off or taken back, or cannot be read ({ref}).\n\n"
        "Log in to see which, by whom and why."
    ),
    Purpose.RULE_FAULT: (
        "What alerts rest on cannot all be judged for some people, by a fault of ours; the rest goes on ({ref}).\n\n"
        "Log in to see which. Have it mended, or take its version back: what it missed is judged then."
    ),
    Purpose.SET_ASIDE: (
        "Events of some people fail as a whole, by a fault of ours, and alert nobody ({ref}).\n\n"
        "They are kept. Tell whoever runs the service at once; once it is mended, the events are taken again."
    ),
    Purpose.RULE_WATCH: (
        "Alerts come far more rarely, or far more often, than forecast ({ref}).\n\n"
        "Log in to see of which sort: a feed or a setting may have changed."
    ),
}

_LATEST = Clocks(*(datetime(2026, 11, 25, 23, 59, tzinfo=UTC),) * 3)
"""A Wednesday: the longest moment there is, to measure by."""


def render(delivery: Delivery, reference: str, priority: Priority, clocks: Clocks, policy: WordingPolicy) -> Message:
    """The message for one delivery. Times are London time; `repeat n` is added where one may have arrived."""
    facts = _Facts(delivery.purpose, reference, priority, clocks, delivery.repeats)
    return Message("", _sms(facts, policy)) if delivery.channel is Channel.SMS else _email(facts, policy)


def septets(text: str) -> int | None:
    """How many GSM 7-bit septets a text takes (extended characters take two); None if it cannot be said in GSM."""
    if any(character not in _GSM_BASIC and character not in _GSM_EXTENDED for character in text):
        return None
    return sum(2 if character in _GSM_EXTENDED else 1 for character in text)


def link(reference: str, policy: WordingPolicy) -> str:
    """Where to log in and read the alert; reveals nothing but the reference."""
    return f"{policy.base_url}/a/{reference}"


def _sms(facts: _Facts, policy: WordingPolicy) -> str:
    words = _SHORT[facts.purpose].format_map(facts.values)
    repeat = f" (repeat {min(facts.repeats, MOST_REPEATS)})" if facts.repeats else ""
    return f"{policy.service_name}: {words} {link(facts.reference, policy)} Call {policy.call_back}{repeat}"


def _email(facts: _Facts, policy: WordingPolicy) -> Message:
    subject = f"{policy.service_name} {_SUBJECT[facts.purpose].format_map(facts.values)}"
    lines = [
        _LONG[facts.purpose].format_map(facts.values),
        link(facts.reference, policy),
        f"Call {policy.call_back} if you cannot log in, and say the reference {facts.reference}.",
    ]
    if facts.repeats:
        subject += f" (repeat {facts.repeats})"
        lines.append(f"Repeat {facts.repeats} of a message that may have reached you already.")
    lines.append(f"{policy.service_name}. Please do not reply with any details about anybody.\n")
    return Message(subject, "\n\n".join(lines))


def _moment(moment: datetime) -> str:
    """A London wall-clock time that can be read aloud, with its day: `21:45 Sat`."""
    return moment.astimezone(LONDON).strftime("%H:%M %a")
