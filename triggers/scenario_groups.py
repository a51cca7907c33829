"""What looks like a slip in a crime that a rule test tells by its group of offences alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from triggers.reading import Path
from triggers.reference import folded_word
from triggers.spelling import GROUPS_TOLD_ALONE, NAMES, group_told


def remarks_on_groups(lines: Sequence[tuple[Path, Mapping[str, Any]]]) -> Iterator[tuple[str, Path]]:
    """A remark on each crime of a timeline, as it is written, whose group is told and no code, where no rule hears of
    it by the group."""
    coded = {str(line.get("source_key")) for _, line in lines if "source_key" in line and _code_told(line)}
    for path, line in lines:
        kind, said = str(line.get("kind", "")), line.get("attributes")
        if not kind.startswith("crime.") or not isinstance(said, Mapping) or _code_told(line):
            continue
        group = group_told(said)
        alone = group in GROUPS_TOLD_ALONE and kind == "crime.recorded"
        if group and not alone and str(line.get("source_key")) not in coded:
            yield (
                "no 'ho_code' is given, and rules ask for codes: of a recorded crime only "
                f"{', '.join(sorted(GROUPS_TOLD_ALONE))} are heard by the group alone, so this one's says nothing",
                (*path, "attributes", "group"),
            )


def _code_told(line: Mapping[str, Any]) -> bool:
    said = line.get("attributes")
    names = said.items() if isinstance(said, Mapping) else ()
    return any(value and NAMES["crime"].get(folded_word(name), folded_word(name)) == "ho_code" for name, value in names)
