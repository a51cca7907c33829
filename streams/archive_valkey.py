"""What waits to be archived, on Valkey: one stream per shard, written by the commits themselves."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from alerts import valkey_layout as layout
from domain.ids import SHARDS
from streams import codec, keys
from streams.archive import AlertOutcome, Archived, Waiting, outcome_of
from streams.valkey import unavailable_as_ours


class ValkeyArchiveLog:
    """ArchiveLog on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def archive_waiting(self) -> int:
        """See archive.ArchiveLog."""
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.xlen(keys.archive(shard))
            return sum(await pipe.execute())

    async def read_archive(self, limit: int) -> list[Waiting]:
        """See archive.ArchiveLog."""
        each = max(1, limit // SHARDS)
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard in range(SHARDS):
                pipe.xrange(keys.archive(shard), count=each)
            replies: list[Any] = await pipe.execute()
        return [
            Waiting(shard, position.decode(), _value_of(fields))
            for shard, entries in enumerate(replies)
            for position, fields in entries
        ]

    async def settle_archive(self, written: Sequence[Waiting]) -> None:
        """See archive.ArchiveLog."""
        places: dict[int, list[str]] = {}
        for entry in written:
            places.setdefault(entry.shard, []).append(entry.position)
        if not places:
            return
        async with unavailable_as_ours(), self._client.pipeline(transaction=False) as pipe:
            for shard, positions in places.items():
                pipe.xdel(keys.archive(shard), *positions)
            await pipe.execute()


def _value_of(fields: dict[bytes, bytes]) -> Archived | AlertOutcome:
    if b"m" in fields:
        return codec.decode_archived(fields[b"m"])
    return outcome_of(layout.decode_alert(fields[b"a"]))
