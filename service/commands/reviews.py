"""`reachpoint review`: doubtful matches from the machine itself: list, both sides with the waterfall, decide, undo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.commands.acting import LOCAL_ROLE, local_user
from service.commands.asked import Call, called
from service.terminal import london, out, run, show_json, table

if TYPE_CHECKING:
    from api.review_ports import CandidateView, IdentityView, ReviewFile, ReviewRuled
    from service.local_reviews import LocalReviews

review = typer.Typer(help="Doubtful matches that wait for a human.", no_args_is_help=True)

ReviewId = Annotated[str, typer.Argument(help="The id, or enough of its beginning.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log. No name and no number.")]
Seen = Annotated[int | None, typer.Option("--version", min=1, help="The version that you saw; default: as it is now.")]


@review.command("list")
@called
def list_reviews(
    call: Call,
    state: Annotated[str, typer.Option(help="waiting, decided or review_expired.")] = "waiting",
    order: Annotated[str, typer.Option(help="oldest or priority.")] = "oldest",
    feed: Annotated[str | None, typer.Option(help="Only of this feed: police, intel, ed or programme.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
) -> None:
    """What waits, by ids: why it is in doubt, for whom, how heavy. Shows nothing personal."""
    from api.review_ports import ReviewFilter, ReviewOrder
    from domain.errors import ConfigError
    from domain.kinds import Feed
    from domain.reviews import ReviewState

    async def work() -> None:
        try:
            wanted = ReviewFilter(
                state=ReviewState(state), order=ReviewOrder(order), feed=Feed(feed) if feed else None, limit=limit
            )
        except ValueError as error:
            raise ConfigError(f"{error}. See --help for what there is.") from None
        async with _local(call) as local:
            page = await local.page(wanted)
        if call.json:
            show_json({"waiting": page.waiting, "reviews": page.reviews})
            return
        rows = [
            (
                view.review_id[:12],
                view.priority.value,
                view.kind,
                london(view.occurred_at),
                view.why,
                ", ".join(f"{each.member_id} {each.match_weight:+.1f}" for each in view.candidates),
                view.version,
            )
            for view in page.reviews
        ]
        columns = ["id", "priority", "kind", "happened (London)", "why", "candidates (bits)", "version"]
        out.print(table(f"{len(rows)} shown, {page.waiting} waiting", columns, rows, right=["version"]))

    run(work)


@review.command("show")
@called
def show_review(call: Call, review_id: ReviewId) -> None:
    """Both sides in columns and the waterfall of evidence. The look is kept in the audit log."""

    async def work() -> None:
        async with _local(call) as local:
            found = await local.open(await local.whole_id(review_id), by=local_user(), role=LOCAL_ROLE)
        if call.json:
            show_json(found)
        else:
            _print_file(found)

    run(work)


@review.command("decide")
@called
def decide(
    call: Call,
    review_id: ReviewId,
    member_id: Annotated[str, typer.Argument(help="The candidate.")],
    verdict: Annotated[str, typer.Argument(help="same, different or unsure.")],
    reason: Reason,
    version: Seen = None,
) -> None:
    """Decide on one candidate. `same` lets the event go to the rules with its own time."""
    from domain.errors import ConfigError
    from domain.ids import MemberId
    from domain.reviews import ReviewVerdict

    async def work() -> None:
        if verdict not in {each.value for each in ReviewVerdict}:
            raise ConfigError(f"'{verdict}' is no decision; there are same, different and unsure.")
        async with _local(call) as local:
            whole = await local.whole_id(review_id)
            ruled = await local.decide(
                whole,
                MemberId(member_id),
                ReviewVerdict(verdict),
                reason=reason,
                by=local_user(),
                role=LOCAL_ROLE,
                version=version or await local.version(whole),
            )
        _tell(ruled, json=call.json)

    run(work)


@review.command("undo")
@called
def undo(
    call: Call,
    review_id: ReviewId,
    reason: Reason,
    member: Annotated[str | None, typer.Option(help="The candidate; default: of the last decision.")] = None,
    version: Seen = None,
) -> None:
    """Withdraw a decision and all that it let through. Both steps stay in the history."""
    from domain.ids import MemberId

    async def work() -> None:
        async with _local(call) as local:
            whole = await local.whole_id(review_id)
            ruled = await local.undo(
                whole,
                MemberId(member) if member else None,
                reason=reason,
                by=local_user(),
                role=LOCAL_ROLE,
                version=version or await local.version(whole),
            )
        _tell(ruled, json=call.json)

    run(work)


_WHY = {
    "doubtful": "much agrees, but not enough to be certain",
    "ambiguous": "two of them fit about as well",
    "twin": "it may be the twin: no given name and no sure number says which of them",
    "sibling": "it may be somebody of the same home: neither given name nor date of birth agrees",
    "veto_sex": "the sex differs, and only name and date of birth agree",
    "alias_only": "nothing but an alias agrees",
    "identifier": "a number agrees, and little else",
    "identity_changed": "a visit linked to this person now names somebody else; is it still theirs?",
    "reviewed_before": "decided before, for the same words of the same source",
}
"""Why somebody is in doubt (domain.matches.MatchReason and ReviewItem.why), for people."""


@asynccontextmanager
async def _local(call: Call) -> AsyncIterator["LocalReviews"]:
    from service.local_reviews import LocalReviews
    from service.wiring import policies_of, reach_store

    settings = call.settings()
    policies = policies_of(settings)
    async with reach_store(settings) as client:
        yield LocalReviews(client, policies)


def _tell(ruled: "ReviewRuled", *, json: bool) -> None:
    if json:
        show_json(ruled)
        return
    word = "Kept" if ruled.changed else "It stood so already"
    also = f", and {len(ruled.also)} more with the same words" if ruled.also else ""
    out.print(f"{word}: {ruled.review.state.value}, version {ruled.review.version}{also}.")


def _print_file(found: "ReviewFile") -> None:
    view = found.review
    out.print(
        f"{view.review_id}\n{view.kind}, happened {london(view.occurred_at)} (London)"
        f"{f', {found.role}' if found.role else ''}; {view.state.value}, version {view.version}\n"
        f"In doubt: {_WHY.get(view.why, view.why)}.",
        markup=False,
    )
    sides = [found.said, *(side.identity for side in found.sides)]
    columns = ["", "the event says", *(f"{side.member_id} {side.status}".strip() for side in found.sides)]
    rows = [(label, *("\n".join(_lines(side, label)) for side in sides)) for label in _LABELS]
    out.print(table("Both sides", columns, [row for row in rows if any(row[1:])]))
    for candidate in view.candidates:
        out.print(_waterfall(candidate))
    if found.steps:
        steps = [(london(step.at), step.what, step.member_id, step.by, step.reason) for step in found.steps]
        out.print(table("What was said before", ["when (London)", "what", "of", "by", "why"], steps))


def _waterfall(candidate: "CandidateView") -> Any:
    rows, total = [], 0.0
    for line in candidate.evidence:
        total += line.bits
        rows.append((line.words, f"{line.bits:+.1f}", f"{total:+.1f}"))
    verdict = f", {candidate.verdict.value}" if candidate.verdict else ""
    title = f"{candidate.member_id}: {candidate.match_weight:+.1f} bits{verdict}"
    return table(title, ["evidence", "bits", "sum"], rows, right=["bits", "sum"])


_LABELS = ("names", "dates of birth", "sex", "identifiers", "postcodes", "addresses", "phones", "emails", "marks")


def _lines(identity: "IdentityView | None", label: str) -> tuple[str, ...]:
    if identity is None:
        return ("not watched any more",) if label == "names" else ()
    if label == "identifiers":
        return tuple(
            f"{each.scheme} {each.value} {each.system}{' (verified)' if each.verified else ''}".strip()
            for each in identity.identifiers
        )
    if label == "marks":
        return tuple(word for word in ("unknown", "deceased", "multiple_birth") if getattr(identity, word))
    if label == "sex":
        return (identity.sex,) if identity.sex not in ("", "unknown") else ()
    found: tuple[str, ...] = getattr(identity, label.replace(" ", "_"))
    return found
