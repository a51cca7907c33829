"""What the rule watch remembers, on Valkey (rule_watch_desk.RuleWatchStore).

rp:rules:since      hash   "<rule>@<version>" -> milliseconds when it was first seen live
rp:rules:alarms     hash   name -> "<London day>|<milliseconds>" of its last alarm
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from redis.asyncio import Redis

from alerts import valkey_layout as layout
from alerts.valkey_layout import Guard
from streams import keys
from streams.valkey import ms, unavailable_as_ours


class ValkeyRuleWatch:
    """RuleWatchStore on one Valkey."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._commit = client.register_script(layout.CHECKED_COMMIT)

    async def since(self, marks: Sequence[str], now: datetime) -> Mapping[str, datetime]:
        """See RuleWatchStore."""
        async with unavailable_as_ours():
            known: Any = await self._client.hgetall(keys.RULES_SINCE)
            fresh = [mark for mark in marks if mark.encode() not in known]
            if fresh:
                async with self._client.pipeline(transaction=True) as pipe:
                    for mark in fresh:
                        pipe.hsetnx(keys.RULES_SINCE, mark, str(ms(now)))
                    pipe.hgetall(keys.RULES_SINCE)
                    known = (await pipe.execute())[-1]
        return {mark: _moment(known[mark.encode()]) for mark in marks}

    async def keep_alarm(self, name: str, day: date, at: datetime) -> bool:
        """See RuleWatchStore."""
        async with unavailable_as_ours():
            last: Any = await self._client.hget(keys.RULES_ALARMS, name)
            if last is not None and last.decode().partition("|")[0] == day.isoformat():
                return False
            guard = Guard(keys.RULES_ALARMS, name, last.decode() if last else "0")
            ops = [("HSET", keys.RULES_ALARMS, name, f"{day.isoformat()}|{ms(at)}")]
            names, args = layout.pack_commit([guard], ops)
            reply: Any = await self._commit(keys=names, args=args)
        return int(reply[0]) == 1

    async def alarmed(self) -> Mapping[str, datetime]:
        """See RuleWatchStore."""
        async with unavailable_as_ours():
            found: Any = await self._client.hgetall(keys.RULES_ALARMS)
        return {name.decode(): _moment(last.partition(b"|")[2]) for name, last in found.items()}


def _moment(score: bytes) -> datetime:
    return datetime.fromtimestamp(int(score) / 1000, UTC)
