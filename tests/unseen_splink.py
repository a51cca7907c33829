"""Splink 4 on the sets of `unseen_data.py`, set up as its documentation's "getting started" and model training pages do.

Per column the comparison that its library has for that kind; term frequencies on for names and exact columns.
"""

import itertools
import logging
from typing import Any

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from tests.unseen_maker import Set

_MOST_CANDIDATES = 200_000
"""Pairs that one blocking rule may bring: Splink's documentation advises to keep rules tight."""


def links(found: Set) -> dict[tuple[str, str], float]:
    """Splink's weights of its candidate pairs: (event, member), of one table the smaller id first."""
    logging.disable(logging.WARNING)
    frames = [_frame(rows) for rows in (found.cohort, found.events) if rows]
    same = len(frames) == 1
    settings = SettingsCreator(
        unique_id_column_name="id",
        link_type="dedupe_only" if same else "link_only",
        blocking_rules_to_generate_predictions=_rules(found, frames),
        comparisons=[_comparison(column, kind) for column, kind in found.splink.items()],
    )
    linker = Linker(frames[0] if same else frames, settings, db_api=DuckDBAPI(), set_up_basic_logging=False)
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on(*_sure(found))], recall=0.7)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for column in _sessions(found.splink):
        training.estimate_parameters_using_expectation_maximisation(block_on(column))
    pairs = linker.inference.predict().as_pandas_dataframe()
    events = {row["id"] for row in found.events}
    weights: dict[tuple[str, str], float] = {}
    for one, other, weight in zip(pairs["id_l"], pairs["id_r"], pairs["match_weight"], strict=True):
        pair = (one, other) if one in events else (other, one)
        weights[tuple(sorted(pair)) if same else pair] = weight  # type: ignore[index]
    return weights


def _frame(rows: list[dict[str, str]]) -> Any:
    return pd.DataFrame([{name: cell or None for name, cell in row.items()} for row in rows])


def _sure(found: Set) -> list[str]:
    """The deterministic rule: names and date, or all that there is of it."""
    return [
        name
        for name in ("given", "family", "name", "dob", "born", "address")
        if name in found.splink and (name, found.splink[name]) != ("dob", "text")
    ]


def _sessions(columns: dict[str, str]) -> list[str]:
    """Two EM sessions, each blocked on another column, so that every column is estimated in one of them.

    Not on dates that each table writes in its own way: no pair agrees in them.
    """
    telling = [name for name in ("dob", "born", "address", "postcode") if name in columns]
    first = next((name for name in telling if (name, columns[name]) != ("dob", "text")), "family")
    return [first, "family" if "family" in columns else "name"]


def _rules(found: Set, frames: list[Any]) -> list[Any]:
    """Each column that brings few enough together, and every two of the others that do."""
    useful = [[column] for column in found.splink if _brought([column], frames) <= _MOST_CANDIDATES]
    loose = [column for column in found.splink if [column] not in useful]
    two = [list(pair) for pair in itertools.combinations(loose, 2) if _brought(list(pair), frames) <= _MOST_CANDIDATES]
    rules: list[Any] = [block_on(*columns) for columns in (*useful, *two)]
    if {"given", "family"} <= found.splink.keys():
        rules.append("l.given = r.family and l.family = r.given")
    return rules


def _brought(columns: list[str], frames: list[Any]) -> int:
    """Pairs of records that agree in these columns."""
    counts = [frame.dropna(subset=columns).groupby(columns).size() for frame in frames]
    return int(counts[0].mul(counts[-1], fill_value=0).sum())


def _comparison(column: str, kind: str) -> Any:
    if kind == "name":
        return cl.NameComparison(column).configure(term_frequency_adjustments=True)
    if kind == "date":
        return cl.DateOfBirthComparison(column, input_is_string=True)
    if kind == "edits":
        return cl.DamerauLevenshteinAtThresholds(column, [1, 2])
    if kind == "text":
        return cl.JaroWinklerAtThresholds(column, [0.92, 0.8]).configure(term_frequency_adjustments=True)
    if kind == "email":
        return cl.EmailComparison(column)
    return cl.ExactMatch(column).configure(term_frequency_adjustments=True)
