"""`reachpoint doctor`: is this machine, this configuration and this store fit to be relied on? And a way out if not."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from service.terminal import FAULTS, AsJson, Config, Data, run, settings_for, show_rows

_ENOUGH_BYTES = 1 << 30


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Cut a damaged log at its last whole command; a copy is kept beside it.")
    ] = False,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Check configuration, channels, disk, kernel, store and books. Exit status 1 if something should be mended."""
    from alerts.senders.apprise_sender import AppriseSender
    from domain.errors import ServiceError
    from service.settings import Settings
    from service.wiring import policies_of, reach_store, sending_policy
    from streams.aof import find_damage
    from streams.aof import repair as cut
    from streams.server import LOG_FOLDER, check_durability
    from streams.valkey import ValkeyTransport

    settings = settings_for(config, data)
    findings: list[tuple[str, str, str]] = []

    def note(what: str, good: bool, words: str) -> None:
        findings.append((what, "ok" if good else "MEND", words))

    def machine(settings: Settings) -> None:
        overcommit = Path("/proc/sys/vm/overcommit_memory")
        if overcommit.exists():
            good = overcommit.read_text().strip() == "1"
            note("memory overcommit", good, "vm.overcommit_memory = 1" if good else "set vm.overcommit_memory = 1")
        folder = settings.data_dir if settings.data_dir.exists() else Path()
        free = shutil.disk_usage(folder).free
        note("disk", free > _ENOUGH_BYTES, f"{free / (1 << 30):.1f} GiB free in {folder.resolve()}")
        if settings.data_dir.exists():
            mode = settings.data_dir.stat().st_mode & 0o077
            note(
                "data directory",
                mode == 0,
                "private" if mode == 0 else f"open to others: chmod 700 {settings.data_dir}",
            )
        note("user", os.getuid() != 0, "not root" if os.getuid() != 0 else "runs as root; use a user of its own")

    async def work() -> int:
        machine(settings)
        try:
            policies = policies_of(settings)
            note("configuration", True, f"{len(policies.rules.rules)} rules, version {policies.rules.version}")
            AppriseSender(sending_policy(settings)).close()
            channels = ", ".join(channel.value for channel in policies.decide.routing.channels)
            ready = bool(settings.alerts.sms_url.get_secret_value() or settings.alerts.email_url.get_secret_value())
            note("channels", ready, channels if ready else "neither alerts.sms_url nor alerts.email_url is set")
        except ServiceError as error:
            note("configuration", False, str(error))
        damage = find_damage(settings.data_dir / LOG_FOLDER)
        if damage is not None and repair:
            kept = cut(damage)
            note("log", True, f"cut at byte {damage.safe} of {damage.size}; the whole file is {kept.name}")
        elif damage is not None:
            torn = f"{damage.file.name} stops making sense at byte {damage.offset} of {damage.size}"
            note("log", False, torn + "; a torn end mends itself at the start, damage inside needs --repair")
        try:
            async with reach_store(settings) as client:
                await check_durability(client)
                books = await ValkeyTransport(client).counts()
                note("store", True, "reachable, fsync before every answer")
                note("books", books.balanced, f"{sum(books.accepted.values())} accepted, {books.in_flight} in flight")
        except ServiceError as error:
            note("store", False, str(error))
        columns = ["what", "state", "words"]
        show_rows("Reachpoint doctor", columns, findings, json=json)
        return FAULTS if any(state == "MEND" for _, state, _ in findings) else 0

    raise typer.Exit(run(work))
