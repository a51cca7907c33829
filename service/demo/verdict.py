"""Was it right? What the demo's last lines and its exit status rest on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from domain.ids import EventId
from fixtures.force import Force
from service.demo.explaining import Explainer, Miss, Why
from service.demo.gather import Found
from service.demo.scoring import Key, Score, detection


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score with every miss explained. `without_ground` says of each such firing whom it is truly about."""

    score: Score
    misses: tuple[Miss, ...]
    without_ground: tuple[str, ...]
    balanced: bool

    @property
    def by_reason(self) -> Mapping[Why, int]:
        """How many misses have which reason."""
        return Counter(miss.why for miss in self.misses)

    @property
    def sound(self) -> bool:
        """Whether nothing is left that only a defect could explain."""
        unexplained = any(miss.why is Why.UNEXPLAINED for miss in self.misses)
        return self.balanced and not (unexplained or self.score.unexpected or self.score.standing)


def verdict_of(force: Force, found: Found) -> Verdict:
    """Score and explain what was found."""
    score = detection(force, found.alerts)
    explainer = Explainer(force, found.endings, found.reviews)
    contributing = _contributing(found)
    return Verdict(
        score=score,
        misses=tuple(explainer.explain(moment) for moment in score.missed),
        without_ground=tuple(explainer.whose(key, contributing.get(key, ())) for key in score.unexpected),
        balanced=found.books.balanced and found.books.in_flight == 0,
    )


def _contributing(found: Found) -> dict[Key, tuple[EventId, ...]]:
    fired = (record.trigger for alert in found.alerts for record in alert.triggers)
    return {(str(one.member_id), str(one.rule_id), one.fired_at): one.contributing for one in fired}
