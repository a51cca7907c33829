"""Splink 4 on the benchmark's people: `find_matches_to_new_records`, one record at a time and a thousand in a call.

Six blocking rules and seven comparisons with probabilities given, as in limits.md section 2: no training is timed.
"""

import time
from collections.abc import Iterable, Sequence

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from domain.identity import Identity
from domain.people import CohortMember

_RULES = [
    block_on("nhs"),
    block_on("nominal"),
    block_on("phone"),
    block_on("dob", "family"),
    block_on("dob", "given"),
    block_on("given", "family", "postcode"),
]
"""To be given with each call too: `find_matches_to_new_records` compares with everybody where it is given none."""


def rates(members: Iterable[CohortMember], said: Sequence[Identity], singles: int = 12) -> tuple[float, float]:
    """(records a second one at a time, records a second by the thousand), in processor time of one thread."""
    table = pd.DataFrame([_row(member.member_id, member.identity) for member in members])
    api = DuckDBAPI()
    api._con.execute("SET threads=1")
    linker = Linker(table, _settings(), db_api=api)
    news = [_row(f"e{number}", identity) for number, identity in enumerate(said)]
    _ask(linker, news[:1])
    began = time.process_time()
    for row in news[1 : singles + 1]:
        _ask(linker, [row])
    one = singles / (time.process_time() - began)
    began = time.process_time()
    for first in range(0, len(news), 1_000):
        _ask(linker, news[first : first + 1_000])
    return one, len(news) / (time.process_time() - began)


def _ask(linker: Linker, rows: list[dict[str, str | None]]) -> None:
    found = linker.inference.find_matches_to_new_records(pd.DataFrame(rows), blocking_rules=_RULES)
    found.as_record_dict()
    found.drop_table_from_database_and_remove_from_cache()


def _row(name: str, identity: Identity) -> dict[str, str | None]:
    first = identity.names[0]
    numbers = {each.scheme.value: each.value for each in identity.identifiers}
    return {
        "unique_id": name,
        "given": first.given[0],
        "family": first.family,
        "dob": identity.dates_of_birth[0].value.isoformat() if identity.dates_of_birth else None,
        "postcode": identity.postcodes[0] if identity.postcodes else None,
        "address": identity.addresses[0] if identity.addresses else None,
        "phone": identity.phones[0] if identity.phones else None,
        "nhs": numbers.get("nhs"),
        "nominal": numbers.get("nominal"),
    }


def _settings() -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        probability_two_random_records_match=1e-6,
        comparisons=[
            cl.NameComparison("given"),
            cl.NameComparison("family"),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode"),
            cl.ExactMatch("address"),
            cl.ExactMatch("phone"),
            cl.ExactMatch("nhs"),
        ],
        blocking_rules_to_generate_predictions=_RULES,
    )
