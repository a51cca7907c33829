"""What looks like a slip in a rule test that can be run; it may pass, for what says nothing changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from domain.events import Event, occurrence_key
from domain.ids import MemberId
from domain.people import CohortMember
from triggers.faults import did_you_mean
from triggers.reading import Path
from triggers.reference import folded_word
from triggers.spelling import GROUPS_TOLD_ALONE, NAMES, group_told
from triggers.timelines import Step


def remarks_on(cohort: Sequence[CohortMember], steps: Sequence[tuple[Path, Step]]) -> Iterator[tuple[str, Path]]:
    """Each remark on the lines of a cohort and on the entries of a timeline, and its path."""
    yield from _written_twice(cohort)
    known = _known(cohort)
    heard = [step.event for _, step in steps if step.member in known]
    for path, step in steps:
        if step.member is not None and step.member not in known and not _tells_somebody(step.event, cohort, heard):
            yield (
                f"'{step.member}' is nobody's member_id in the cohort, and nobody's associate: this entry says nothing"
                + did_you_mean(step.member, sorted(known)),
                (*path, "member"),
            )
        if step.event.received_at < step.event.occurred_at:
            yield "it is received before it happens; is 'at' or 'received' wrong?", (*path, "received")


def remarks_on_groups(lines: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[tuple[str, Path]]:
    """A remark on each crime of a timeline, as it is written, whose group is told and no code, where no rule hears of
    it by the group."""
    coded = {str(line.get("source_key")) for _, line in lines if "source_key" in line and _code_told(line)}
    for path, line in lines:
        kind, said = str(line.get("kind", "")), line.get("attributes")
        if not kind.startswith("crime.") or not isinstance(said, Mapping) or _code_told(line):
            continue
        group = group_told(said)
        alone = group in GROUPS_TOLD_ALONE and kind == "crime.recorded"
        if group and not alone and str(line.get("source_key")) not in coded:
            yield (
                "no 'ho_code' is given, and rules ask for codes: of a recorded crime only "
                f"{', '.join(sorted(GROUPS_TOLD_ALONE))} are heard by the group alone, so this one's says nothing",
                (*path, "attributes", "group"),
            )


def _code_told(line: Mapping[str, Any]) -> bool:
    said = line.get("attributes")
    names = said.items() if isinstance(said, Mapping) else ()
    return any(value and NAMES["crime"].get(folded_word(name), folded_word(name)) == "ho_code" for name, value in names)


def _written_twice(cohort: Sequence[CohortMember]) -> Iterator[tuple[str, Path]]:
    last = {member.member_id: place for place, member in enumerate(cohort)}
    for place, member in enumerate(cohort):
        if place != last[member.member_id]:
            yield (
                f"'{member.member_id}' has a line below too; only the last one counts",
                ("cohort", place, "member_id"),
            )


def _known(cohort: Sequence[CohortMember]) -> frozenset[MemberId]:
    """Everybody of whom the cohort speaks."""
    return frozenset(name for member in cohort for name in (member.member_id, *member.associates))


def _tells_somebody(event: Event, cohort: Sequence[CohortMember], heard: Sequence[Event]) -> bool:
    """Whether an event about a stranger may concern somebody who is watched all the same: it takes another event back,
    happened in their home, or is of a crime or report in which they are too."""
    if event.retracts is not None:
        return True
    household = getattr(event.attributes, "household_key", None)
    if household and any(household == member.household_id for member in cohort):
        return True
    return any(occurrence_key(event) == occurrence_key(other) for other in heard)
