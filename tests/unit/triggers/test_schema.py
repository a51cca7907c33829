"""The published schema: every rule file that is right in form validates, and every word says what it means."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from triggers.facts import FACTS
from triggers.language import PATTERN_KINDS
from triggers.schema import rules_schema

SCHEMA = rules_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
SHIPPED = sorted(path for path in Path(str(files("triggers"))).joinpath("rulesets").glob("*.yaml"))
RULE_FILES = [path for path in SHIPPED if path.name != "reference.yaml"]
FORMS = Path(__file__).parent / "forms" / "forms.yaml"


def test_it_is_a_schema_of_the_2020_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("path", [*RULE_FILES, FORMS], ids=lambda path: path.name)
def test_a_good_file_validates_and_names_the_schema_for_the_editor(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []
    assert text.startswith("# yaml-language-server: $schema=")
    named = path.parent / text.splitlines()[0].split("=", 1)[1]
    assert named.resolve().name == "rules.schema.json" and named.exists()


BAD: list[tuple[str, str, str]] = [
    ("priority: P1", "priority: P0", "no such priority"),
    ("intent: assault", "intent: asault", "a word that the fact does not have"),
    ("intent: assault", "ethnicity: any", "a fact that there is not"),
    ("within: 365d", "within: a year", "no span"),
    ("at_least: 2", "at_least: two", "a word for a number"),
    ("kinds: [ed.*]", "kinds: [ed.arival]", "no such kind"),
    ("kinds: [ed.*]", "kinds: [ed.cancelled]", "a kind that takes something back"),
    ("count:", "counting:", "no such pattern"),
    ("headline:", "head line:", "no such word"),
    ("owner: A supervisor", "owner: 1", "nobody"),
]

GOOD = """
rule_set: trial
version: 1
owner: A supervisor
rules:
  - id: FIRST
    version: 1
    owner: A supervisor
    why: Because it is worth a visit.
    sources: [domain.md 10]
    when: {count: {of: {event: {kinds: [ed.*], where: {intent: assault}}}, at_least: 2, within: 365d}}
    then:
      priority: P1
      headline: Attended hospital again
      message_key: ed.again
"""


def test_the_good_text_is_good() -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(GOOD))) == []


@pytest.mark.parametrize(("right", "wrong", "why"), BAD, ids=[row[2] for row in BAD])
def test_what_is_wrong_in_form_does_not_validate(right: str, wrong: str, why: str) -> None:
    assert right in GOOD, why
    assert list(VALIDATOR.iter_errors(yaml.safe_load(GOOD.replace(right, wrong)))), why


def _properties(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            if isinstance(inner, dict):
                yield name, inner
        for inner in schema.values():
            yield from _properties(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _properties(inner)


def test_every_word_says_what_it_means() -> None:
    bare = {"is", "in", "at_least", "at_most", "more_than", "less_than"}  # say it by themselves, beside a fact
    facts = set(FACTS)
    silent = {
        name
        for name, inner in _properties(SCHEMA)
        if "description" not in inner and name not in bare and name not in facts
    }
    assert silent == set()
    for name in FACTS:
        assert len(SCHEMA["$defs"][f"fact.{name}"]["description"]) > 3, name


def test_every_pattern_can_be_completed() -> None:
    assert set(SCHEMA["$defs"]["PatternForm"]["properties"]) == set(PATTERN_KINDS)


def test_nobody_needs_to_know_python_to_read_it() -> None:
    text = json.dumps(SCHEMA)
    for word in (
        "pydantic",
        "NoneType",
        "timedelta",
        "dict[",
        "tuple[",
        "frozenset",
        '"null"',
        "$comment",
        "BeforeValidator",
    ):
        assert word not in text, word


def test_the_page_for_supervisors_lists_every_fact_and_every_pattern() -> None:
    page = Path("docs/rules.md").read_text(encoding="utf-8")
    for name, fact in FACTS.items():
        assert f"| `{name}` | {fact.label} |" in page, name
    for name in PATTERN_KINDS:
        assert f"`{name}`" in page, name
