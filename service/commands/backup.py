"""`reachpoint backup` and `restore`: one machine into a folder, while it runs, and back; also onto many machines."""

import hashlib
import json
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.terminal import AsJson, Config, Data, out, progress, run, settings_for, show_json

if TYPE_CHECKING:
    from service.settings import Settings

Folder = Annotated[Path, typer.Argument(help="The folder of the backup.")]

MANIFEST = "manifest.json"
_SECRET = "reference.secret"  # noqa: S105 - a file's name
_ARCHIVE = "archive"


def backup(folder: Folder, config: Config = None, data: Data = None, json: AsJson = False) -> None:
    """Copy the private store, its secret and the archive into a new folder. Works beside the running service."""
    from domain.clock import SystemClock
    from domain.errors import ConfigError
    from service.wiring import reach_store
    from streams.snapshot import SNAPSHOT, save_snapshot
    from streams.valkey import ValkeyTransport

    settings = settings_for(config, data)

    async def work() -> None:
        if settings.store.redis_url.get_secret_value():
            raise ConfigError(
                "The store is your own: back it up with its own means (docs/operations.md). "
                "This command is for the private store."
            )
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty; a backup needs a folder of its own.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        async with reach_store(settings) as client:
            await save_snapshot(client, settings.data_dir, folder / SNAPSHOT)
            books = await ValkeyTransport(client).counts()
        _copy_files(settings, folder)
        told = _manifest(folder, SystemClock().now(), accepted=sum(books.accepted.values()))
        if json:
            show_json(told)
        else:
            out.print(f"{len(told['files'])} files, {told['bytes'] / 1e6:.1f} MB, in {folder}. It holds secrets.")

    run(work)


def restore(folder: Folder, config: Config = None, data: Data = None, json: AsJson = False) -> None:
    """Put a backup into an empty data directory, or into an empty Redis or Valkey of your own."""
    from domain.errors import ConfigError
    from service.wiring import open_store
    from streams.server import is_kept

    settings = settings_for(config, data)

    async def work() -> None:
        told = _checked(folder)
        own = settings.store.redis_url.get_secret_value()
        if is_kept(settings.data_dir):
            raise ConfigError(f"{settings.data_dir} holds data already. Move it aside first; do not delete it.")
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if own:
            async with open_store(settings) as target:
                await _into_own(folder, target, distributed=settings.engine == "distributed")
        else:
            await _into_private(folder, settings.data_dir)
        _put_files(folder, settings)
        if json:
            show_json({"restored": told["made_at"], "into": "own store" if own else str(settings.data_dir)})
        else:
            out.print(f"Restored as of {told['made_at']}. What came after it, ask the feeds to send again.")

    run(work)


async def _into_private(folder: Path, data_dir: Path) -> None:
    from streams.server import LOG_FOLDER
    from streams.snapshot import SNAPSHOT, opened_snapshot

    with tempfile.TemporaryDirectory(prefix=".restore-", dir=data_dir) as fresh:
        shutil.copyfile(folder / SNAPSHOT, Path(fresh) / "dump.rdb")
        async with opened_snapshot(Path(fresh), durable=True):
            pass
        (Path(fresh) / LOG_FOLDER).rename(data_dir / LOG_FOLDER)


async def _into_own(folder: Path, target: Any, *, distributed: bool) -> None:
    from streams.snapshot import SNAPSHOT, carry_over, opened_snapshot

    with tempfile.TemporaryDirectory(prefix="rp-") as fresh, progress() as bar:
        shutil.copyfile(folder / SNAPSHOT, Path(fresh) / "dump.rdb")
        task = bar.add_task("keys", total=None)
        async with opened_snapshot(Path(fresh)) as source:
            await carry_over(
                source,
                target,
                distributed=distributed,
                tell=lambda done, total: bar.update(task, completed=done, total=total),
            )


def _copy_files(settings: "Settings", folder: Path) -> None:
    """The secret behind references, and the archive, whose files are only ever replaced whole."""
    secret = settings.alerts.reference_secret_file or settings.data_dir / _SECRET
    if secret.exists():
        shutil.copyfile(secret, folder / _SECRET)
        (folder / _SECRET).chmod(0o600)
    archive = settings.data_dir / _ARCHIVE
    if archive.is_dir():
        shutil.copytree(archive, folder / _ARCHIVE, ignore=shutil.ignore_patterns(".*"))


def _put_files(folder: Path, settings: "Settings") -> None:
    if (folder / _SECRET).exists() and settings.alerts.reference_secret_file is None:
        shutil.copyfile(folder / _SECRET, settings.data_dir / _SECRET)
        (settings.data_dir / _SECRET).chmod(0o600)
    if (folder / _ARCHIVE).is_dir():
        shutil.copytree(folder / _ARCHIVE, settings.data_dir / _ARCHIVE, dirs_exist_ok=True)


def _manifest(folder: Path, made_at: datetime, *, accepted: int) -> dict[str, Any]:
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    told: dict[str, Any] = {
        "made_at": made_at.isoformat(),
        "accepted": accepted,
        "bytes": sum(each.stat().st_size for each in files),
        "files": {str(each.relative_to(folder)): _digest(each) for each in files},
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / MANIFEST).chmod(0o600)
    return told


def _checked(folder: Path) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises ConfigError with what is missing or was changed."""
    from domain.errors import ConfigError

    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigError(f"{folder} is no backup: it has no {MANIFEST} that can be read.") from None
    wrong = [
        name
        for name, digest in told["files"].items()
        if not (folder / name).is_file() or _digest(folder / name) != digest
    ]
    if wrong:
        raise ConfigError(f"The backup is damaged; missing or changed: {', '.join(sorted(wrong))}. Take another one.")
    return told


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
