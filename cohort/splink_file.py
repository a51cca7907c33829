"""The JSON that Splink 3, 4 and 5 save a model as, checked for shape and bounds; defaults of what was not trained.

Nothing of a condition is read here (`splink_conditions.py`). What Splink computes from a file with gaps is computed
alike: `m` and `u` of a level never seen in training are its defaults (splink/internals/comparison_level.py, 4.0.17).
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import ConfigError

LARGEST = 64_000_000
"""Characters of a model file with its frequencies."""
_NOT_OBSERVED_SHARE = 1e-6
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Frequency = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
_Text = Annotated[str, Field(max_length=20_000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class SplinkLevel(_Part):
    """One level, strongest first. Keys that are not known are refused: they might change what it means."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    sql_condition: _Text
    label_for_charts: _Text | None = None
    is_null_level: bool = False
    m_probability: _Share | Literal["level not observed in training dataset"] | None = None
    u_probability: _Share | Literal["level not observed in training dataset"] | None = None
    tf_adjustment_column: _Text | None = None
    tf_adjustment_weight: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    tf_minimum_u_value: _Share | None = None
    disable_tf_exact_match_detection: bool = False
    fix_m_probability: bool = False
    fix_u_probability: bool = False
    comparison_vector_value: Any = None
    max_comparison_vector_value: Any = None
    bayes_factor: Any = None
    log2_bayes_factor: Any = None

    @property
    def is_else(self) -> bool:
        """Whether this takes what no other level took."""
        return self.sql_condition.strip().upper() == "ELSE"


class SplinkComparison(_Part):
    """One comparison with its levels."""

    output_column_name: _Text | None = None
    comparison_levels: Annotated[tuple[SplinkLevel, ...], Field(min_length=1, max_length=64, strict=False)]
    comparison_description: str | None = None


class SplinkFile(_Part):
    """What of the file is used; settings of training and of column names are left aside."""

    link_type: str = "link_only"
    sql_dialect: str = "duckdb"
    probability_two_random_records_match: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.0001
    comparisons: Annotated[tuple[SplinkComparison, ...], Field(min_length=1, max_length=100, strict=False)]
    blocking_rules_to_generate_predictions: Annotated[tuple[Any, ...], Field(max_length=1_000, strict=False)] = ()


class Wrapper(_Part):
    """A Splink model as we keep it: with its columns and the term frequencies of the tables it was fitted to."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    splink: dict[str, Any]
    columns: dict[str, str] = {}
    frequencies: dict[str, dict[str, _Frequency]] = Field(default={}, repr=False)


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object in a text; None for anything else."""
    if len(text) > LARGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_splink(found: dict[str, Any]) -> bool:
    """Whether an object is a model of Splink's, plain or wrapped by us."""
    if "splink" in found:
        return True
    comparisons = found.get("comparisons")
    return isinstance(comparisons, list) and any(
        isinstance(each, dict) and ("comparison_levels" in each or "output_column_name" in each) for each in comparisons
    )


def is_splink_text(text: str) -> bool:
    """Whether a model file is one of Splink's, plain or with our wrapper."""
    found = json_object(text)
    return found is not None and is_splink(found)


def wrapper_of(found: dict[str, Any]) -> Wrapper:
    """The wrapper, or the plain file in a wrapper. Raises ConfigError."""
    if "splink" not in found:
        return Wrapper(splink=found)
    return _checked(Wrapper, found)


def file_of(wrapper: Wrapper) -> SplinkFile:
    """The checked file. Raises ConfigError naming every fault of shape."""
    return _checked(SplinkFile, wrapper.splink)


Model = TypeVar("Model", bound=BaseModel)


def _checked(model: type[Model], found: dict[str, Any]) -> Model:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        faults = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors(include_input=False)]
    except (OverflowError, RecursionError):
        faults = ["a number or a nesting is too large"]
    raise ConfigError(f"The Splink model cannot be read: {printable('; '.join(faults[:20]), 4_000)}")


def _place(path: tuple[int | str, ...]) -> str:
    """Where in the file; of a term-frequency table its column only, for its keys are values of people."""
    return ".".join(map(str, path[:2] if path[:1] == ("frequencies",) else path))


def printable(text: str, longest: int = 200) -> str:
    """Text of the file as it may stand in a message: one line, cut, nothing that cannot be printed."""
    flat = "".join(char if char.isprintable() else " " for char in text[: longest + 1])
    flat = " ".join(flat.split())
    return flat if len(text) <= longest else f"{flat[:longest]}..."


def gammas(levels: Sequence[SplinkLevel]) -> list[int]:
    """Splink's number of each level: -1 for the null level, else counted down to 0."""
    numbers, following = [], sum(not level.is_null_level for level in levels)
    for level in levels:
        if not level.is_null_level:
            following -= 1
        numbers.append(-1 if level.is_null_level else following)
    return numbers


def default_shares(count: int) -> list[tuple[float, float]]:
    """(m, u) by Splink's number of a level, for levels without: .95 agree; weights spread from -5 to 3, then 10."""
    rest = (1 - 0.95) / (count - 1)
    shares = [rest] * (count - 1) + [0.95]
    step = (3 - -5) / (count - 2) if count > 2 else 0.0
    weights = [-5 + place * step for place in range(count - 1)] + [10]
    return [(share, share / 2**weight) for share, weight in zip(shares, weights, strict=True)]


def share(written: float | str | None, default: float) -> float:
    """A level's m or u, or what Splink takes in its place."""
    if written is None:
        return default
    return _NOT_OBSERVED_SHARE if isinstance(written, str) else written
