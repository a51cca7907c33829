"""What the rule watch remembers, in memory: the twin of `rule_watch_valkey.py`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime


def _kept(moment: datetime) -> datetime:
    """A moment as the store keeps it: whole milliseconds."""
    return datetime.fromtimestamp(int(moment.timestamp() * 1000) / 1000, UTC)


class MemoryRuleWatch:
    """RuleWatchStore in dictionaries."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}
        self._alarms: dict[str, tuple[date, datetime]] = {}

    async def since(self, marks: Sequence[str], now: datetime) -> Mapping[str, datetime]:
        """See RuleWatchStore."""
        return {mark: self._since.setdefault(mark, _kept(now)) for mark in marks}

    async def keep_alarm(self, name: str, day: date, at: datetime) -> bool:
        """See RuleWatchStore."""
        last = self._alarms.get(name)
        if last is not None and last[0] == day:
            return False
        self._alarms[name] = (day, _kept(at))
        return True

    async def alarmed(self) -> Mapping[str, datetime]:
        """See RuleWatchStore."""
        return {name: at for name, (_, at) in self._alarms.items()}
