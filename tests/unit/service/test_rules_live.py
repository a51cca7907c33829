"""What is live, for commands that only ask: the rule book of a store that is stopped counts as much as a running one's."""

from pathlib import Path

import pytest

from domain.errors import StoreUnavailable
from service.backtest_rules import chosen_rules
from service.commands.asked import Call
from service.commands.rules import wanted_by
from service.rulebook import ensure_book
from service.rulebook_keeping import rule_book
from service.rules_asked import live_contents
from service.rules_live import book_of
from service.settings import Settings
from service.wiring import open_store
from tests.unit.triggers.book import NOW, REFERENCE, contents, text
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


def _away(folder: Path) -> Call:
    """A command whose settings name a store that does not answer."""
    config = folder / "away.toml"
    config.write_text('[store]\nredis_url = "redis://127.0.0.1:1/0"\n')
    return Call(config=config, data=folder / "data")


async def test_a_file_can_be_read_where_the_store_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "trial.yaml"
    file.write_text(text())
    found = await wanted_by(_away(tmp_path), str(file), REFERENCE)
    assert [each.name for each in found.contents.rules] == ["tipt", "programme", "trial"]
    shown = capsys.readouterr()
    assert "cannot be reached" in shown.err and "trial.yaml is read beside the shipped rule sets" in shown.err
    assert not shown.out


@pytest.mark.parametrize("which", ["live", "1"])
async def test_what_only_the_book_knows_is_not_guessed(tmp_path: Path, which: str) -> None:
    with pytest.raises(StoreUnavailable, match=r"The store of `store\.redis_url` cannot be reached"):
        await wanted_by(_away(tmp_path), which, None)


async def test_shipped_sets_need_no_store(tmp_path: Path) -> None:
    assert (await wanted_by(_away(tmp_path), "tipt", None)).contents == shipped_contents(("tipt",))
