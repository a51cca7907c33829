"""Python looks for garbage seldom, and not among what stands."""

import gc
from collections.abc import Iterator

import pytest

from service.collecting import collect_seldom, leave_alone_what_stands, look_at_all_again

_PYTHONS_OWN = (700, 10, 10)


@pytest.fixture(autouse=True)
def as_the_run_has_it() -> Iterator[tuple[int, ...]]:
    """Python as it begins, and afterwards again as the test run has it (tests/conftest.py), which is what is given."""
    was = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(*_PYTHONS_OWN)
    yield was
    gc.enable()
    gc.set_threshold(*was)
    leave_alone_what_stands()


def test_it_looks_less_often_than_by_itself() -> None:
    before = gc.get_threshold()
    collect_seldom()
    assert all(now > was for now, was in zip(gc.get_threshold(), before, strict=True))


def test_what_stands_is_not_searched_and_what_comes_is() -> None:
    class Ring:
        """Refers to itself."""

        def __init__(self) -> None:
            self.me = self

    stands = [Ring() for _ in range(1000)]
    leave_alone_what_stands()
    gc.disable()  # or it finds them before we ask
    assert gc.get_freeze_count() >= len(stands)
    for _ in range(1000):
        Ring()
    assert gc.collect() >= 1000, "rings made since are found"


def test_at_the_end_all_is_let_go_in_order() -> None:
    leave_alone_what_stands()
    look_at_all_again()
    assert gc.get_freeze_count() == 0


def test_a_test_run_looks_as_seldom(as_the_run_has_it: tuple[int, ...]) -> None:
    collect_seldom()
    assert gc.get_threshold() == as_the_run_has_it
