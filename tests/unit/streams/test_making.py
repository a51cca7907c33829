"""A maker makes what the class itself would make, for every value of the hot path, and refuses what it cannot."""

import dataclasses
import inspect
import pickle
from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.attributes import ATTRIBUTES_BY_KIND
from domain.events import Event, Mention, Place, Provenance
from domain.identity import DateOfBirth, Identifier, Identity, Name, Scheme
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from streams.making import maker
from triggers.history import HistoryEntry

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
VALUES = [
    Event(EventId("e1"), Kind.ED_ARRIVAL, Feed.ED, "PAS:X9Z", "C1", NOW, NOW, version="2"),
    Identity(names=(Name(("Ari",), "Testone"),), unknown=True),
    Name(("Ari",), "Testone"),
    DateOfBirth(date(2009, 2, 4)),
    Identifier(Scheme.NHS, "9990000018", verified=True),
    Mention("1", Role.PATIENT, Identity()),
    Place(lat=52.5),
    Provenance("mllp", "x", 3, live=False),
    *(own() for own in sorted(set(ATTRIBUTES_BY_KIND.values()), key=lambda own: own.__name__)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_made_is_the_value_itself(value: Any) -> None:
    fields = {spec.name: getattr(value, spec.name) for spec in dataclasses.fields(value)}
    made: Any = maker(type(value))(**fields)
    assert type(made) is type(value)
    assert made == value
    assert hash(made) == hash(value)
    assert repr(made).split(" at ")[0] == repr(value).split(" at ")[0]
    assert pickle.loads(pickle.dumps(made)) == value
    for name in fields:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, None)


@pytest.mark.parametrize(
    "cls", [*dict.fromkeys(type(value) for value in VALUES), HistoryEntry], ids=lambda cls: cls.__name__
)
def test_parameters_and_defaults_are_those_of_the_class(cls: type) -> None:
    ours, theirs = inspect.signature(maker(cls)).parameters, inspect.signature(cls).parameters
    assert [(each.name, each.default) for each in ours.values()] == [
        (each.name, each.default) for each in theirs.values()
    ]


def test_a_field_too_many_is_refused() -> None:
    with pytest.raises(TypeError):
        maker(Name)(given=(), nickname="x")  # type: ignore[call-arg]


@dataclasses.dataclass(frozen=True)
class _NoSlots:
    one: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Checked:
    one: int

    def __post_init__(self) -> None:
        assert self.one


@dataclasses.dataclass(frozen=True, slots=True)
class _Factory:
    one: list[int] = dataclasses.field(default_factory=list)


@pytest.mark.parametrize("cls", [_NoSlots, _Checked, _Factory], ids=["no slots", "checks itself", "default factory"])
def test_a_class_with_more_to_its_making_is_refused(cls: type) -> None:
    with pytest.raises(TypeError):
        maker(cls)
