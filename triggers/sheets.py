"""One occurrence of a person's history as a sheet: its entries in order, folded when it is first asked for.

A sheet is a value: another entry makes another sheet. It remembers every moment that could complete a pattern, and
which event patterns hold at each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.ids import OccurrenceKey
from domain.kinds import Kind
from triggers.gate import Gate
from triggers.history import HistoryEntry
from triggers.holding import Holding
from triggers.moments import Moment, moment_of
from triggers.occurrences import SILENT, Occurrence, family_of, fold_occurrence
from triggers.reference import Reference
from triggers.standing import Person

Entries = tuple[HistoryEntry, ...]


@dataclass(slots=True, eq=False)
class Sighting:
    """A moment, its place in the occurrence, and when it was received.

    `simple` is true where everything before it had been received by then: it was known as it came. `held` are the bits
    of the patterns that hold at it (`Holding`).
    """

    moment: Moment
    place: int
    simple: bool
    held: int = 0
    _plain: bool | None = None

    @property
    def plain(self) -> bool:
        """Whether only the pattern need be asked: no correction, guard or late link stands against the moment."""
        plain = self._plain
        if plain is None:
            moment = self.moment
            plain = self._plain = (
                self.simple
                and not moment.occurrence.links
                and not moment.corrections()
                and not moment.under_ten()
                and (moment.occurrence.family != "intel" or moment.gate().gate is Gate.PASS)
            )
        return plain


Scene = tuple[Sighting, ...]
"""Every moment of one subject in an occurrence that could complete a pattern, in order."""


class Sheet:
    """Everything known of one occurrence. `known` are its entries in order, `standing` those not taken back."""

    __slots__ = ("_folded", "_held", "_scenes", "key", "known", "person", "reference", "standing")

    def __init__(
        self, key: OccurrenceKey, known: Entries, standing: Entries, person: Person, reference: Reference
    ) -> None:
        self.key = key
        self.known = known
        self.standing = standing
        self.person = person
        self.reference = reference
        self._folded: Occurrence | bool | None = False  # False: not yet asked for
        self._scenes: dict[str, Scene] | None = None
        self._held: int | None = None

    @property
    def family(self) -> str:
        """The first word of its kinds."""
        return family_of(self.known[0].kind)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of the entries that stand."""
        return frozenset([entry.kind for entry in self.standing])

    @property
    def occurrence(self) -> Occurrence | None:
        """The occurrence as told; None where nothing of it stands."""
        folded = self._folded
        if isinstance(folded, bool):
            folded = self._folded = fold_occurrence(self.standing, self.reference)
        return folded

    @property
    def scenes(self) -> dict[str, Scene]:
        """By subject; subjects of whom nothing can complete a pattern are left out."""
        scenes = self._scenes
        if scenes is None:
            scenes, occurrence = {}, self.occurrence
            if occurrence is not None:
                for subject in occurrence.relations:
                    scene = tuple(self._see(occurrence, subject))
                    if scene:
                        scenes[subject] = scene
            self._scenes = scenes
        return scenes

    def held(self, holding: Holding) -> int:
        """The bits of the patterns that hold at any of its moments."""
        held = self._held
        if held is None:
            held = 0
            for scene in self.scenes.values():
                for sighting in scene:
                    sighting.held = holding.at(sighting.moment)
                    held |= sighting.held
            self._held = held
        return held

    @property
    def alone(self) -> Moment | None:
        """Its only moment, where only the pattern need be asked: the usual case of something new."""
        if len(self.scenes) == 1:
            (scene,) = self.scenes.values()
            if len(scene) == 1 and scene[0].plain:
                return scene[0].moment
        return None

    def _see(self, occurrence: Occurrence, subject: str) -> Iterator[Sighting]:
        latest: datetime | None = None
        for place, told in enumerate(occurrence.told):
            entry = told.entry
            received = entry.received_at
            latest = received if latest is None or received > latest else latest
            if subject in told.roles and entry.kind not in SILENT:
                moment = moment_of(told, occurrence, subject, self.person, self.reference)
                yield Sighting(moment, place, latest == received)

    def reaches(self, at: datetime) -> bool:
        """Whether anything of it happened at `at` or later."""
        return any(entry.occurred_at >= at for entry in self.known)
