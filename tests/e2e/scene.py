"""A story of many messages, how the undisturbed service tells it, and how to see whether another run told the same."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from domain.kinds import Feed
from fixtures.folder import write_force
from fixtures.force import Force, ForceSpec, generate
from fixtures.tellings import Expect
from tests.e2e.load import Item, Load, items_of
from tests.e2e.outcome import WAITING, Effective, Outcome, now_of_force, read_outcome
from tests.e2e.service_process import ServiceProcess, far_ends

FEEDS = {Feed.POLICE: "police", Feed.INTEL: "intelligence", Feed.PROGRAMME: "programme"}


@dataclass(frozen=True, slots=True)
class Scene:
    """A force and the secret that makes its references, the same for all runs."""

    force: Force
    secret: Path
    folder: Path
    seed: int

    def items(self) -> list[Item]:
        return items_of(self.force, self.force.messages)


def scene_of(folder: Path, messages: int, seed: int, *, prevalence: float = 0.4) -> Scene:
    """A synthetic story of so many messages, told up to now; `prevalence` of them are about watched people."""
    members = max(60, round(messages * prevalence / 5))
    spec = ForceSpec(seed=seed, members=members, events=messages, end=now_of_force(), prevalence=prevalence)
    force = generate(spec)
    write_force(force, folder / "force")
    secret = folder / "reference.secret"
    secret.write_bytes(secrets.token_bytes(32))
    return Scene(force, secret, folder, seed)


@contextlib.asynccontextmanager
async def run_of(scene: Scene, name: str) -> AsyncIterator[tuple[ServiceProcess, Load]]:
    """A service on an own data directory with the people imported, and the senders with their keys."""
    with far_ends() as (smtp, sms):
        service = ServiceProcess(scene.folder / name, smtp, sms, scene.secret)
        service.prepare()
        try:
            service.command("navigators", "import", str(scene.folder / "force" / "navigators.ndjson"))
            service.command("cohort", "import", str(scene.folder / "force" / "cohort.ndjson"), "--replace")
            made = {
                feed: str(service.command("keys", "create", "sender", "--role", "feed", "--feed", word)["key"])
                for feed, word in FEEDS.items()
            }
            yield service, Load(scene.items(), made)
        finally:
            service.close()


async def undisturbed_run(scene: Scene) -> Outcome:
    """What the embedded service makes of it when nothing goes wrong."""
    async with run_of(scene, "undisturbed") as (service, load):
        await load.run(await service.start(), per_second=100_000)
        assert load.done
        outcome = await read_outcome(service, acknowledged_ids(load), within_s=60 + len(load.items) / 50)
        assert service.stop() == 0
    return outcome


def acknowledged_ids(load: Load) -> list[str]:
    """The ids of the events that were acknowledged as accepted, or as known."""
    return sorted({one.event_id for one in load.acknowledged if one.expect in {Expect.ACCEPTED, Expect.DUPLICATE}})


def same_alerts(
    undisturbed: Outcome, killed: Outcome, *, with_references: bool = True, only_standing: bool = False
) -> None:
    """The same alerts. References hang on the order in which a person's events came, which an AE may change.

    `only_standing` leaves out those that were taken back whole: where events of different occurrences come in another
    order (engine B), a record may be heard before what takes it back, or after. What a wait's end raised and news took
    back is never compared: a service that died between "he arrived" and "he left" rightly rings when it is back and the
    wait is long over, and one that heard both at once does not. For the same reason an alert that only such a rule
    made has its reference and its id from whichever ground it was told on first: an event that ended in it ended in what
    the alert says.
    """
    before, after = (
        {
            (alert[0] if with_references and not _only_waited(alert) else "", *alert[1:])
            for alert in one.effective
            if alert[-1] or not (only_standing or alert[0] in one.by_clock)
        }
        for one in (undisturbed, killed)
    )
    only_before, only_after = before - after, after - before
    assert not only_before and not only_after, (
        f"alerts differ from those of an undisturbed run: without kills only {sorted(map(str, only_before))[:3]}, "
        f"with kills only {sorted(map(str, only_after))[:3]}"
    )
    if with_references:
        others = {one: (_ended(undisturbed, one), _ended(killed, one)) for one in undisturbed.endings}
        assert killed.endings.keys() == undisturbed.endings.keys()
        apart = [pair for pair in others.values() if pair[0] != pair[1]]
        unlike = [pair for pair in apart if set(pair) != _TOOK_BACK_A_WAIT]
        assert not unlike, f"events ended otherwise than undisturbed: {unlike[:3]}"
        assert len(apart) <= undisturbed.waits_taken_back + killed.waits_taken_back, "more than waits were taken back"


def _ended(run: Outcome, event: str) -> str | None:
    """How an event ended; in an alert that only rules that wait made, by what that says instead of by its id."""
    ending = run.endings[event]
    alert = next((one for one in run.alerts if ending == f"alert:{one.alert_id}"), None)
    told = [] if alert is None else sorted((firing.rule_id, firing.fired_at) for firing in alert.live)
    waited = bool(told) and WAITING.issuperset(rule for rule, _ in told)
    return f"alert: {told} of {alert.member_id}" if alert is not None and waited else ending


def _only_waited(alert: Effective) -> bool:
    """Whether nothing but rules that wait speak in it."""
    return bool(alert[2]) and WAITING.issuperset(rule for rule, _ in alert[2])


_TOOK_BACK_A_WAIT = {"no_rule", "withdrawn"}
"""How news ends after which nothing waits any more: nobody had been told of the wait, or somebody had."""
