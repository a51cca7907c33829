"""What looks like a slip in a rule test that can be run; it may pass, for what says nothing changes nothing."""

from collections.abc import Iterator, Sequence

from domain.attributes import ProgrammeAttributes
from domain.events import Event, occurrence_key
from domain.ids import MemberId
from domain.kinds import Kind
from domain.people import CohortMember, MemberStatus
from triggers.fault_words import shown
from triggers.faults import did_you_mean
from triggers.grade_spelling import malformed
from triggers.reading import Path
from triggers.scenario_reader import meant_or_all, nearest
from triggers.scenario_retractions import take_nothing_back
from triggers.scenario_timeline import Listed

Placed = tuple[Path, Listed]


def remarks_on(cohort: Sequence[CohortMember], placed: Sequence[Placed]) -> Iterator[tuple[str, Path]]:
    """Each remark on the lines of a cohort and on the entries of a timeline, and its path."""
    yield from _written_twice(cohort)
    yield from _close_to_nobody(cohort)
    people = [member.member_id for member in cohort]
    known = frozenset(name for member in cohort for name in (member.member_id, *member.associates))
    heard = [entry.step.event for _, entry in placed if entry.step.member in known]
    for path, entry in placed:
        step = entry.step
        if step.member is not None and step.member not in known and not _tells_somebody(step.event, cohort, heard):
            yield (
                f"'{step.member}' is nobody's member_id in the cohort, and nobody's associate: this entry says nothing"
                + did_you_mean(step.member, sorted(known)),
                (*path, "member"),
            )
        if step.event.received_at < step.event.occurred_at:
            yield "it is received before it happens; is 'at' or 'received' wrong?", (*path, "received")
        yield from _of_what_it_says(path, entry, people)
    yield from take_nothing_back(placed)


def _of_what_it_says(path: Path, entry: Listed, people: Sequence[MemberId]) -> Iterator[tuple[str, Path]]:
    """Words of its attributes that say nothing, where every word that says something is known."""
    said = entry.step.event.attributes

    def place(name: str) -> Path:
        return (*path, "attributes", entry.told[name][0])

    if isinstance(said, ProgrammeAttributes):
        statuses = [status.value for status in MemberStatus]
        if entry.step.event.kind is Kind.STATUS_CHANGED and said.status and said.status not in statuses:
            there_are = meant_or_all(nearest(said.status, statuses), statuses)
            yield f"{shown(said.status)} is no status of a member, so this changes nothing{there_are}", place("status")
        other = said.other_member
        if entry.step.event.kind is Kind.ASSOCIATION_ADDED and other and other not in people:
            yield f"{_no_line(other, people)}: nobody is linked", place("other_member")
    if entry.told.get("grade", ("", None))[1] is not None:
        for slip in malformed(entry.told["grade"][1]):
            yield f"{slip}; graded so, the report waits for the gatekeeper", place("grade")


def _close_to_nobody(cohort: Sequence[CohortMember]) -> Iterator[tuple[str, Path]]:
    people = [member.member_id for member in cohort]
    for place, member in enumerate(cohort):
        for other in member.associates:
            if other not in people:
                told = f"{_no_line(other, people)}: nothing that happens to them is heard"
                yield told, ("cohort", place, "associates")


def _no_line(other: str, people: Sequence[MemberId]) -> str:
    meant = did_you_mean(other, people).removeprefix("; ")
    return f"{shown(other)} has no line in the cohort{f' ({meant})' if meant else ''}"


def _written_twice(cohort: Sequence[CohortMember]) -> Iterator[tuple[str, Path]]:
    last = {member.member_id: place for place, member in enumerate(cohort)}
    for place, member in enumerate(cohort):
        if place != last[member.member_id]:
            yield (
                f"'{member.member_id}' has a line below too; only the last one counts",
                ("cohort", place, "member_id"),
            )


def _tells_somebody(event: Event, cohort: Sequence[CohortMember], heard: Sequence[Event]) -> bool:
    """Whether an event about a stranger may concern somebody who is watched all the same: it takes another event back,
    happened in their home, or is of a crime or report in which they are too."""
    if event.retracts is not None:
        return True
    household = getattr(event.attributes, "household_key", None)
    if household and any(household == member.household_id for member in cohort):
        return True
    return any(occurrence_key(event) == occurrence_key(other) for other in heard)
