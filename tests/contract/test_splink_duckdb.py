"""Every function that a Splink condition may use, against the engine itself: the same answer on the same values."""

import random
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
import splink.comparison_level_library as cll
from splink import ColumnExpression

from cohort.splink_conditions import Columns, Kind, Scope, compiled_condition, parsed
from cohort.splink_functions import FUNCTIONS
from cohort.splink_model import lowered
from tests.contract.splink_tables import Record, database

TEXTS = ("a", "b", "t", "u")
WORDS = (
    "Zoë",
    "Zoe",
    "zoé",
    "André",
    "Andrew",
    "Şahin",
    "Sahin",
    "MARTHA",
    "MARHTA",
    "İnci",
    "straße",
    "x",
    "ñ",
    "a b ",
)
OTHERS = (
    "ZZ99 3AB",
    "ZZ99 3CD",
    "x.y@example.com",
    "x.z@example.com",
    "@",
    "2005-06-07",
    "2005-7-6",
    "000-01-02",
    "7/6/2005",
    "1 Feb 2005",
    "12.5",
    "",
    " ",
    "a\nb",
)
ALPHABET = "abcé ñł1"

CONDITIONS = [
    *[f"{function}(a_l, a_r) {sign} {edge}" for function, sign, edge in (
        ("jaro_winkler_similarity", ">=", 0.7), ("jaro_winkler_similarity", ">", 0.88), ("jaro_similarity", ">=", 0.75),
        ("levenshtein", "<=", 1), ("levenshtein", "<=", 3), ("damerau_levenshtein", "<=", 2),
    )],
    "CASE WHEN length(a_l) > 0 AND length(a_r) > 0 THEN jaccard(a_l, a_r) >= 0.5 END",
    "substr(a_l, 1, 2) = substr(a_r, 1, 2)", "substr(a_l, -2) = substr(a_r, -2)", "substring(a_l, 0, 3) = left(a_r, 2)",
    "substr(a_l, -5, 3) = substr(a_r, 1, 3)", "substr(a_l, 3, -2) = substr(a_r, 1, 2)",
    "left(a_l, -1) = left(a_r, -1)", "right(a_l, 2) = right(a_r, 2)", "right(a_l, -1) = right(a_r, -1)",
    "lower(a_l) = lower(a_r)", "upper(a_l) = upper(a_r)", "trim(a_l) = a_r", "length(a_l) = length(a_r)",
    "a_l || b_l = a_r || b_r", "concat(a_l, b_l) = concat(a_r, b_r)", "starts_with(a_l, left(a_r, 1))",
    "a_l < a_r", "a_l >= b_r", "a_l <> b_r", "a_l IN ('x', b_r, NULL)", "a_l NOT IN ('x', b_r)",
    "a_l BETWEEN b_l AND b_r", "NOT (a_l BETWEEN b_l AND b_r)", "a_l IS DISTINCT FROM a_r",
    "(a_l = a_r) IS TRUE OR (b_l = b_r) IS FALSE", "(a_l = a_r AND b_l = b_r) IS NULL",
    "NOT (a_l = a_r OR b_l = b_r)", "coalesce(a_l, b_l, 'x') = coalesce(a_r, b_r, 'x')", "nullif(a_l, '') = nullif(b_r, '')",
    "CASE WHEN a_l = a_r THEN 'x' WHEN b_l IS NULL THEN NULL ELSE b_l END = b_r",
    "greatest(a_l, b_l) = greatest(a_r, b_r)", "least(a_l, b_l) = least(a_r, b_r)",
    "NULLIF(regexp_extract(t_l, '^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? [0-9]', 0), '') = NULLIF(regexp_extract(t_r, '^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? [0-9]', 0), '')",
    "regexp_extract(t_l, '@([^@.]+)') = regexp_extract(t_r, '@([^@.]+)')",
    "regexp_extract(t_l, '(x)|(\\d+)', 2) = regexp_extract(t_r, '(x)|(\\d+)', 2)", "regexp_extract(t_l, 'a.b') = ''",
    "regexp_extract(t_l, '\\w+$') = regexp_extract(t_r, '\\w+$')",
    "try_strptime(u_l, '%Y-%m-%d') = try_strptime(u_r, '%Y-%m-%d')", "try_strptime(u_l, '%Y-%m-%d') IS NULL",
    "abs(epoch(try_strptime(u_l, '%Y-%m-%d')) - epoch(try_strptime(u_r, '%Y-%m-%d'))) <= 31557600.0",
    "try_strptime(u_l, '%d/%m/%Y') < try_strptime(u_r, '%Y-%m-%d')", "try_strptime(u_l, '%d %b %Y') IS NOT NULL",
    "date_diff('month', try_strptime(u_l, '%Y-%m-%d'), try_strptime(u_r, '%Y-%m-%d')) <= 2",
    "date_diff('year', d_l, d_r) = 0", "abs(date_diff('day', d_l, d_r)) < 40", "abs(epoch(d_l) - epoch(d_r)) < 2629800",
    "damerau_levenshtein(CAST(d_l AS VARCHAR), CAST(d_r AS VARCHAR)) <= 1", "year(d_l) = year(d_r) OR month(d_l) = day(d_r)",
    "extract(year FROM d_l) = extract(year FROM d_r)", "date_part('month', d_l) = date_part('month', d_r)",
    "d_l = CAST('2005-06-07' AS DATE)", "d_l < DATE '2005-06-07'", "CAST(d_l AS DATE) = d_r", "d_l > d_r",
    "abs(n_l - n_r) <= 1", "abs(n_l - n_r) / (CASE WHEN n_r > n_l THEN n_r ELSE n_l END) < 0.2", "n_l / n_r >= 1",
    "n_l = CAST(3 AS INT) OR n_r = CAST(2.5 AS FLOAT)", "CAST(n_l AS INT) = CAST(n_r AS INT)", "n_l * 2 + 1 > -n_r",
    "sqrt(abs(n_l)) < 1.5", "greatest(n_l, n_r, 1) = 1", "least(n_l, n_r) = n_l", "n_l BETWEEN -1 AND n_r",
    "TRY_CAST(t_l AS DOUBLE) > 1", "CAST(n_l AS FLOAT) = CAST(n_r AS FLOAT)",
    "array_length(list_intersect(s_l, s_r)) >= 1", "array_length(list_intersect(s_l, s_r)) >= 2", "len(s_l) = len(s_r)",
    "s_l && s_r", "list_has_any(s_l, s_r)", "list_contains(s_l, a_r)", "s_l[1] = s_r[1]", "s_l[-1] = s_r[-1]", "s_l[3] IS NULL",
    "s_l = s_r", "list_max(s_l) = list_max(s_r)", "list_min(list_transform(s_l, v -> levenshtein(v, a_r))) <= 1",
    "list_max(list_transform(s_l, lambda v: length(v))) > 2",
]  # fmt: skip

LEVELS = [
    cll.NullLevel("a"), cll.NullLevel("t", valid_string_pattern="^[A-Z]+"), cll.LiteralMatchLevel("a", "x", "string"),
    cll.ColumnsReversedLevel("a", "b"), cll.ColumnsReversedLevel("a", "b", symmetrical=True),
    cll.AbsoluteTimeDifferenceLevel("u", input_is_string=True, threshold=3, metric="day"),
    cll.AbsoluteDateDifferenceLevel("u", input_is_string=True, threshold=1, metric="year"),
    cll.AbsoluteDateDifferenceLevel("d", input_is_string=False, threshold=10, metric="month"),
    cll.DistanceInKMLevel("lat", "long", 5), cll.DistanceInKMLevel("lat", "long", 0.1, not_null=True),
    cll.ArrayIntersectLevel("s", 2), cll.ArraySubsetLevel("s"), cll.ArraySubsetLevel("s", empty_is_subset=True),
    cll.PairwiseStringDistanceFunctionLevel("s", "jaro_winkler", 0.9),
    cll.PairwiseStringDistanceFunctionLevel("s", "jaro", 0.8),
    cll.PairwiseStringDistanceFunctionLevel("s", "damerau_levenshtein", 1),
    cll.PercentageDifferenceLevel("n", 0.1), cll.AbsoluteDifferenceLevel("n", 2), cll.DistanceFunctionLevel("a", "levenshtein", 2, False),
    cll.And(cll.ExactMatchLevel("a"), cll.Not(cll.LevenshteinLevel("b", 1))),
    cll.Or(cll.ExactMatchLevel("a"), cll.ExactMatchLevel("b")),
    cll.ExactMatchLevel(ColumnExpression("a").lower().substr(1, 3).cast_to_string().nullif("")),
    cll.ExactMatchLevel(ColumnExpression("t").regex_extract("@(.*)", 1)),
    cll.ExactMatchLevel(ColumnExpression("s").access_extreme_array_element("first")),
    cll.ExactMatchLevel(ColumnExpression("s").access_extreme_array_element("last")),
    cll.ExactMatchLevel("s[2]"), cll.ExactMatchLevel(ColumnExpression("u").try_parse_date("%Y-%m-%d")),
]  # fmt: skip


ALL = CONDITIONS + [str(level.get_comparison_level("duckdb").sql_condition) for level in LEVELS]
"""Written once: Splink's levels may be asked for their SQL only once."""


def values(seed: int, count: int) -> list[Record]:
    rng = random.Random(seed)

    def word() -> str:
        return rng.choice((*WORDS, "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, 7)))))

    def some(value: Any) -> Any:
        return None if rng.random() < 0.12 else value

    rows = []
    for number in range(count):
        row: Record = {"unique_id": str(number), "a": some(word()), "b": some(word())}
        row |= {"t": some(rng.choice((*OTHERS, word()))), "u": some(rng.choice(OTHERS))}
        row |= {
            "d": some(str(date(2005, rng.randint(5, 7), rng.randint(1, 30)))),
            "n": some(rng.choice((0.0, 1.0, 2.5, 3.0, -4.0, 3.2))),
        }
        row |= {"s": some([word() for _ in range(rng.randint(0, 4))])}
        row |= {"lat": some(rng.choice((52.4, 52.41, 29.7517))), "long": some(rng.choice((-1.9, -1.91, -95.4054)))}
        rows.append(row)
    return rows


TYPES = {"d": "DATE", "n": "DOUBLE", "s": "VARCHAR[]", "lat": "DOUBLE", "long": "DOUBLE"}


def written(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (None if value is None else str(value))


def engine_answers(rows: Sequence[tuple[Record, Record]]) -> list[tuple[bool, ...]]:
    joined = [
        {f"{name}_l": left[name] for name in left} | {f"{name}_r": right[name] for name in right}
        for left, right in rows
    ]
    connection = database(joined, types={f"{n}_{side}": kind for n, kind in TYPES.items() for side in "lr"})
    asked = ", ".join(f"coalesce(({condition}), false)" for condition in ALL)
    return connection.execute(f"SELECT {asked} FROM t0").fetchall()


def test_every_condition_answers_as_the_engine_does() -> None:
    records = values(seed=11, count=900)
    rng = random.Random(3)
    pairs = [
        (left, right if rng.random() < 0.8 else left) for left, right in zip(records[::2], records[1::2], strict=True)
    ]
    expected = engine_answers(pairs)
    for place, sql in enumerate(ALL):
        tree = lowered(parsed(sql, "duckdb"))
        uses = Columns()
        compiled_condition(tree, Scope(uses, "duckdb", FUNCTIONS))
        assert uses.settle() == []
        columns = Columns(kinds=uses.kinds | {"s": Kind.LIST})
        condition = compiled_condition(tree, Scope(columns, "duckdb", FUNCTIONS))
        wrong = [
            (left, right, answers[place])
            for (left, right), answers in zip(pairs, expected, strict=True)
            if condition(
                tuple(written(left[name]) for name in columns.names),
                tuple(written(right[name]) for name in columns.names),
            )
            is not answers[place]
        ]
        assert not wrong, (sql, wrong[:2])


def test_the_values_tell_the_conditions_apart() -> None:
    """Nothing is shown by a condition that is always false here: few may be."""
    records = values(seed=11, count=900)
    expected = engine_answers(list(zip(records[::2], records[1::2], strict=True)))
    never = [sql for place, sql in enumerate(ALL) if not any(answers[place] for answers in expected)]
    assert len(never) <= 2, never


@pytest.mark.parametrize(("one", "other"), [("Zoë", "Zoe"), ("André", "Andre"), ("Ş", "S")])
def test_likeness_in_other_engines_is_of_characters(one: str, other: str) -> None:
    """Only DuckDB compares bytes; a model of Spark's or SQLite's sees one letter changed."""
    answers = {}
    for dialect in ("duckdb", "spark", "sqlite", "postgres"):
        columns = Columns()
        condition = compiled_condition(
            parsed("levenshtein(a_l, a_r) <= 1", dialect), Scope(columns, dialect, FUNCTIONS)
        )
        answers[dialect] = condition((one,), (other,))
    assert answers["duckdb"] is False
    assert answers["spark"] is answers["sqlite"] is answers["postgres"] is True
