"""The page of `make force`: tables of recall, precision and errors, each share with its Wilson interval of 95 per cent.

Precision is that of a stream in which one event in a hundred is about a watched person: the shares of true mentions and
of strangers are measured apart and weighed. Its interval comes from that of the false matches alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from domain.matches import MatchReason
from fixtures.mentions import Source
from fixtures.population import Kin
from tests.force_trial import PREVALENCE, Measured, Outcome, Result, age_band

_Z = 1.959964
GOALS = {"recall": 0.93, "precision": 0.999, "review": 0.04}
"""limits.md part A section 5: synthetic stream, 100,000 members, one per cent; the must is .90, .995 and .03."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, with the Wilson interval of 95 per cent."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share itself; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lowest and highest true share that would make these hits plausible."""
        if not self.of:
            return 0.0, 1.0
        share, count = self.value, self.of
        middle = share + _Z * _Z / (2 * count)
        spread = _Z * sqrt(share * (1 - share) / count + _Z * _Z / (4 * count * count))
        scale = 1 + _Z * _Z / count
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trial says, as shares."""

    recall: Share
    in_review: Share
    wrong_member: Share
    false_match: Share
    false_review: Share
    kin_matched: Share
    confused: int

    @property
    def precision(self) -> float:
        """Of the matches of a stream at `PREVALENCE`, how many are right."""
        return self._precision(self.false_match.value)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """Lowest and highest, by the interval of the false matches of strangers."""
        low, high = self.false_match.interval
        return self._precision(high), self._precision(low)

    def _precision(self, false_match: float) -> float:
        right = PREVALENCE * self.recall.value
        wrong = PREVALENCE * self.wrong_member.value + (1 - PREVALENCE) * false_match
        return right / (right + wrong) if right else 0.0

    @property
    def review_share(self) -> float:
        """Of all events of the stream, how many go to a human."""
        return PREVALENCE * self.in_review.value + (1 - PREVALENCE) * self.false_review.value


def share_of(results: Sequence[Result], holds: Callable[[Result], bool]) -> Share:
    """Of these results, how many hold."""
    return Share(sum(map(holds, results)), len(results))


def figures(measured: Measured) -> Figures:
    """The shares of one trial."""
    own, strange = measured.of(Kin.SELF), measured.of(Kin.STRANGER)
    kin = measured.of(Kin.TWIN, Kin.SIBLING, Kin.COUSIN)
    return Figures(
        recall=share_of(own, lambda each: each.outcome is Outcome.RIGHT),
        in_review=share_of(own, lambda each: each.outcome is Outcome.REVIEW),
        wrong_member=share_of(own, lambda each: each.outcome is Outcome.WRONG),
        false_match=share_of(strange, lambda each: each.outcome is Outcome.WRONG),
        false_review=share_of(strange, lambda each: each.outcome is Outcome.REVIEW_OTHER),
        kin_matched=share_of(kin, lambda each: each.outcome is Outcome.WRONG),
        confused=sum(each.confused for each in measured.results),
    )


def page(measured: Sequence[Measured]) -> str:
    """The whole page as Markdown."""
    parts = [_HEAD, _overall(measured), _by_source(measured), _kin(measured)]
    largest = [each for each in measured if each.trial.source is None][-1:]
    for each in largest:
        parts += [_groups(each), _reasons(each), _faults(each)]
    return "\n".join(parts)


_HEAD = """# Recognition on the synthetic force

Made by `make force` (`python -m tests.force_quality --write docs/matching-force.md`). Nobody is real. Populations are
those of `fixtures/population.py`: names of thirteen naming origins with tails of tens of thousands, households with
siblings, twins (three members in a hundred) and cousins, watched people of 10 to 24 years. Mentions are copies as the
sources of `fixtures/dirt.py` write them. Everything goes through `cohort.matching.match_event` with the shipped model
and policy. Brackets are Wilson intervals of 95 per cent. Precision, and what humans see, are those of a stream in which
one event in a hundred is about a watched person. The model never sees a naming origin.

The stream "limits" is that of limits.md part A 3.1 (dirtier copies, few identifiers, dates of birth 1944 to 2012), for
which its section 5 sets the goals: at 100,000 members MATCH precision .999 and recall .93, at least .995 and .90.
"""


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _told(share: Share, digits: int = 4) -> str:
    low, high = share.interval
    return f"{share.value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _name(measured: Measured) -> str:
    return "limits" if measured.trial.source is Source.HARD else "feeds"


def _overall(measured: Sequence[Measured]) -> str:
    rows = []
    for each in measured:
        told = figures(each)
        low, high = told.precision_interval
        rows.append(
            (
                f"{each.trial.spec.members:,}",
                _name(each),
                _told(told.recall),
                f"{told.precision:.4f} [{low:.4f}, {high:.4f}]",
                _told(told.in_review),
                f"{told.review_share:.3%}",
                f"{1 - told.recall.value - told.in_review.value:.4f}",
                told.confused,
                f"{each.candidates:.2f}",
            )
        )
    rows.append(("100,000", "goal (must)", ".93 (.90)", ".999 (.995)", ".04 (.03)", "", "", "0", ""))
    columns = (
        *("members", "stream", "recall at MATCH", "precision at MATCH", "true ones in review", "events to review"),
        *("true ones lost", "kin confused at MATCH", "candidates per event"),
    )
    return "## Overall\n\n" + _table(columns, rows)


def _by_source(measured: Sequence[Measured]) -> str:
    rows = []
    for each in measured:
        own = each.of(Kin.SELF)
        for source in Source:
            told = [result for result in own if result.mentioned.source is source]
            if told:
                right = share_of(told, lambda result: result.outcome is Outcome.RIGHT)
                held = share_of(told, lambda result: result.outcome is Outcome.REVIEW)
                rows.append((f"{each.trial.spec.members:,}", source.value, len(told), _told(right), _told(held)))
    return "## By source\n\n" + _table(("members", "source", "mentions", "recall at MATCH", "in review"), rows)


def _kin(measured: Sequence[Measured]) -> str:
    rows = []
    for each in measured:
        for kin in (Kin.TWIN, Kin.SIBLING, Kin.COUSIN):
            told = each.of(kin)
            if told:
                wrong = share_of(told, lambda result: result.outcome is Outcome.WRONG)
                held = share_of(told, lambda result: result.outcome is Outcome.REVIEW_OTHER)
                rows.append((f"{each.trial.spec.members:,}", kin.value, len(told), wrong.hits, _told(held)))
        swapped = sum(result.confused for result in each.of(Kin.SELF))
        rows.append((f"{each.trial.spec.members:,}", "watched, at one home", len(each.of(Kin.SELF)), swapped, ""))
    columns = ("members", "who", "mentions", "confused at MATCH (must be 0)", "in review")
    return "## Twins, siblings and cousins\n\n" + _table(columns, rows)


def _groups(measured: Measured) -> str:
    today = measured.trial.spec.today
    sorts: dict[str, Callable[[Result], str]] = {
        "origin": lambda each: each.mentioned.person.origin.value,
        "sex": lambda each: each.mentioned.person.sex.value,
        "age": lambda each: age_band(each.mentioned, today),
    }
    rows = []
    for sort, group_of in sorts.items():
        own, strange = _grouped(measured.of(Kin.SELF), group_of), _grouped(measured.of(Kin.STRANGER), group_of)
        for group in sorted({*own, *strange}):
            mine, others = own.get(group, []), strange.get(group, [])
            missed = share_of(mine, lambda each: each.outcome is not Outcome.RIGHT)
            lost = share_of(mine, lambda each: each.outcome not in (Outcome.RIGHT, Outcome.REVIEW))
            false = share_of(others, lambda each: each.outcome is Outcome.WRONG)
            seen = share_of(others, lambda each: each.outcome is Outcome.REVIEW_OTHER)
            if mine or false.hits or seen.hits:
                told = (_told(missed), _told(lost)) if mine else ("", "")
                rows.append(
                    (sort, group, len(mine), *told, len(others), f"{false.hits} ({_upper(false)})", _told(seen, 5))
                )
    columns = (
        *(
            "by",
            "group",
            "true mentions",
            "not matched (false negatives)",
            "neither matched nor in review",
            "strangers",
        ),
        *("matched (false positives; at most)", "strangers in review"),
    )
    return f"## Groups, at {measured.trial.spec.members:,} members\n\n" + _table(columns, rows)


def _upper(share: Share) -> str:
    return f"{share.interval[1]:.5f}"


def _grouped(results: Iterable[Result], group_of: Callable[[Result], str]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for each in results:
        groups.setdefault(group_of(each), []).append(each)
    return groups


def _reasons(measured: Measured) -> str:
    counted: Counter[tuple[str, str]] = Counter()
    for each in measured.results:
        if each.outcome in (Outcome.REVIEW, Outcome.REVIEW_OTHER, Outcome.WRONG):
            counted[_why(each.reason), f"{each.mentioned.kin.value}: {each.outcome.value}"] += 1
    columns = sorted({what for _, what in counted})
    rows = [(why, *(counted[why, what] or "" for what in columns)) for why in sorted({why for why, _ in counted})]
    return "## Why mentions are in review, or matched wrongly\n\n" + _table(("reason", *columns), rows)


def _why(reason: MatchReason | None) -> str:
    return reason.value if reason else ""


def _faults(measured: Measured) -> str:
    own = measured.of(Kin.SELF)
    rows = []
    faults = sorted({fault for each in own for fault in each.mentioned.dirt})
    for fault in [None, *faults]:
        told = [each for each in own if (fault in each.mentioned.dirt if fault else not each.mentioned.dirt)]
        counts = Counter(each.outcome for each in told)
        right = Share(counts[Outcome.RIGHT], len(told))
        lost = len(told) - counts[Outcome.RIGHT] - counts[Outcome.REVIEW]
        rows.append((fault.value if fault else "no fault", len(told), _told(right, 3), counts[Outcome.REVIEW], lost))
    return "## What each fault costs\n\n" + _table(("fault", "true mentions", "recall", "in review", "lost"), rows)
