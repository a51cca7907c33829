"""Python looks for garbage seldom, and not among what stands."""

import gc
from collections.abc import Iterator

import pytest

from service.collecting import collect_seldom, leave_alone_what_stands, look_at_all_again


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    was = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*was)


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
