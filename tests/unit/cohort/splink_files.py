"""Hand-made model files in Splink's form, small enough to reckon by head."""

import json
from typing import Any

Level = dict[str, Any]


def level(sql: str, m: float | None = None, u: float | None = None, **more: Any) -> Level:
    """One level; the label is the condition."""
    given = {"sql_condition": sql, "label_for_charts": sql, "m_probability": m, "u_probability": u, **more}
    return {key: value for key, value in given.items() if value is not None}


def null(sql: str) -> Level:
    return level(sql, is_null_level=True)


def either_null(column: str) -> Level:
    return null(f'"{column}_l" IS NULL OR "{column}_r" IS NULL')


SURNAME = {
    "output_column_name": "surname",
    "comparison_levels": [
        either_null("surname"),
        level('"surname_l" = "surname_r"', 0.8, 0.01, tf_adjustment_column="surname", tf_adjustment_weight=1.0),
        level(
            'jaro_winkler_similarity("surname_l", "surname_r") >= 0.88', 0.125, 0.03125,
            tf_adjustment_column="surname", tf_adjustment_weight=0.5, tf_minimum_u_value=0.001,
        ),
        level("ELSE", 0.0625, 0.5),
    ],
}  # fmt: skip
BIRTH = {
    "output_column_name": "dob",
    "comparison_levels": [
        null("try_strptime(dob_l, '%Y-%m-%d') IS NULL OR try_strptime(dob_r, '%Y-%m-%d') IS NULL"),
        level('"dob_l" = "dob_r"', 0.5, 0.0009765625),
        level("ABS(EPOCH(try_strptime(dob_l, '%Y-%m-%d')) - EPOCH(try_strptime(dob_r, '%Y-%m-%d'))) <= 2629800.0", 0.25, 0.03125),
        level("ELSE", 0.25, 1.0),
    ],
}  # fmt: skip
ALIAS = {
    "output_column_name": "alias",
    "comparison_levels": [
        either_null("aliases"),
        level("array_length(list_intersect(aliases_l, aliases_r)) >= 1", 0.5, 0.0625),
        level("ELSE", 0.5, 1.0),
    ],
}


def text_of(*comparisons: Any, **more: Any) -> str:
    """A model file."""
    found = {
        "link_type": "link_only",
        "sql_dialect": "duckdb",
        "probability_two_random_records_match": 0.2,
        "unique_id_column_name": "unique_id",
        "comparisons": list(comparisons or (SURNAME, BIRTH)),
        "blocking_rules_to_generate_predictions": [],
        **more,
    }
    return json.dumps(found)
