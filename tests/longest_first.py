"""Which test files take long: they are begun first, so that no core waits at the end for the last of them.

A file stays on one core (`--dist loadfile`), and by itself pytest-xdist begins with the files of the most tests; ours
take long by what they start and wait for. Seconds of processor and waiting on a quiet machine of two cores, roughly.
"""

from collections.abc import Sequence

import pytest

SECONDS = {
    "tests/e2e/test_compose.py": 100,
    "tests/e2e/test_kill.py": 100,
    "tests/contract/test_kafka_equality.py": 85,
    "tests/e2e/test_region_outages.py": 80,
    "tests/e2e/test_commands.py": 70,
    "tests/e2e/test_region_chaos.py": 65,
    "tests/contract/test_kafka_races.py": 60,
    "tests/contract/test_splink_model.py": 60,
    "tests/scenarios/test_kafka_engine.py": 50,
    "tests/contract/test_api_schema.py": 45,
    "tests/contract/test_kafka_secured.py": 45,
    "tests/e2e/test_match_tables.py": 45,
    "tests/e2e/test_region.py": 45,
    "tests/unit/cohort/test_unseen.py": 40,
    "tests/contract/test_faust_guard.py": 40,
    "tests/e2e/test_bad_input.py": 40,
    "tests/e2e/test_poison.py": 30,
    "tests/e2e/test_canary.py": 30,
    "tests/scenarios/test_orders.py": 30,
    "tests/contract/test_rule_reload.py": 25,
    "tests/e2e/test_power.py": 25,
    "tests/contract/test_timer_kill.py": 15,
}
"""By file; a file that is not named here takes less than a quarter of a minute."""


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order of their files' cost; those of one file, and of files not named, as they were."""
    return sorted(items, key=lambda each: -SECONDS.get(each.nodeid.partition("::")[0], 0))
