"""The demo's stage: a folder, a real mail server, a real SMS endpoint, and `reachpoint run` as a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from domain.errors import ServiceError
from fixtures.endpoints import NotifyEndpoint, SmtpInbox

_READY_WITHIN_S = 180.0
"""A second or two on a free machine; a machine that many share takes longer, and is no fault."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything is while the demo runs. `addresses` is what the service says of its own ports."""

    folder: Path
    config: Path
    smtp: SmtpInbox
    sms: NotifyEndpoint
    api_url: str
    mllp_port: int
    process: "subprocess.Popen[bytes]"

    def command(self, *words: str) -> dict[str, object]:
        """Run a `reachpoint` command beside the service and read its JSON."""
        done = subprocess.run(  # noqa: S603 - our own command line
            [*_reachpoint(), *words, "--config", str(self.config), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 2 or not done.stdout.strip():
            raise ServiceError(f"`reachpoint {' '.join(words[:2])}` could not run: {done.stderr.strip()[-400:]}")
        found: dict[str, object] = json.loads(done.stdout)
        return found


@contextlib.asynccontextmanager
async def set_stage(folder: Path | None, *, api_port: int = 0, mllp_port: int = 0) -> AsyncIterator[Stage]:
    """Start the far ends and the service; stop everything at the end. `folder` None: a temporary one."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reachpoint-demo-")))
        place.mkdir(parents=True, exist_ok=True)
        smtp = stack.enter_context(SmtpInbox())
        sms = NotifyEndpoint().start()
        stack.callback(sms.stop)
        config = place / "reachpoint.toml"
        config.write_text(_config(place, smtp, sms, api_port, mllp_port))
        config.chmod(0o600)
        log = stack.enter_context((place / "service.log").open("ab"))
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [*_reachpoint(), "run", "--config", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        stack.callback(_end, process)
        addresses = await _ready(place / "data", process, place / "service.log")
        try:
            yield Stage(
                folder=place,
                config=config,
                smtp=smtp,
                sms=sms,
                api_url=str(addresses["api"]),
                mllp_port=int(str(addresses["mllp_port"])),
                process=process,
            )
        except (httpx.HTTPError, OSError, EOFError) as error:
            last = (place / "service.log").read_text(errors="replace")[-1500:]
            ended = f"ended with {process.returncode}" if process.poll() is not None else "still runs"
            raise ServiceError(f"The demo lost the service ({type(error).__name__}; it {ended}): {last}") from error


def _reachpoint() -> list[str]:
    return [sys.executable, "-c", "from service.cli import main; main()"]


def _config(place: Path, smtp: SmtpInbox, sms: NotifyEndpoint, api_port: int, mllp_port: int) -> str:
    """The configuration file of the demo: what an operator would write, with ports of this machine."""
    return "\n".join(
        (
            f"data_dir = {json.dumps(str(place / 'data'))}",
            "[api]",
            f"port = {api_port}",
            "[mllp]",
            f"port = {mllp_port}",
            "[alerts]",
            f"sms_url = {json.dumps(sms.url)}",
            f"email_url = {json.dumps(smtp.url)}",
            "flood_rule_per_hour = 1000000",  # months of events come within a minute, and each is to be seen told
            "flood_navigator_per_hour = 1000000",
            "flood_urgent_per_hour = 1000000",
            "[log]",
            'format = "json"',
            "",
        )
    )


async def _ready(data: Path, process: "subprocess.Popen[bytes]", log: Path) -> dict[str, object]:
    """Wait until the service has said where it listens and that it is ready."""
    file = data / "addresses.json"
    deadline = time.monotonic() + _READY_WITHIN_S
    async with httpx.AsyncClient(timeout=2.0) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise ServiceError(f"The service ended while starting; see its log: {log.read_text()[-600:]}")
            with contextlib.suppress(OSError, ValueError, httpx.HTTPError):
                found: dict[str, object] = json.loads(file.read_text())
                if found.get("pid") == process.pid and (await client.get(f"{found['api']}/v1/ready")).is_success:
                    return found
            await asyncio.sleep(0.05)
    raise ServiceError("The service did not become ready within three minutes.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
