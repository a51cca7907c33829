"""Two workers whose Python hashes differently find the same people, down to who is left out of a block too large."""

import os
import subprocess
import sys
from pathlib import Path

from cohort.index import BLOCK_LIMIT, CohortIndex
from cohort.prepared import prepare
from tests.match_stream import Stream
from tests.trials import trials

_HERE = Path(__file__).parents[3]


def _found(people: int) -> list[str]:
    """Whom the index finds for each of some mentions, in a cohort that has a hundred names between them."""
    stream = Stream(11, dense=1.0)
    members = list(stream.members(people))
    index = CohortIndex.build(members)
    assert index.stats.largest_block > BLOCK_LIMIT
    told = [stream.said(member.identity) for member in members[:: people // 400]]
    return [" ".join(sorted(row.member.member_id for row in index.candidates(prepare(said)))) for said in told]


def test_the_same_pairs_under_every_hash_seed() -> None:
    people = max(trials(24_000), 6_000)
    program = f"from tests.unit.cohort import test_same_everywhere as it; print(*it._found({people}), sep='\\n')"
    answers = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=_HERE,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0].split()) > len(answers[0].splitlines()), "somebody must have been found"
