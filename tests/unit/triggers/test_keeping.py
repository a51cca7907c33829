"""A kept answer is a value, though its working is handed on: whoever still holds the one before is told the same as
ever, also where what came in between broke off."""

from random import Random

import pytest

from tests.trials import trials
from tests.unit.triggers.histories import MEMBER, random_life, random_member
from triggers.evaluate import evaluate, kept
from triggers.history import HistoryEntry, with_entries
from triggers.loading import shipped_rules
from triggers.working import Working

RULES = shipped_rules()


def _life(random: Random, size: int = 12) -> list[HistoryEntry]:
    entries = random_life(random, size, late_hours=random.choice([0, 60]))
    return sorted(entries, key=lambda entry: (entry.received_at, entry.event_id, entry.subject))


def test_every_answer_on_the_way_stays_what_it_was() -> None:
    """Also several steps later, with entries that went again, and where two go on from the same one."""
    random = Random(21)
    for _ in range(trials(200)):
        member, entries = random_member(random), _life(random)
        now = kept(RULES, member, ())
        known: tuple[HistoryEntry, ...] = ()
        ways = [(now, known)]
        for entry in entries:
            gone = [one for one in known if random.random() < 0.05]
            left = tuple(one for one in known if one not in gone)
            known = with_entries(left, (entry,))
            now = now.at(entry.received_at).kept.changed((entry,), gone).kept
            ways.append((now, known))
        for before, history in random.sample(ways, min(4, len(ways))):
            assert before.verdicts == evaluate(RULES, member, history, before.now)
        again, history = random.choice(ways)
        more = random.choice(entries)
        step = again.changed((more,))
        assert step.kept.verdicts == evaluate(RULES, member, with_entries(history, (more,)), again.now)
        assert now.verdicts == evaluate(RULES, member, known, now.now)


def test_what_breaks_off_in_the_middle_has_not_been(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = _life(Random(5))
    now = kept(RULES, MEMBER, tuple(with_entries((), entries[:-1])))
    expected = now.verdicts

    def break_off(*_args: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Working, "_judge", break_off)
        with pytest.raises(MemoryError):
            now.changed(entries[-1:])
    assert now.verdicts == expected
    assert now.changed(entries[-1:]).kept.verdicts == evaluate(RULES, MEMBER, with_entries((), entries))
