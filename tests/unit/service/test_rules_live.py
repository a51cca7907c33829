"""What is live, for commands that only ask: the rule book of a store that is stopped counts as much as a running one's."""

from pathlib import Path

from service.backtest_rules import chosen_rules
from service.rulebook import ensure_book
from service.rulebook_keeping import rule_book
from service.rules_live import book_of, live_contents
from service.settings import Settings
from service.wiring import open_store
from tests.unit.triggers.book import NOW, contents
from triggers.lifecycle_contents import shipped_contents


async def _with_a_book(data: Path) -> Settings:
    """A private store whose live version is not the shipped one; stopped again."""
    settings = Settings(data_dir=data)
    async with open_store(settings) as client:
        await ensure_book(rule_book(client), NOW, shipped=contents(7))
    return settings


async def test_a_stopped_store_says_what_is_live(tmp_path: Path) -> None:
    settings = await _with_a_book(tmp_path / "data")
    async with book_of(settings) as book:
        assert (await live_contents(book)).digest == contents(7).digest
        for which in ("live", "1"):
            assert [str(rule.rule_id) for rule in (await chosen_rules(which, book)).rules.rules] == ["TRIAL_ONE"]


async def test_no_store_is_made_for_a_question(tmp_path: Path) -> None:
    async with book_of(Settings(data_dir=tmp_path / "data")) as book:
        assert book is None
        assert (await live_contents(book)).digest == shipped_contents().digest
    assert not (tmp_path / "data").exists()
