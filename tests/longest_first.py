"""Which test files take long: they are begun first, so that no core waits at the end for the last of them.

A file stays on one core (`--dist loadfile`), and by itself pytest-xdist begins with the files of the most tests; ours
take long by what they start and wait for. Seconds of processor and waiting on a quiet machine of two cores, roughly.
"""

from collections.abc import Sequence

import pytest

SECONDS = {
    "tests/e2e/test_region_outages.py": 200,
    "tests/contract/test_kafka_equality.py": 90,
    "tests/e2e/test_kill.py": 80,
    "tests/e2e/test_region_chaos.py": 80,
    "tests/e2e/test_match_tables.py": 70,
    "tests/unit/triggers/test_late_coding_in_counts.py": 55,
    "tests/e2e/test_demo.py": 50,
    "tests/contract/test_api_schema.py": 45,
    "tests/e2e/test_compose.py": 45,
    "tests/scenarios/test_kafka_engine.py": 45,
    "tests/contract/test_kafka_races.py": 45,
    "tests/contract/test_splink_model.py": 40,
    "tests/contract/test_faust_guard.py": 40,
    "tests/e2e/test_region.py": 40,
    "tests/e2e/test_main_job.py": 40,
    "tests/e2e/test_bad_input.py": 35,
    "tests/e2e/test_commands.py": 35,
    "tests/e2e/test_quiet.py": 30,
    "tests/scenarios/test_orders.py": 30,
    "tests/scenarios/test_engines.py": 28,
    "tests/unit/cohort/test_training.py": 28,
    "tests/unit/triggers/test_late_coding.py": 28,
    "tests/e2e/test_canary.py": 25,
    "tests/unit/api/test_access.py": 25,
    "tests/contract/test_kafka_secured.py": 25,
    "tests/unit/triggers/test_oracle.py": 25,
    "tests/unit/triggers/test_forms_oracle.py": 22,
    "tests/unit/service/test_backtest.py": 20,
    "tests/unit/fixtures/test_force.py": 20,
    "tests/unit/triggers/test_waits.py": 18,
    "tests/unit/cohort/test_febrl.py": 18,
    "tests/e2e/test_reviews.py": 18,
    "tests/contract/test_rule_reload.py": 16,
    "tests/e2e/test_links.py": 15,
    "tests/unit/triggers/test_a_year_at_risk.py": 15,
    "tests/unit/cohort/test_force_quality.py": 15,
    "tests/contract/test_kafka_aside.py": 13,
    "tests/e2e/test_backup.py": 13,
    "tests/unit/cohort/test_unseen.py": 12,
    "tests/scenarios/test_rule_tests.py": 12,
    "tests/e2e/test_power.py": 11,
    "tests/contract/test_timer_kill.py": 10,
    "tests/e2e/test_poison.py": 9,
}
"""By file; a file that is not named here takes less than a sixth of a minute."""


def longest_first(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order of their files' cost; those of one file, and of files not named, as they were."""
    return sorted(items, key=lambda each: -SECONDS.get(each.nodeid.partition("::")[0], 0))
