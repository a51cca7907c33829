"""Precision, recall and F1 of a set of links at one fixed threshold: all pairs, and the best per event."""

from collections.abc import Mapping
from dataclasses import dataclass

from cohort.index import CohortIndex
from cohort.matching import score_all
from cohort.model import load_model
from cohort.policy import MatchPolicy
from cohort.prepared import prepare
from cohort.training import train
from tests.febrl_data import Task
from tests.unit.cohort.people import event_about, member_of

Pair = tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """Links found against the truth."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)


def all_pairs(task: Task, weights: Mapping[Pair, float], threshold: float = 0.0) -> Outcome:
    """Every pair at or above the threshold is a link. Truth is all true pairs, also those that were never compared."""
    found = {pair for pair, weight in weights.items() if weight >= threshold}
    right = len(found & task.truth)
    return Outcome(right, len(found) - right, len(task.truth) - right)


def best_per_event(task: Task, weights: Mapping[Pair, float], threshold: float = 0.0) -> Outcome:
    """Only the heaviest link of each event counts; an event of nobody in the cohort should have none."""
    best: dict[int, Pair] = {}
    for pair, weight in weights.items():
        if weight >= threshold and (pair[1] not in best or weight > weights[best[pair[1]]]):
            best[pair[1]] = pair
    right = len(task.truth.intersection(best.values()))
    return Outcome(right, len(best) - right, len({event for _, event in task.truth}) - right)


def ours(task: Task, *, seed: int = 1) -> dict[Pair, float]:
    """Weights of all pairs that our index brings together, by a model trained on the same tables without labels."""
    cohort, events = [prepare(who) for who in task.cohort], [prepare(who) for who in task.events]
    model = load_model(train(cohort, events, name=task.name, seed=seed).text())
    index = CohortIndex.build([member_of(place, who) for place, who in enumerate(task.cohort)], keys=model.keys)
    policy = MatchPolicy()
    return {
        (int(match.member_id[1:]), place): match.match_weight
        for place, who in enumerate(task.events)
        for match in score_all(event_about(who), index, policy, model)
        if not (task.same and int(match.member_id[1:]) == place)
    }
