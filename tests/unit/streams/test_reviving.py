"""What the codec writes it reads back as the same value, whatever kind of event it is."""

from datetime import UTC, datetime

import pytest

from domain.attributes import ATTRIBUTES_BY_KIND
from domain.events import Event, Mention, Place
from domain.identity import Identity, Name
from domain.ids import EventId
from domain.kinds import Feed, Kind, Role
from domain.matches import Relation
from streams import codec
from streams.messages import Matched
from triggers.history import entry_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("kind", Kind)
def test_an_event_and_its_history_entry_come_back_equal(kind: Kind) -> None:
    event = Event(
        EventId("e1"),
        kind,
        kind.feed or Feed.POLICE,
        "rms",
        "R1",
        NOW,
        NOW,
        sequence=3,
        mentions=(Mention("1", Role.NAMED, Identity(names=(Name(("Ari",), "Testone"),))),),
        place=Place(force_area="midshire"),
        attributes=ATTRIBUTES_BY_KIND[kind](),
    )
    entry = entry_of(event, subject="M1", relation=Relation.SELF, role=Role.NAMED)
    matched = Matched(event, "M1", "M1", Relation.SELF, Role.NAMED, extra=(entry,))  # type: ignore[arg-type]
    back = codec.decode_matched(codec.encode(matched))
    assert codec.decode_event(codec.encode(event)) == event
    assert back == matched
    assert type(back.event.attributes) is type(event.attributes)
    assert hash(back.extra[0]) == hash(entry)
