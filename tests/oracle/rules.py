"""The rules, one by one, as rules.md and domain.md section 10 tell them, over a person's whole life."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.attributes import Grade, MissingRisk
from domain.kinds import Role
from domain.people import CohortMember
from tests.oracle.grounds import (
    ADVERSE,
    ANY_ASSAULT,
    DA,
    DAY,
    HOUR,
    VIOLENCE_VICTIM,
    VIOLENT_SUSPECT,
    WEAPON_ASSAULT,
    WEAPON_FOUND,
    WEAPON_INTEL,
    WEAPON_OFFENCE,
    always,
    armed_injury,
    assault,
    codes,
    crisis,
    exploited,
    folded,
    found_elsewhere,
    offence,
    other_assault,
    out_of_area,
    risky,
    themed,
)
from tests.oracle.person import LATE, Ground, Life, News, ground, least_urgent, sooner, untold
from tests.oracle.telling import Moment
from tests.oracle.windows import A_MOMENT, by_episode, by_key, by_telling, counted, followed
from triggers.history import HistoryEntry

Outcome = tuple[str, datetime, str, str, str]
"""Rule, event time, the completing event, priority, and 'fired' or 'too_late'."""


@dataclass(frozen=True)
class Candidate:
    """Something a rule would fire on, before cooling: `about` is what it cools by."""

    at: datetime
    event: str
    priority: int
    learnt: datetime
    about: str
    key: str = ""
    lateness: timedelta | None = None  # where it is not the time from `at` to `learnt`

    @property
    def how_late(self) -> timedelta:
        return self.learnt - self.at if self.lateness is None else self.lateness


def together(life: Life, grounds: Sequence[Ground], late: timedelta = LATE, *, itself: bool = False) -> list[News]:
    """News of any of several grounds of different families. `itself`: a rule looks for them and nothing else."""
    found = (one for each in grounds for one in life.news(each, late=late, itself=itself))
    return sorted(found, key=lambda one: one.place)


def either(life: Life, grounds: Sequence[Ground]) -> list[News]:
    """News of several grounds that may lie in one occurrence: one that an earlier one made known is no news."""
    by_key: dict[str, list[News]] = {}
    for one in together(life, grounds):
        by_key.setdefault(one.moment.key, []).append(one)
    found: list[News] = []
    for group in by_key.values():
        kept: list[News] = []
        for one in group:
            known = [other for other in kept if not other.guarded and not untold(other, one)]
            if (one.guarded and not any(o.guarded for o in kept)) or (not one.guarded and not known):
                kept.append(one)
        found.extend(kept)
    return sorted(found, key=lambda one: one.place)


def outcomes(
    member: CohortMember, entries: Sequence[HistoryEntry], reference: Any, *, repeat_within: timedelta = 365 * DAY
) -> set[Outcome]:
    """Everything that fires, and what would have fired but came too late, but of the rules in `waits.py`.
    `repeat_within` is ED_REPEAT_ASSAULT's."""
    life = Life(member, entries, reference)
    found: set[Outcome] = set()

    def judge(
        rule: str, made: Sequence[Candidate], within: timedelta | None, *, each: bool = False, late: timedelta = LATE
    ) -> list[Candidate]:
        fired = cool(made, within, each=each, late=late)
        found.update((rule, one.at, one.event, f"P{one.priority}", end) for one, end in fired)
        return [one for one, end in fired if end == "fired"]

    def plain(news: Sequence[News], priority: int, about: str = "") -> list[Candidate]:
        return [candidate(one, priority, about) for one in news if stands(life, one)]

    weapon_visits = judge("ED_WEAPON_ASSAULT", plain(life.news(WEAPON_ASSAULT, itself=True), 1, "visit"), None)

    def seen_to(one: Candidate) -> bool:
        return any(known.key == one.key and known.at <= one.at for known in weapon_visits)

    others = plain(life.news(ground("ed.*", other_assault, assault), itself=True), 2, "visit")
    judge("ED_ASSAULT", [one for one in others if not seen_to(one)], None)
    assaults = life.news(ANY_ASSAULT)
    judge("ED_REPEAT_ASSAULT", plain(counted(assaults, by_key(assaults), 2, repeat_within), 1, "visit"), None)
    judge("ED_SELF_HARM_CRISIS", plain(life.news(ground("ed.*", crisis), itself=True), 1, "visit"), None)
    judge(
        "CUSTODY_ARREST",
        plain(life.news(ground("custody.arrived", always, offending=True), itself=True), 1, "visit"),
        None,
    )
    carrying = plain(together(life, [WEAPON_OFFENCE, WEAPON_FOUND], itself=True), 1)
    judge("WEAPON_CARRYING", carrying, DAY, each=True)

    def grave(_m: Moment, said: dict[str, Any]) -> int:
        return 1 if codes(said) & life.words("gravest_violence") else 2

    suspected = life.news(VIOLENT_SUSPECT, grave, itself=True)
    judge("VIOLENT_SUSPECT", graded(life, suspected, grave), DAY, each=True)
    judge("VIOLENCE_VICTIM", plain(life.news(VIOLENCE_VICTIM, itself=True), 2), DAY, each=True)
    harmed = together(life, [VIOLENCE_VICTIM, ANY_ASSAULT])
    hitting = either(life, [WEAPON_OFFENCE, WEAPON_FOUND, VIOLENT_SUSPECT, WEAPON_INTEL])
    judge("VICTIM_TO_SUSPECT", plain(followed(harmed, hitting, 30 * DAY), 1), DAY, each=True)

    crime = Ground(
        ("crime.*",),
        tuple((way, way) for way in (offence([Role.VICTIM], "gravest_violence"), armed_injury)),
        about="linked",
        links=125 * DAY,
    )
    close = together(life, [crime, replace(WEAPON_ASSAULT, about="linked", links=125 * DAY)], itself=True)
    near = [candidate(one, 3 if one.unlinked > 14 * DAY else 1, "subject") for one in close if stands(life, one)]
    judge("ASSOCIATE_HARMED", near, 14 * DAY)

    def high(_m: Moment, said: dict[str, Any]) -> int:
        return 1 if said.get("risk") is MissingRisk.HIGH else 2

    gone = life.news(ground("missing.reported missing.regraded", risky), high, itself=True)
    judge("MISSING_CHILD", graded(life, gone, high, "visit"), None)
    reports = life.news(ground("missing.reported", always))
    names = by_episode(reports)
    repeats: dict[Any, News] = {}
    for one in (*counted(reports, names, 2, 28 * DAY), *counted(reports, names, 3, 90 * DAY)):
        known = repeats.get(one.place)
        repeats[one.place] = one if known is None or sooner(one, known) else known
    judge("REPEAT_MISSING", plain([repeats[place] for place in sorted(repeats)], 1, "visit"), None)
    signs = together(
        life,
        [
            ground("missing.found", found_elsewhere),
            ground("arrest.made custody.arrived crime.*", out_of_area),
            ground("nrm.referred exploitation.flagged", exploited),
            ground("intel.*", themed("exploitation_themes")),
        ],
        itself=True,
    )
    judge("COUNTY_LINES_SIGNS", plain(signs, 1), DAY, each=True)
    week = 7 * DAY
    threats = life.news(ground("intel.*", themed("threat_themes")), late=week, itself=True)
    judge("INTEL_THREAT", plain(threats, 1), DAY, each=True, late=week)
    judge("INTEL_CORROBORATED", plain(corroborated(life), 2), DAY, each=True)
    at_home = together(life, DA)
    homes = [one for one in counted(at_home, by_key(at_home), 1, 365 * DAY) if stands(life, one)]
    made = [candidate(one, 1 if one.count >= 3 else 2) for one in homes]
    judge("DA_IN_HOUSEHOLD", made, DAY, each=True)
    adverse = together(life, ADVERSE)
    burst = counted(adverse, by_telling(life, adverse), 3, 72 * HOUR, feeds=2)
    judge("CROSS_FEED_BURST", plain(burst, 1), 72 * HOUR)
    return found


def graded(
    life: Life, news: Sequence[News], urgency: Callable[[Moment, dict[str, Any]], int], about: str = ""
) -> list[Candidate]:
    """Candidates with the least urgent of what was known then and what each correction made of it."""
    return [candidate(one, least_urgent(one.moment, urgency), about) for one in news if stands(life, one)]


def corroborated(life: Life) -> list[News]:
    """Two units, each A to C and source 1 or 2, that share a theme family."""

    def families(said: dict[str, Any]) -> frozenset[str]:
        return frozenset(life.reference.families_of(said.get("themes", ())))

    def good(_l: Life, _m: Moment, said: dict[str, Any], _r: Any) -> bool:
        grade = said.get("grade", Grade())
        shared = families(said) & life.words("corroborated_families")
        return bool(shared) and grade.source is not None and grade.source <= 2 and grade.assessment in ("A", "B", "C")

    reports = [one for one in life.news(ground("intel.*", good)) if one.moment.said.get("origin_unit")]
    found: dict[Any, News] = {}
    for family in sorted({family for one in reports for family in families(one.moment.said)}):
        sharing = [one for one in reports if family in families(one.moment.said)]
        units = [folded(one.moment.said["origin_unit"]) for one in sharing]
        for one in counted(sharing, units, 2, 28 * DAY, things=by_key(sharing)):
            if sooner_told(one, found.get((one.place, one.guarded))):
                found[one.place, one.guarded] = one
    return [found[place] for place in sorted(found)]


def sooner_told(one: News, known: News | None) -> bool:
    """Whether it takes the place of the one known: only where that came too late and this did not."""
    return known is None or (known.how_late > LATE >= one.how_late)


def stands(life: Life, one: News) -> bool:
    """No guard stands against it and the person was watched, through that feed, on that day."""
    return not one.guarded and life.watched(one.at, one.moment.entry.feed)


def candidate(one: News, priority: int, about: str = "") -> Candidate:
    harmed = one.moment.key if one.moment.subject == "household" else one.moment.subject  # nobody was named
    grounds = {"": "", "visit": one.moment.key, "subject": harmed}
    event, key = one.moment.entry.event_id, one.moment.key
    return Candidate(one.at, event, priority, one.learnt, grounds[about], key, one.lateness)


def raised(made: Iterable[tuple[Candidate, bool]], by: Sequence[Candidate]) -> list[Candidate]:
    """P1 where these firings of another rule on the same visit make it so: at once where one had come about before, else
    at the time of each that comes after. Each of `made` is told with whether they were watched then."""
    found = []
    for one, watched in made:
        others = [other for other in by if other.key == one.key]
        urgent = any(other.at <= one.at for other in others)
        if watched:
            found.append(replace(one, priority=1) if urgent else one)
        for other in others if not urgent else ():
            found.append(replace(heard_later(one, other), event=other.event, priority=1, about=one.about))
    return found


def heard_later(first: Candidate, then: Candidate) -> Candidate:
    """The second of two, known when both are: as late as it was itself, or as it became by waiting for the first; and
    too late where the first came too late, after the second was known."""
    if first.learnt <= then.learnt:
        return then
    late = LATE + A_MOMENT if first.how_late > LATE else max(then.how_late, first.learnt - then.at)
    return replace(then, learnt=first.learnt, lateness=late)


def cool(
    made: Sequence[Candidate], within: timedelta | None, *, each: bool, late: timedelta
) -> list[tuple[Candidate, str]]:
    """In event time: quiet after a firing on the same ground (of the same priority, where `each`) for so long (None:
    for good); a higher priority breaks through. What is not quiet fires, unless it came too late."""
    fired: list[Candidate] = []
    ends: list[tuple[Candidate, str]] = []
    unique: dict[tuple[str, str], Candidate] = {}
    for one in sorted(made, key=lambda one: (one.how_late > late, one.priority, one.learnt)):
        unique.setdefault((one.event, one.about), one)
    for one in sorted(unique.values(), key=lambda one: (one.at, one.priority, one.event)):
        quiet = any(
            known.about == one.about
            and known.priority <= one.priority
            and (not each or known.priority == one.priority)
            and (within is None or one.at - known.at <= within)
            for known in fired
        )
        if quiet:
            continue
        if one.how_late > late:
            ends.append((one, "too_late"))
        else:
            fired.append(one)
            ends.append((one, "fired"))
    return ends
