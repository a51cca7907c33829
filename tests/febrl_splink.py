"""Splink 4 on the FEBRL data sets, set up and trained as its own documentation's FEBRL demos are.

Source: Splink 4 docs, demos/examples/duckdb/febrl4 (the detailed and the extended model) and febrl3 (deduplication).
Without soc_sec_id its rule and comparison are removed, nothing else.
"""

import logging
from typing import Any

import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from tests.febrl_data import Task
from tests.febrl_scores import Pair

_SWITCHED = "jaro_winkler_similarity(given_name_l, surname_r) + jaro_winkler_similarity(surname_l, given_name_r) >= "


def splink(task: Task, *, soc_sec_id: bool, extended: bool = False) -> dict[Pair, float]:
    """Splink's match weights of all pairs at or above 0."""
    logging.disable(logging.WARNING)
    tables = [_prepared(frame) for frame in (task.frames[:1] if task.same else task.frames)]
    rules = _dedupe_rules(soc_sec_id) if task.same else _link_rules(soc_sec_id)
    comparisons = _extended(soc_sec_id) if extended else _detailed(soc_sec_id, dedupe=task.same)
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="dedupe_only" if task.same else "link_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
        retain_intermediate_calculation_columns=True,
    )
    linker = Linker(tables if len(tables) > 1 else tables[0], settings, db_api=DuckDBAPI(), set_up_basic_logging=False)
    known = [block_on("soc_sec_id")] if soc_sec_id else []
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [*known, block_on("given_name", "surname", "date_of_birth")], recall=0.9 if task.same else 0.8
    )
    training.estimate_u_using_random_sampling(max_pairs=1e7 if extended else 1e6, seed=1)
    for column in ("date_of_birth", "postcode"):
        training.estimate_parameters_using_expectation_maximisation(
            block_on(column), estimate_without_term_frequencies=True
        )
    found = linker.inference.predict(threshold_match_weight=0).as_pandas_dataframe()
    return _weights(task, found)


def _weights(task: Task, found: Any) -> dict[Pair, float]:
    members = {record: place for place, record in enumerate(task.frames[0].index)}
    events = {record: place for place, record in enumerate(task.frames[1].index)}
    weights: dict[Pair, float] = {}
    for one, other, weight in zip(found["rec_id_l"], found["rec_id_r"], found["match_weight"], strict=True):
        mine, theirs = (one, other) if one in members and other in events else (other, one)
        weights[members[mine], events[theirs]] = weight
        if task.same:
            weights[members[theirs], events[mine]] = weight
    return weights


def _prepared(frame: Any) -> Any:
    data = frame.reset_index()
    for column in data.columns:
        data[column] = data[column].where(data[column].notna(), None)
    data["full_name"] = data["given_name"] + "_" + data["surname"]
    return data.astype(object).where(data.notna(), None)


def _link_rules(soc_sec_id: bool) -> list[Any]:
    return [
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        block_on("date_of_birth"),
        *([block_on("soc_sec_id")] if soc_sec_id else []),
        block_on("state", "address_1"),
        block_on("street_number", "address_1"),
        block_on("postcode"),
    ]


def _dedupe_rules(soc_sec_id: bool) -> list[Any]:
    columns = [*(["soc_sec_id"] if soc_sec_id else []), "given_name", "surname", "date_of_birth", "postcode"]
    return [block_on(column) for column in columns]


def _born() -> Any:
    return cl.DateOfBirthComparison(
        "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
    )


def _detailed(soc_sec_id: bool, *, dedupe: bool) -> list[Any]:
    number = [cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2] if dedupe else [1, 2])] if soc_sec_id else []
    place = cl.ExactMatch("postcode") if dedupe else cl.DamerauLevenshteinAtThresholds("postcode", [1, 2])
    names = [cl.NameComparison("given_name"), cl.NameComparison("surname")]
    return [
        *(names if dedupe else [each.configure(term_frequency_adjustments=True) for each in names]),
        _born(),
        *number,
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        place.configure(term_frequency_adjustments=True),
    ]


def _edits(column: str, edits: list[int]) -> dict[str, Any]:
    return {
        "output_column_name": column,
        "comparison_levels": [
            cll.NullLevel(column),
            cll.ExactMatchLevel(column, term_frequency_adjustments=True),
            *(cll.DamerauLevenshteinLevel(column, each) for each in edits),
            cll.ElseLevel(),
        ],
    }


def _extended(soc_sec_id: bool) -> list[Any]:
    nothing = "(given_name_l IS NULL OR given_name_r IS NULL) and (surname_l IS NULL OR surname_r IS NULL)"
    name = {
        "output_column_name": "Full name",
        "comparison_levels": [
            {"sql_condition": nothing, "label_for_charts": "Null", "is_null_level": True},
            cll.ExactMatchLevel("full_name", term_frequency_adjustments=True),
            cll.JaroWinklerLevel("full_name", 0.9),
            cll.JaroWinklerLevel("full_name", 0.7),
            cll.ColumnsReversedLevel("given_name", "surname"),
            {"sql_condition": _SWITCHED + "1.8", "label_for_charts": "switched, alike"},
            {"sql_condition": _SWITCHED + "1.4", "label_for_charts": "switched, similar"},
            cll.ExactMatchLevel("given_name", term_frequency_adjustments=True),
            cll.ExactMatchLevel("surname", term_frequency_adjustments=True),
            {"sql_condition": "given_name_l = surname_r OR surname_l = given_name_r", "label_for_charts": "crosswise"},
            cll.JaroWinklerLevel("given_name", 0.9),
            cll.JaroWinklerLevel("surname", 0.9),
            cll.ElseLevel(),
        ],
    }
    number = [_edits("soc_sec_id", [1, 2])] if soc_sec_id else []
    return [name, _born(), *number, _edits("street_number", [1]), _edits("postcode", [1, 2])]
