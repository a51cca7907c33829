"""A model trained by Splink loads as it is: its JSON becomes a MatchModel that scores with Splink's own weights.

`load_any_model` takes our files and Splink's. What cannot be mapped is refused by name, all faults at once; what is
only left aside (a blocking rule, a level never trained) is told as a notice. docs/matching-splink.md is for its users.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from cohort.comparisons import COMPARISONS, MISSING
from cohort.model import ComparisonModel, LevelWeight, MatchModel, bits_of, load_model
from cohort.prepared import PreparedIdentity
from cohort.splink_blocking import blocking_keys_of
from cohort.splink_columns import Reader, Recall, Source, remembered_extras, source_of, unknown_fields
from cohort.splink_compile import (
    Level,
    TermFrequency,
    bits_of_shares,
    comparison_model,
    exact_match_columns,
    silence_is_one_sided,
)
from cohort.splink_conditions import DIALECTS, Columns, Condition, Kind, Refused, Scope, compiled_condition, parsed
from cohort.splink_file import (
    SplinkComparison,
    SplinkFile,
    SplinkLevel,
    Wrapper,
    default_shares,
    file_of,
    gammas,
    is_splink,
    json_object,
    printable,
    share,
    wrapper_of,
)
from cohort.splink_functions import FUNCTIONS
from domain.errors import ConfigError

Frequencies = Mapping[str, Mapping[str, float]]
"""Column (lower case) -> value -> its share of the records that have one."""
GUARDS = ("sex", "NHS number", "PNC id", "CRO number", "UPN", "local reference")
"""Our comparisons whose levels the rules of deciding (vetoes, identifiers) ask for; they weigh nothing here."""
_OURS = frozenset({*GUARDS, "name", "date of birth", "given names", "family name"})
"""Names that mean levels of ours to those rules: a comparison of Splink's is not called so."""


@dataclass(frozen=True, slots=True)
class SplinkModel:
    """A Splink model that can be mapped.

    `columns` are the columns that it reads, as it spells them; `frequency_columns` those whose term frequencies it
    uses, in lower case.
    `gammas` are Splink's numbers of the levels, by comparison and name of level; a level without one says nothing.
    `notices` say in words what was left aside or filled in. `match_model` makes it ready to score.
    """

    file: SplinkFile
    wrapper: Wrapper = field(repr=False)
    columns: tuple[str, ...]
    frequency_columns: tuple[str, ...]
    gammas: Mapping[str, Mapping[str, int]]
    notices: tuple[str, ...]
    _build: Callable[[Frequencies], MatchModel] = field(repr=False)
    _sources: Mapping[str, Source] = field(repr=False)

    def match_model(self) -> MatchModel:
        """The model ready to score. Term frequencies that are not known change nothing, as in Splink."""
        return self._build(self.wrapper.frequencies)

    def with_frequencies(self, people: Iterable[PreparedIdentity]) -> "SplinkModel":
        """The same model with term frequencies counted as Splink does, over everybody in both tables.

        A value's share is of the records that have one; of several values of one record, the first counts.
        """
        names = self.frequency_columns
        if not names:
            return self
        reader = Reader([self._sources[name] for name in names], frozenset(), remembered_extras())
        counts: list[Counter[str]] = [Counter() for _ in names]
        for who in people:
            for count, value in zip(counts, reader.rows(who)[0], strict=True):
                if value is not None:
                    count[value] += 1
        found = {
            name: {value: number / count.total() for value, number in count.items()}
            for name, count in zip(names, counts, strict=True)
        }
        return replace(self, wrapper=self.wrapper.model_copy(update={"frequencies": found}))

    def text(self) -> str:
        """The model with its columns and frequencies as JSON, for `load_any_model`. It holds values of people."""
        return json.dumps(self.wrapper.model_dump(), ensure_ascii=False, allow_nan=False) + "\n"


def load_any_model(
    text: str, *, columns: Mapping[str, str] | None = None, people: Iterable[PreparedIdentity] = ()
) -> MatchModel:
    """A model file of ours or of Splink's, whichever it is. Raises ConfigError.

    `columns` maps a Splink model's columns to our fields (see `read_splink`); `people` are counted for its term
    frequencies where the file carries none. Neither is looked at for a model of ours.
    """
    found = json_object(text)
    if found is None or not is_splink(found):
        return load_model(text)
    model = read_splink(text, columns=columns)
    if model.frequency_columns and not model.wrapper.frequencies:
        model = model.with_frequencies(people)
    return model.match_model()


def read_splink(text: str, *, columns: Mapping[str, str] | None = None) -> SplinkModel:
    """A Splink model's JSON. Raises ConfigError with everything that cannot be mapped, in words.

    `columns`: column of the model -> field of ours (`given_names`, `family_name`, `date_of_birth`, `postcode` ...) or
    `extra.<name>`; usual names need none. An extra under the column's own name always comes first.
    """
    found = json_object(text)
    if found is None:
        raise ConfigError("The Splink model cannot be read: it is no JSON object")
    wrapper = wrapper_of(found)
    given = {**wrapper.columns, **(columns or {})}
    wrapper = wrapper.model_copy(update={"columns": given})
    file = file_of(wrapper)
    if file.sql_dialect not in DIALECTS:
        raise ConfigError(f"The Splink model was trained on an engine that is not known: {printable(file.sql_dialect)}")
    odd = unknown_fields(given)
    if odd:
        raise ConfigError(f"Columns are mapped to what is no field: {printable(', '.join(odd))}")
    return _Reading(file, wrapper).model()


@dataclass(slots=True)
class _Read:
    """A comparison with its trees: None for ELSE."""

    name: str
    file: SplinkComparison
    trees: list[exp.Expr | None]


class _Reading:
    """One pass over a file, gathering faults."""

    def __init__(self, file: SplinkFile, wrapper: Wrapper) -> None:
        self._file = file
        self._wrapper = wrapper
        self._faults: list[str] = []
        self._notices: list[str] = []
        self._sources: dict[str, Source] = {}
        self._uses = Columns()
        self._spelt: dict[str, str] = {}
        self._gammas: dict[str, dict[str, int]] = {}

    def model(self) -> SplinkModel:
        read = [self._parsed(place, each) for place, each in enumerate(self._file.comparisons)]
        self._check_names(read)
        self._settle_kinds(read)
        for name in self._uses.names:
            self._find(name)
        plans = [self._plan(each) for each in read]
        keys, ignored = blocking_keys_of(
            self._file.blocking_rules_to_generate_predictions,
            self._file.sql_dialect,
            lambda name: source_of(name, self._wrapper.columns),
        )
        if self._faults:
            raise ConfigError("The Splink model cannot be mapped: " + "; ".join(dict.fromkeys(self._faults)))
        self._notices += [f"{each} is not mapped, our own blocking stands in" for each in ignored]
        compiled = [plan for plan in plans if plan is not None]

        def build(frequencies: Frequencies) -> MatchModel:
            recall = remembered_extras()
            return MatchModel(
                name="Splink model",
                version=1,
                prior_bits=bits_of(self._file.probability_two_random_records_match),
                comparisons=(*(plan(frequencies, recall) for plan in compiled), *_guards()),
                keys=keys,
            )

        return SplinkModel(
            file=self._file,
            wrapper=self._wrapper,
            columns=tuple(self._spelt.get(name, name) for name in self._uses.names),
            frequency_columns=self._frequency_columns(),
            gammas=self._gammas,
            notices=tuple(self._notices),
            _build=build,
            _sources=self._sources,
        )

    def _frequency_columns(self) -> tuple[str, ...]:
        levels = [level for each in self._file.comparisons for level in each.comparison_levels]
        return tuple(dict.fromkeys(column_name(level.tf_adjustment_column) for level in levels
                                   if level.tf_adjustment_column and not level.is_else))  # fmt: skip

    def _parsed(self, place: int, comparison: SplinkComparison) -> _Read:
        name = printable(comparison.output_column_name or f"comparison {place + 1}")
        read = _Read(name, comparison, [])
        for level in comparison.comparison_levels:
            tree: exp.Expr | None = None
            if not level.is_else:
                try:
                    tree = parsed(level.sql_condition, self._file.sql_dialect)
                    self._note(tree)
                    lowered(tree)
                except Refused as error:
                    self._refuse(read, level, str(error))
            read.trees.append(tree)
        return read

    def _note(self, tree: exp.Expr) -> None:
        """Remember the columns of a condition, so that unknown ones are told even where something else is refused."""
        for column in tree.find_all(exp.Column):
            if column.name[-2:].lower() in ("_l", "_r") and len(column.name) > 2:
                self._spelt.setdefault(column.name[:-2].casefold(), column.name[:-2])
                self._uses.place(column.name[:-2].casefold())

    def _refuse(self, read: _Read, level: SplinkLevel, why: str) -> None:
        place = read.file.comparison_levels.index(level) + 1
        label = f" ({printable(level.label_for_charts)})" if level.label_for_charts else ""
        self._faults.append(
            f"comparison {read.name}, level {place}{label}: {printable(why)} in {printable(level.sql_condition)}"
        )

    def _check_names(self, read: Sequence[_Read]) -> None:
        for each in read:
            if each.name in _OURS:
                each.name += " (Splink)"
        twice = [name for name, count in Counter(each.name for each in read).items() if count > 1]
        self._faults += [f"two comparisons are called {name}" for name in twice]
        for each in read:
            if sum(not level.is_null_level for level in each.file.comparison_levels) < 2:
                self._faults.append(f"comparison {each.name} has fewer than two levels that say something")

    def _settle_kinds(self, read: Sequence[_Read]) -> None:
        """First pass: what each column is used as, over all conditions. Faults are told in the second."""
        for each in read:
            for tree in each.trees:
                try:
                    if tree is not None:
                        compiled_condition(tree, self._scope(self._uses))
                except Refused:
                    continue
        for level in (level for each in read for level in each.file.comparison_levels):
            if level.tf_adjustment_column and not level.is_else:
                name = column_name(level.tf_adjustment_column)
                self._spelt.setdefault(name, level.tf_adjustment_column.strip().strip('"`'))
                self._uses.place(name)
        for name in self._uses.settle():
            uses = " and as ".join(sorted(self._uses.uses[name]))
            self._faults.append(f"the column {printable(name)} is used as {uses}")

    def _scope(self, columns: Columns) -> Scope:
        return Scope(columns, self._file.sql_dialect, FUNCTIONS)

    def _find(self, name: str) -> None:
        source = source_of(name, self._wrapper.columns)
        if source is None:
            self._faults.append(f"the column {printable(name)} is not known: say in `columns` which field it is")
        else:
            self._sources[name] = source

    def _plan(self, read: _Read) -> Callable[[Frequencies, Recall], ComparisonModel] | None:
        """Second pass: the comparison but for its term frequencies; None where something was refused."""
        columns = Columns(kinds=self._uses.kinds)
        before = len(self._faults)
        conditions: list[Condition | None] = []
        for level, tree in zip(read.file.comparison_levels, read.trees, strict=True):
            try:
                conditions.append(None if tree is None else compiled_condition(tree, self._scope(columns)))
            except Refused as error:
                self._refuse(read, level, str(error))
        settings = [self._frequency(read, level, columns) for level in read.file.comparison_levels]
        if len(self._faults) > before or not all(name in self._sources for name in columns.names):
            return None
        lists = frozenset(p for p, name in enumerate(columns.names) if self._uses.kinds.get(name) is Kind.LIST)
        sources = [self._sources[name] for name in columns.names]
        weighed = self._weighed(read)
        silent = self._silence(read)
        self._gammas[read.name] = {name: gamma for name, gamma, _ in weighed if gamma >= 0}

        def build(frequencies: Frequencies, recall: Recall) -> ComparisonModel:
            levels = [
                Level(name, gamma, condition, bits, setting(frequencies) if setting else None)
                for (name, gamma, bits), condition, setting in zip(weighed, conditions, settings, strict=True)
            ]
            return comparison_model(read.name, levels, Reader(sources, lists, recall), silent=silent)

        return build

    def _silence(self, read: _Read) -> bool:
        """Whether silence must be asked for pair by pair: the null level is not first, or not plain."""
        levels = read.file.comparison_levels
        if not any(level.is_else for level in levels):
            self._notices.append(f"comparison {read.name} has no ELSE: a pair that no level takes says nothing")
            return True
        first = read.trees[0]
        if sum(level.is_null_level for level in levels) != int(levels[0].is_null_level):
            return True
        return levels[0].is_null_level and (first is None or not silence_is_one_sided(first))

    def _weighed(self, read: _Read) -> list[tuple[str, int, float]]:
        """(name, Splink's number, bits) of each level."""
        levels, numbers = read.file.comparison_levels, gammas(read.file.comparison_levels)
        if sum(number >= 0 for number in numbers) < 2:
            return []
        defaults = default_shares(sum(number >= 0 for number in numbers))
        labels = [
            printable(level.label_for_charts or str(number), 120) for level, number in zip(levels, numbers, strict=True)
        ]
        unique = len(set(labels)) == len(labels) and MISSING not in labels
        found = []
        for level, number, label in zip(levels, numbers, labels, strict=True):
            name = label if unique else f"{number}. {label}"
            if number < 0:
                found.append((name, number, 0.0))
                continue
            if level.m_probability is None or level.u_probability is None:
                self._notices.append(
                    f"comparison {read.name}, level {name}: not trained, so as Splink's default has it"
                )
            m, u = share(level.m_probability, defaults[number][0]), share(level.u_probability, defaults[number][1])
            found.append((name, number, bits_of_shares(m, u)))
        return found

    def _frequency(
        self, read: _Read, level: SplinkLevel, columns: Columns
    ) -> Callable[[Frequencies], TermFrequency] | None:
        """How a level's term frequency is made once the frequencies are known."""
        if not level.tf_adjustment_column or level.is_else or level.is_null_level:
            return None
        weight = 1.0 if level.tf_adjustment_weight is None else level.tf_adjustment_weight
        if weight == 0.0:
            return None
        name = column_name(level.tf_adjustment_column)
        u = self._exact_u(read, level, name)
        if not u:
            self._refuse(read, level, f"no exact match on {name} with a u above 0, which its term frequency needs,")
            return None
        least, place = level.tf_minimum_u_value or 0.0, columns.place(name)
        return lambda frequencies: TermFrequency(place, u, least, weight, frequencies.get(name, {}))

    def _exact_u(self, read: _Read, level: SplinkLevel, name: str) -> float | None:
        """The u that a term frequency is measured against: of the first level that is an exact match on its column."""
        levels, numbers = read.file.comparison_levels, gammas(read.file.comparison_levels)
        count = sum(number >= 0 for number in numbers)
        if count < 2:
            return None
        defaults = default_shares(count)
        for each, tree, number in zip(levels, read.trees, numbers, strict=True):
            if number < 0:
                continue
            if level.disable_tf_exact_match_detection:
                if each is level:
                    return share(each.u_probability, defaults[number][1])
            elif tree is not None and exact_match_columns(tree) == [name]:
                return share(each.u_probability, defaults[number][1])
        return None


def column_name(written: str) -> str:
    """A column as Splink writes it, without quotes, in lower case (SQL's names have no case)."""
    bare = written.strip()
    if len(bare) > 1 and bare[0] in '"`' and bare[-1] == bare[0]:
        bare = bare[1:-1]
    return bare.casefold()


def lowered(tree: exp.Expr) -> exp.Expr:
    """The tree with its columns in lower case."""
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier):
            column.this.set("this", column.name.casefold())
    return tree


def _guards() -> list[ComparisonModel]:
    """Comparisons that weigh nothing, for the rules that ask what agreed."""
    return [
        ComparisonModel(name, COMPARISONS[name][0], {level: LevelWeight(0.0) for level in COMPARISONS[name][1]}, 0.0)
        for name in GUARDS
        if name in COMPARISONS
    ]
