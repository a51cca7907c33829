"""Strategy: smallest data that works, built in the test; real servers started once per run; nothing is ever skipped.

A missing server is a failure. Random trials are cut to a tenth outside `make prove` (tests/trials.py). Nothing here
patches a global: time, randomness and settings are arguments. Python looks for garbage as seldom as in the service.
"""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from service.collecting import collect_seldom, leave_alone_what_stands, look_at_all_again
from tests.kafka.numbered import workers
from tests.kafka.server import kafka, lanes
from tests.longest_first import longest_first
from tests.servers import valkey, valkey_socket
from tests.trials import trials

settings.register_profile(
    "reachpoint",
    max_examples=trials(500),
    deadline=None,  # the machines are shared and noisy: a law may be slow, not wrong
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("reachpoint")

__all__ = ["kafka", "lanes", "valkey", "valkey_socket", "workers"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """No search for garbage while thousands of tests are read, for all of that stays; afterwards as in the service."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        collect_seldom()
        leave_alone_what_stands()


def pytest_unconfigure() -> None:
    """See service.collecting: what was left alone is let go in order."""
    look_at_all_again()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long are begun first; `make test` tells pytest-xdist to keep this order."""
    items[:] = longest_first(items)
