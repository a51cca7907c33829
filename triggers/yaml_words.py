"""Why a text is no YAML, told to somebody who has never heard of YAML: what to look for, and in which line.

The words of the library ("expected <block end>") say how it reads; these say what people do wrong when they write.
"""

from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class _Slip:
    """`problem` and `context` are parts of what the library says; `words` what is told. `begun`: the line is that where
    the thing began, not that where the library gave up."""

    problem: str
    context: str
    words: str
    begun: bool = False


_SLIPS = (
    _Slip("'\\t'", "", "a tab; indent with blanks, and put blanks between words"),
    _Slip("end of stream", "quoted scalar", "a quote begins in this line and is never closed", begun=True),
    _Slip("document separator", "quoted scalar", "a quote begins in this line and is never closed", begun=True),
    _Slip("unknown escape", "", "in double quotes \\ has a meaning of its own; use single quotes, as in 'a\\b'"),
    _Slip("could not find expected ':'", "", "a name in this line has no colon after it", begun=True),
    _Slip(
        "mapping values are not allowed",
        "",
        "a colon too many: put quotes around words that hold one; or the line before lacks its colon; or this line is "
        "indented too far",
    ),
    _Slip("", "flow sequence", "a list [...] begins in this line that is not closed, or lacks a comma", begun=True),
    _Slip("", "flow mapping", "a {...} begins in this line that is not closed, or lacks a comma", begun=True),
    _Slip(
        "<block end>",
        "",
        "this line is not indented as the lines that it belongs with; count the blanks before it, and before the lines "
        "above",
    ),
    _Slip("sequence entries are not allowed", "", "a list begins behind other words; begin it in a line below"),
    _Slip(
        "that cannot start any token",
        "",
        "a word begins with a sign of the form itself; put quotes around it",
    ),
    _Slip("expected alphabetic or numeric", "", "* and & have a meaning of their own; put quotes around the word"),
)


def yaml_words(error: yaml.YAMLError, text: str) -> tuple[str, int]:
    """What is wrong with `text`, and its line (from 1; 0 where there is none)."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return "a character that no text has stands in this line; type the line anew", line
    problem, context = str(getattr(error, "problem", "")), str(getattr(error, "context", ""))
    slip = next((each for each in _SLIPS if each.problem in problem and each.context in context), None)
    ended, begun = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    mark = begun if slip is not None and slip.begun and begun is not None else ended
    told = slip.words if slip is not None else f"this cannot be read ({problem})"
    return told, mark.line + 1 if mark is not None else 0
