"""What leaves for other systems: words and ids only, nothing of intelligence, no rule beside a person's health."""

import json
from dataclasses import replace
from typing import get_type_hints

import pytest
from jsonschema import Draft202012Validator

from alerts import lifecycle
from alerts.model import Alert, Outcome
from alerts.publication import PublishedChange, change_schema, decode_change, encode_change, published_change
from domain.ids import NavigatorId
from domain.triggers import Priority, Sensitivity
from tests.unit.alerts.build import at, firing, raised

SCHEMA = Draft202012Validator(change_schema())


def _told(alert: Alert, previous: Alert | None) -> PublishedChange:
    change = published_change(alert, previous)
    assert change is not None
    return change


def test_each_step_tells_what_the_time_line_gained() -> None:
    first = raised(firing("a", 0, Priority.P2))
    taken = lifecycle.accept(first, NavigatorId("N1"), at(5))
    ended = lifecycle.record_outcome(taken, Outcome.SPOKE, NavigatorId("N1"), at(6))
    steps = [_told(first, None), _told(taken, first), _told(ended, taken)]
    assert [[happening.value for happening in step.what] for step in steps[:2]] == [["raised"], ["accepted"]]
    assert steps[2].outcome is Outcome.SPOKE
    assert [step.state.value for step in steps] == [first.state, taken.state, ended.state]


@pytest.mark.parametrize(
    ("sensitivity", "rules"),
    [(Sensitivity.STANDARD, 1), (Sensitivity.HEALTH, 0), (Sensitivity.INTEL, None)],
    ids=["told", "a health crisis names no rule", "intelligence is not published"],
)
def test_disclosure_fails_closed(sensitivity: Sensitivity, rules: int | None) -> None:
    change = published_change(replace(raised(firing("a")), sensitivity=sensitivity), None)
    assert (None if change is None else len(change.rules)) == rules


def test_no_text_of_the_alert_is_in_the_message() -> None:
    alert = raised(firing("a"))
    loud = replace(
        alert,
        timeline=tuple(replace(entry, note="SECRET", by="SECRET") for entry in alert.timeline),
        triggers=tuple(
            replace(
                record,
                trigger=replace(
                    record.trigger,
                    headline="SECRET",
                    suggestion="SECRET",
                    ground="SECRET",
                    reasons=tuple(replace(reason, text="SECRET") for reason in record.trigger.reasons),
                ),
            )
            for record in alert.triggers
        ),
    )
    assert b"SECRET" not in encode_change(_told(loud, None))


def test_what_is_sent_fits_the_schema_and_comes_back_the_same() -> None:
    change = _told(raised(firing("a")), None)
    said = encode_change(change)
    assert [fault.message for fault in SCHEMA.iter_errors(json.loads(said))] == []
    assert decode_change(said) == change
    assert set(change_schema()["properties"]) == set(get_type_hints(PublishedChange))


def test_the_schema_refuses_what_is_not_ours() -> None:
    said = json.loads(encode_change(_told(raised(firing("a")), None)))
    assert list(SCHEMA.iter_errors({**said, "name": "X"}))
    assert list(SCHEMA.iter_errors({key: value for key, value in said.items() if key != "version"}))
