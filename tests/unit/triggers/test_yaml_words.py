"""A slip in the form of a file is told in words for somebody who does not know YAML, with the line to look at."""

import pytest

from domain.errors import RuleError
from triggers import reading
from triggers.reading import MAX_DOCUMENTS, Unreadable, read_yaml, read_yaml_each


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab"),
        ("a:\n\t- 1\n", 2, "a tab"),
        ("a: 1\nb: 'never closed\nc: 2\n", 2, "a quote begins in this line and is never closed"),
        ('a: 1\nb: "never closed\nc: 2\n', 2, "a quote begins in this line and is never closed"),
        ("a: 1\nb\nc: 2\n", 2, "has no colon after it"),
        ("a: 1\nwhy: once: or twice\n", 2, "a colon too many"),
        ("rule:\n  when\n    event: 1\n", 3, "the line before lacks its colon"),
        ("rule:\n    a: 1\n  b: 2\n", 3, "not indented as the lines that it belongs with"),
        ("rule:\n  a: 1\n    b: 2\n", 3, "indented too far"),
        ("- a\n b: 1\n", 2, ""),
        ("kinds: [one, two\nwhere: 1\n", 1, "a list [...] begins in this line that is not closed"),
        ("a: 1\nwhere: {b: 1, c: 2\nd: 1\n", 2, "a {...} begins in this line that is not closed"),
        ("a: - b\n", 1, "a list begins behind other words"),
        ("a: 1\nb: @here\n", 2, "put quotes around it"),
        ("a: 1\nb: %d\n", 2, "put quotes around it"),
        ('a: "C:\\dir"\n', 1, "use single quotes"),
        ("a: 1\nb: \x07\n", 2, "a character that no text has"),
        ("kinds: *\n", 1, "put quotes around the word"),
    ],
)
def test_a_slip_of_form_is_told_in_plain_words(text: str, line: int, words: str) -> None:
    with pytest.raises(RuleError) as refused:
        read_yaml(text)
    told = str(refused.value)
    assert told.startswith(f"line {line}: ") and words in told
    assert not any(jargon in told for jargon in ("token", "block end", "mapping values", "scalar", "stream", "YAML"))


def test_lines_keep_their_numbers_where_one_document_of_several_is_spoilt() -> None:
    first, second, third = read_yaml_each("a: 1\n---\nb: 1\n\tc: 2\n--- # the last\nd: 1\n")
    assert (getattr(first, "data", None), getattr(third, "data", None)) == ({"a": 1}, {"d": 1})
    assert str(second).startswith("line 4: a tab")
    assert third.line(("d",)) == 6  # type: ignore[operator]  # a document


def test_a_spoilt_document_makes_no_other_be_read_more_than_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = list[int]()
    plainly = reading._read

    def counted(content: str) -> tuple[reading.Document, ...]:
        lengths.append(len(content))
        return plainly(content)

    monkeypatch.setattr(reading, "_read", counted)
    text = "---\na: 1\n" * (MAX_DOCUMENTS - 1) + "---\nb: 1\n\tc: 2\n"
    *sound, spoilt = read_yaml_each(text)
    assert len(sound) == MAX_DOCUMENTS - 1 and isinstance(spoilt, Unreadable) and spoilt.line == 2 * MAX_DOCUMENTS + 1
    assert [each.line(("a",)) for each in sound if isinstance(each, reading.Document)][-1] == 2 * MAX_DOCUMENTS - 2
    assert sum(lengths) == 2 * len(text)


@pytest.mark.parametrize("rest", ["", "b: [\n"], ids=["sound", "with a slip"])
def test_a_file_of_countless_documents_is_refused(rest: str) -> None:
    with pytest.raises(RuleError, match=rf"holds {MAX_DOCUMENTS + 1} documents \(---\); at most {MAX_DOCUMENTS}"):
        read_yaml_each("---\n" * (MAX_DOCUMENTS + 1) + rest)
