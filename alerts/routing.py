"""Who may be told of an alert, and why them. Detection fails open: if nobody is there, supervisors hear that somebody
must be found. Disclosure fails closed: health goes to health-approved contacts only, held intelligence to gatekeepers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from alerts.model import Alert, Channel
from domain.ids import NavigatorId
from domain.people import CohortMember, Navigator
from domain.triggers import Sensitivity


class RoutingReason(StrEnum):
    """Why these recipients."""

    ASSIGNED = "assigned"
    COVER = "cover"
    DUTY = "duty"
    HEALTH_APPROVED = "health_approved"
    GATEKEEPER = "gatekeeper"
    SUPERVISOR = "supervisor"
    NO_HEALTH_APPROVED_CONTACT = "no_health_approved_contact"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Directory:
    """The navigators as they are now, by id. Immutable: a change makes a new one."""

    navigators: Mapping[NavigatorId, Navigator] = field(repr=False)

    def get(self, navigator_id: NavigatorId | None) -> Navigator | None:
        """The navigator of that id; None if there is none."""
        return self.navigators.get(navigator_id) if navigator_id else None

    def address(self, navigator_id: NavigatorId, channel: Channel) -> str:
        """Where to reach somebody on a channel; '' if they have none there."""
        found = self.get(navigator_id)
        if found is None:
            return ""
        return found.phone if channel is Channel.SMS else found.email


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """`channels` are those that are set up and may be used at all, in order of preference."""

    channels: tuple[Channel, ...] = (Channel.SMS, Channel.EMAIL)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to tell and the channels that reach them."""

    navigator_id: NavigatorId
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """The recipients and why. `notice_to` are supervisors who hear, without any detail, that nobody could be told."""

    recipients: tuple[Recipient, ...]
    reason: RoutingReason
    notice_to: tuple[Recipient, ...] = ()


def recipients(member: CohortMember, alert: Alert, directory: Directory, policy: RoutingPolicy) -> Routing:
    """Who is told of an alert: whoever it is with, else the member's cover, else the navigator's, else duty contacts.

    Available people with an address only. An accepted alert is with whoever accepted it. Never empty without a reason.
    """
    if alert.sensitivity is Sensitivity.INTEL:
        return gatekeepers(directory, policy, area=alert.area)
    wanted = _channels(alert, policy)
    if alert.sensitivity is Sensitivity.HEALTH:
        return _health(member, alert, directory, wanted, policy)
    for reason, navigator in _chain(member, alert, directory):
        found = _reach(navigator, wanted)
        if found is not None:
            return Routing((found,), reason)
    duty = _duty(directory, alert.area, wanted)
    if duty:
        return Routing(duty, RoutingReason.DUTY)
    return Routing((), RoutingReason.NOBODY, notice_to=supervisors(directory, policy))


def gatekeepers(directory: Directory, policy: RoutingPolicy, *, area: str = "") -> Routing:
    """Who decides on held intelligence: the gatekeepers, else the duty contacts (told only that something waits)."""
    found = _reachable((each for each in directory.navigators.values() if each.gatekeeper), policy.channels, area)
    if found:
        return Routing(found, RoutingReason.GATEKEEPER)
    duty = _duty(directory, area, policy.channels)
    if duty:
        return Routing(duty, RoutingReason.DUTY)
    return Routing((), RoutingReason.NOBODY, notice_to=supervisors(directory, policy))


def supervisors(directory: Directory, policy: RoutingPolicy) -> tuple[Recipient, ...]:
    """All supervisors who can be reached, available ones if any: an alarm is better heard on leave than by nobody."""
    all_of_them = [each for each in directory.navigators.values() if each.supervisor]
    return _reachable(all_of_them, policy.channels) or _reachable(all_of_them, policy.channels, also_away=True)


def themselves(directory: Directory, policy: RoutingPolicy, navigator_id: NavigatorId | None) -> tuple[Recipient, ...]:
    """One navigator, if they can be reached at all; on leave too, because it is about something of their own."""
    found = _reach(directory.get(navigator_id), policy.channels, also_away=True)
    return (found,) if found is not None else ()


def on_duty(directory: Directory, policy: RoutingPolicy, *, area: str = "") -> tuple[Recipient, ...]:
    """The duty contacts who can be reached, else the supervisors: for what waits for somebody, whoever it is."""
    return _duty(directory, area, policy.channels) or supervisors(directory, policy)


def _chain(
    member: CohortMember, alert: Alert, directory: Directory
) -> Iterable[tuple[RoutingReason, Navigator | None]]:
    assigned = directory.get(alert.navigator_id or member.navigator_id)
    yield RoutingReason.ASSIGNED, assigned
    yield RoutingReason.COVER, directory.get(member.cover_id)
    yield RoutingReason.COVER, directory.get(assigned.cover_id) if assigned else None


def _health(
    member: CohortMember, alert: Alert, directory: Directory, wanted: tuple[Channel, ...], policy: RoutingPolicy
) -> Routing:
    """Health-approved people only: along the usual chain first, then any who are on duty, then any at all."""
    for _, navigator in _chain(member, alert, directory):
        found = _reach(navigator, wanted) if navigator is not None and navigator.health_approved else None
        if found is not None:
            return Routing((found,), RoutingReason.HEALTH_APPROVED)
    approved = [each for each in directory.navigators.values() if each.health_approved]
    others = _reachable((each for each in approved if each.duty), wanted, alert.area) or _reachable(
        approved, wanted, alert.area
    )
    if others:
        return Routing(others, RoutingReason.HEALTH_APPROVED)
    return Routing((), RoutingReason.NO_HEALTH_APPROVED_CONTACT, notice_to=supervisors(directory, policy))


def _channels(alert: Alert, policy: RoutingPolicy) -> tuple[Channel, ...]:
    """What the live firings' rules ask for, of what is set up; everything set up if they ask for nothing usable."""
    asked = {name for trigger in alert.live for name in trigger.channels}
    return tuple(channel for channel in policy.channels if channel.value in asked) or policy.channels


def _duty(directory: Directory, area: str, channels: tuple[Channel, ...]) -> tuple[Recipient, ...]:
    return _reachable((each for each in directory.navigators.values() if each.duty), channels, area)


def _reachable(
    candidates: Iterable[Navigator], channels: tuple[Channel, ...], area: str = "", *, also_away: bool = False
) -> tuple[Recipient, ...]:
    """Those who can be told, by id; only those of the area if there are any."""
    known = sorted(candidates, key=lambda navigator: navigator.navigator_id)
    pairs = [(each, _reach(each, channels, also_away=also_away)) for each in known]
    found = [(each, recipient) for each, recipient in pairs if recipient is not None]
    local = [recipient for each, recipient in found if area and each.area == area]
    return tuple(local or [recipient for _, recipient in found])


def _reach(navigator: Navigator | None, channels: tuple[Channel, ...], *, also_away: bool = False) -> Recipient | None:
    """The channels that reach somebody; any address is better than none, even on a channel not asked for."""
    if navigator is None or not (navigator.available or also_away):
        return None
    addresses = {Channel.SMS: navigator.phone, Channel.EMAIL: navigator.email}
    usable = tuple(channel for channel in channels if addresses[channel])
    fallback = tuple(channel for channel in Channel if addresses[channel])
    return Recipient(navigator.navigator_id, usable or fallback) if usable or fallback else None
