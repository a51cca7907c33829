"""docs/feeds.md is true: its examples are taken, its mapping loads, and it names every reason of a refusal."""

import json
import re
from pathlib import Path

from domain.events import Event
from domain.kinds import Feed, Kind
from streams.feeds.column_mapping import parse_mapping
from streams.feeds.outcome import RejectReason
from tests.unit.streams.feeds.records.said import parsed

TEXT = (Path(__file__).parents[5] / "docs" / "feeds.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


def test_every_example_record_is_taken() -> None:
    envelope, families = blocks("json")
    records = [json.loads(envelope)] + [json.loads(line) for line in families.splitlines()]
    for said in records:
        result = parsed(said, Kind(said["kind"]).feed or Feed.PROGRAMME)
        assert isinstance(result, Event), result
    assert {said["kind"].split(".")[0] for said in records} >= {"incident", "crime", "custody", "missing", "intel"}


def test_the_example_mapping_loads() -> None:
    (text,) = blocks("yaml")
    assert parse_mapping(text, name="example").columns


def test_every_reason_is_explained() -> None:
    for reason in RejectReason:
        assert f"`{reason.value}`" in TEXT, reason
