"""Three-valued conditions: unknown is not false, `not` of unknown stays unknown, `unless` is true on anything but true."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.attributes import EdAttributes, Intent
from domain.events import Event
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from tests.unit.triggers.histories import MEMBER
from triggers.asking import Asking
from triggers.conditions import compiled
from triggers.history import entry_of
from triggers.loading import shipped_reference
from triggers.moments import Moment, moment_of
from triggers.occurrences import fold_occurrence
from triggers.standing import Person

REFERENCE = shipped_reference()
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _moment(attributes: EdAttributes) -> Moment:
    event = Event(EventId("e"), Kind.ED_ARRIVAL, Feed.ED, "s", "k", AT, AT, attributes=attributes)
    entry = entry_of(event, subject="M1", relation=Relation.SELF, role=Role.PATIENT)
    occurrence = fold_occurrence((entry,), REFERENCE)
    assert occurrence is not None
    person = Person(MEMBER, (), REFERENCE)
    return moment_of(occurrence.told[0], occurrence, "M1", person, REFERENCE)


def _answer(written: Mapping[str, Any], attributes: EdAttributes) -> bool | None:
    def tell(message: str, path: Any) -> None:
        raise AssertionError(f"{path}: {message}")

    return compiled(Asking(REFERENCE, frozenset(), tell, tell, tell).condition(written, ()))(_moment(attributes))


ASSAULT = EdAttributes(intent=Intent.ASSAULT)
SILENT = EdAttributes()


@pytest.mark.parametrize(
    ("written", "attributes", "expected"),
    [
        pytest.param({"intent": "assault"}, ASSAULT, True, id="equal"),
        pytest.param({"intent": "self_harm"}, ASSAULT, False, id="another"),
        pytest.param({"intent": "assault"}, SILENT, None, id="unknown is not false"),
        pytest.param({"not": {"intent": "assault"}}, SILENT, None, id="not of unknown is unknown"),
        pytest.param({"not": {"intent": "self_harm"}}, ASSAULT, True, id="not of false"),
        pytest.param({"unless": {"intent": "assault"}}, SILENT, True, id="unless of unknown is true"),
        pytest.param({"unless": {"intent": "assault"}}, ASSAULT, False, id="unless of true"),
        pytest.param(
            {"any": [{"intent": "assault"}, {"mechanism": "sharp"}]}, ASSAULT, True, id="any with one unknown"
        ),
        pytest.param({"any": [{"intent": "self_harm"}, {"mechanism": "sharp"}]}, ASSAULT, None, id="false or unknown"),
        pytest.param({"intent": "self_harm", "mechanism": "sharp"}, ASSAULT, False, id="false and unknown"),
        pytest.param({"intent": "assault", "mechanism": "sharp"}, ASSAULT, None, id="true and unknown"),
        pytest.param({"mechanism": {"known": False}}, ASSAULT, True, id="known to be unknown"),
        pytest.param({"age": {"at_least": 16, "less_than": 18}}, SILENT, True, id="a band"),
        pytest.param({"age": 16}, SILENT, True, id="age on the day"),
        pytest.param({"since_arrival_hours": {"at_most": 0}}, SILENT, True, id="the edge is within"),
        pytest.param({"intent": {"in": ["assault", "undetermined"]}}, ASSAULT, True, id="one of"),
    ],
)
def test_conditions(written: Mapping[str, Any], attributes: EdAttributes, expected: bool | None) -> None:
    assert _answer(written, attributes) is expected
