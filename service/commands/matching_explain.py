"""`reachpoint match explain`: one pair as a waterfall of evidence. Shows levels and bits; values only if asked for."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from service.commands.matching_inputs import (
    CohortFile,
    EventsFile,
    EventsMappingFile,
    FeedName,
    Inputs,
    MappingFile,
    ModelFile,
    Paths,
    gather,
)
from service.terminal import FAULTS, AsJson, Config, Data, err, out, run, settings_for, show_json, table

if TYPE_CHECKING:
    from rich.table import Table

    from domain.events import Mention
    from domain.identity import Identity
    from domain.matches import Match
    from service.offline import EventRow

_HALF = 10
"""Characters of the longest bar, to either side."""


def explain(
    cohort: CohortFile,
    events: EventsFile,
    event: Annotated[str, typer.Option("--event", help="The event: its id, or the key its source gives it.")],
    member: Annotated[str, typer.Option("--member", help="The member of the cohort.")],
    model: ModelFile = None,
    mapping: MappingFile = None,
    events_mapping: EventsMappingFile = None,
    feed: FeedName = "police",
    threshold: Annotated[float | None, typer.Option(help="Bits from which a pair is a match.")] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show both sides' values too: personal data on your screen.")
    ] = False,
    config: Config = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Why a pair weighs what it weighs: each comparison in plain words, and what it adds in bits."""
    paths = Paths(cohort, events, mapping, events_mapping, model, feed)
    settings = settings_for(config, data)

    async def work() -> int:
        from cohort.matching import explain_pair
        from domain.ids import MemberId
        from service.offline import decided, make_linker
        from service.wiring import policies_of

        found = gather(paths, settings)
        if found is None:
            return FAULTS
        row = _row(found, event)
        linker = make_linker(found.cohort.members, policies_of(settings).match, found.model, threshold=threshold)
        person = linker.index.member(MemberId(member))
        for side, there in (("events", row), ("cohort", person)):
            if there is None:
                err.print(f"The {side} hold no such id.")
        if row is None or person is None:
            return FAULTS
        pairs = []
        for mention in row.event.mentions:
            pair = explain_pair(
                row.event, mention, person.member_id, index=linker.index, policy=linker.policy, model=linker.model
            )
            if pair is not None:
                settled = pair if linker.threshold is None else decided(pair, linker.threshold)
                pairs.append((mention, settled, _met(mention, person.member_id, linker.index)))
        if json:
            show_json([{**_as_json(pair), "candidate": met} for _, pair, met in pairs])
            return 0
        for mention, pair, met in pairs:
            _show(pair, met=met)
            if show_values:
                out.print(_values(mention.identity, person.identity))
        return 0

    raise typer.Exit(run(work))


def _row(found: Inputs, wanted: str) -> "EventRow | None":
    """The event with this id, else the first with this source key."""
    from service.offline import EventRow

    named = None
    for row in found.events.rows():
        if isinstance(row, EventRow):
            if row.event.event_id == wanted:
                return row
            if named is None and row.name == wanted:
                named = row
    return named


def _met(mention: "Mention", member_id: str, index: object) -> bool:
    """Whether blocking brings the two together, so that `match` lists the pair."""
    from cohort.index import CohortIndex
    from cohort.prepared import prepare

    assert isinstance(index, CohortIndex)
    return any(row.member.member_id == member_id for row in index.candidates(prepare(mention.identity)))


def _as_json(pair: "Match") -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(pair)
    return found


def _show(pair: "Match", *, met: bool) -> None:
    from cohort.wording import words

    most = max([abs(each.bits) for each in pair.evidence], default=0.0) or 1.0
    rows = [(words(each), f"{each.bits:+.1f}", bar_of(each.bits, most)) for each in pair.evidence]
    rows.append((f"match weight: {_odds(pair.match_weight)}", f"{pair.match_weight:+.1f}", ""))
    title = f"Mention {pair.mention}: {pair.decision.value} ({pair.reason.value.replace('_', ' ')})"
    out.print(table(title, ["evidence", "bits", "against | for"], rows, right=["bits"]))
    if not met:
        out.print("Blocking does not bring these two together: `match` would not list the pair.")


def bar_of(bits: float, most: float) -> str:
    """A bar from the middle: to the right for, to the left against; `most` bits fill one side."""
    length = round(_HALF * min(abs(bits) / most, 1.0))
    left, right = (" " * _HALF, "█" * length) if bits >= 0 else (("█" * length).rjust(_HALF), "")
    return f"{left}|{right}"


def _odds(weight: float) -> str:
    if weight >= 0:
        return f"{_rounded(2.0 ** min(weight, 60.0))} to 1 that they are one person"
    return f"{_rounded(2.0 ** min(-weight, 60.0))} to 1 that they are two people"


def _rounded(odds: float) -> str:
    if odds >= 1_000_000:
        return "more than a million"
    return f"{odds:,.0f}" if odds >= 10 else f"{odds:.1f}"


def _values(said: "Identity", held: "Identity") -> "Table":
    one, other = dict(_fields(said)), dict(_fields(held))
    rows = [(name, one.get(name, ""), other.get(name, "")) for name in dict.fromkeys([*one, *other])]
    return table("Values (personal data)", ["field", "event", "member"], rows)


def _fields(identity: "Identity") -> Iterator[tuple[str, str]]:
    plain: Sequence[tuple[str, Sequence[str]]] = (
        ("names", [" ".join((*name.given, name.family)).strip() for name in identity.names]),
        ("date of birth", [born.value.isoformat() for born in identity.dates_of_birth]),
        ("sex", [identity.sex.value]),
        ("identifiers", [f"{each.scheme.value} {each.value}" for each in identity.identifiers]),
        ("postcodes", identity.postcodes),
        ("addresses", identity.addresses),
        ("phones", identity.phones),
        ("emails", identity.emails),
        *identity.extra,
    )
    for name, values in plain:
        if values:
            yield name, "; ".join(values)
