"""What one person hands on to another when the source says whose an event really was (A40, a changed patient): pure.

Whoever loses it keeps it in the history, beside the word that took it away; `effective` is what of a history counts.
"""

from dataclasses import replace

from domain.attributes import EdAttributes
from domain.events import Event, occurrence_key
from domain.kinds import Kind, Role
from domain.matches import Relation
from streams.messages import Heir, Matched, PersonState
from triggers.history import History, HistoryEntry, entry_of
from triggers.linked import without_errors


def handed_over(matched: Matched, state: PersonState) -> tuple[Matched, ...]:
    """What a person who loses an occurrence (or a hospital's whole record of a patient) hands on to its heirs.

    Computed from the history, which keeps it: so it can be sent again after a crash.
    """
    if matched.relation is not Relation.LOST or not matched.heirs:
        return ()
    merge = matched.event.kind is Kind.ED_MERGED
    moving = _of_record(state.history, matched.event) if merge else {occurrence_key(matched.event)}
    limit = entry_of(matched.event, subject=matched.subject, relation=matched.relation, role=None).order
    entries = [
        entry
        for entry in state.history
        if entry.subject == state.member_id
        and entry.relation is not Relation.LOST
        and entry.occurrence in moving
        and (merge or entry.order < limit)
    ]
    if not entries:
        return ()
    return tuple(
        Matched(
            event=matched.event,
            listener=heir.listener,
            subject=heir.subject,
            relation=heir.relation,
            role=Role.PATIENT,
            extra=tuple(_inherited(entry, heir, matched.event) for entry in entries),
            handed_by=state.member_id,
        )
        for heir in matched.heirs
    )


def _of_record(history: History, merge: Event) -> set[str]:
    """The occurrences of the patient record that a merge retires."""
    merged = merge.attributes
    assert isinstance(merged, EdAttributes)
    return {
        entry.occurrence
        for entry in history
        if isinstance(entry.attributes, EdAttributes)
        and entry.attributes.patient_key == merged.merged_patient_key
        and entry.source_system == merge.source_system
    }


def _inherited(entry: HistoryEntry, heir: Heir, event: Event) -> HistoryEntry:
    """An entry as the heir has it: about the new owner, and under the record that goes on."""
    relation = entry.relation if heir.relation is Relation.SELF else heir.relation
    said, new = entry.attributes, event.attributes
    if isinstance(said, EdAttributes) and isinstance(new, EdAttributes) and event.kind is Kind.ED_MERGED:
        said = replace(said, patient_key=new.patient_key) if said.patient_key == new.merged_patient_key else said
    return replace(entry, subject=heir.subject, relation=relation, attributes=said)


def effective(history: History) -> History:
    """The history without what the source has since given to somebody else (A40, a changed patient).

    By subject: the last message, in event time, that says clearly whose an occurrence is, decides. What was heard
    through a link that was an error goes too.
    """
    history = without_errors(history)
    if not any(entry.relation is Relation.LOST for entry in history):
        return history  # nearly everybody's: nothing was given to somebody else
    lost: set[tuple[str, str]] = set()
    retired: set[tuple[str, str, str]] = set()
    last: dict[tuple[str, str], HistoryEntry] = {}
    for entry in history:
        if entry.kind is Kind.ED_MERGED and isinstance(entry.attributes, EdAttributes):
            if entry.relation is Relation.LOST:
                retired.add((entry.source_system, entry.attributes.merged_patient_key, entry.subject))
        elif entry.relation is Relation.LOST or entry.role is not None:
            last[(entry.occurrence, entry.subject)] = entry
    lost.update(key for key, entry in last.items() if entry.relation is Relation.LOST)
    for entry in history:
        patient = entry.attributes.patient_key if isinstance(entry.attributes, EdAttributes) else ""
        if patient and (entry.source_system, patient, entry.subject) in retired:
            lost.add((entry.occurrence, entry.subject))
    return tuple(
        entry
        for entry in history
        if entry.relation is not Relation.LOST and (entry.occurrence, entry.subject) not in lost
    )
