"""`make force`: how well the watched are recognised on synthetic forces of a thousand to a million members.

Rates of true mentions and of strangers are measured apart and brought together at one true event in a hundred. The page
is docs/matching-force.md; a small run with floors is in tests/unit/cohort/test_force_quality.py.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fixtures.mentions import Source
from fixtures.population import ALL_AGES, Kin, PopulationSpec
from tests.force_report import page
from tests.force_trial import Measured, Trial, measure


def main(given: Sequence[str] | None = None) -> int:
    """Measure and write the page; 0 when done."""
    parser = argparse.ArgumentParser(prog="python -m tests.force_quality", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="cohort sizes (default 1000,10000,100000)")
    parser.add_argument("--own", type=int, default=20_000, help="true mentions for each size")
    parser.add_argument("--kin", type=int, default=6_000, help="mentions of twins, siblings and cousins for each size")
    parser.add_argument("--others", type=int, default=100_000, help="mentions of strangers for each size")
    parser.add_argument("--hard-size", type=int, default=100_000, help="size for the stream of limits.md; 0: without")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="write the page here; default: standard output")
    chosen = parser.parse_args(given)
    trials = [
        Trial(PopulationSpec(int(size), seed=chosen.seed), chosen.own, chosen.kin, chosen.others)
        for size in chosen.sizes.split(",")
        if size
    ]
    if chosen.hard_size:
        spec = PopulationSpec(chosen.hard_size, seed=chosen.seed, ages=ALL_AGES)
        trials.append(Trial(spec, chosen.own, 0, chosen.others, Source.HARD))
    text = page([_told(measure(trial)) for trial in trials])
    if chosen.write:
        chosen.write.write_text(text)
    else:
        sys.stdout.write(text)
    return 0


def _told(measured: Measured) -> Measured:
    lost = Counter(each.outcome.value for each in measured.of(Kin.SELF))
    sys.stderr.write(f"{measured.trial.spec.members}: {dict(lost)}, {measured.seconds:.0f} s of matching\n")
    return measured


if __name__ == "__main__":
    sys.exit(main())
