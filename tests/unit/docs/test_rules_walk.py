"""The supervisor's afternoon in docs/rules.md is lived through again: what the page shows is what the commands say."""

from tests.rules_walk import PAGE, Afternoon, in_page, place, plain, written


def test_the_afternoon_on_the_page_is_what_the_commands_say() -> None:
    with place() as folder:
        lived = plain(written(Afternoon(folder).live()))
    assert plain(in_page(PAGE.read_text(encoding="utf-8"))) == lived, "run `make docs`"
