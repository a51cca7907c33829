"""Texts that are not plain, bounded YAML: bombs, tags that run something, numbers without end."""

from collections.abc import Iterator


def spoilt_texts(good: str) -> Iterator[tuple[str, str | bytes]]:
    """Texts that are not plain, bounded YAML, by what is wrong with them."""
    yield "an alias", good + "about: &x words\nalso: *x\n"
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    yield "a bomb", bomb + good
    yield "an anchor upon itself", "a: &a [*a]\n" + good
    yield "a merge", good + "<<: {about: words}\n"
    yield "a tag that runs something", good + "about: !!python/object/apply:os.system [true]\n"
    yield "a tag on a block", good + "more: !!python/object:os.path {}\n"
    yield "a set", good + "more: !!set {a, b}\n"
    yield "bytes", good + "about: !!binary aGVsbG8=\n"
    yield "a tag of somebody's own", good + "about: !env HOME\n"
    yield "a truth that is none", good.replace("rules:", "more: !!bool perhaps\nrules:", 1)
    yield "a date that is none", good.replace("rules:", "more: !!timestamp soon\nrules:", 1)
    yield "an impossible date", good.replace("rules:", "more: 2026-99-99\nrules:", 1)
    yield "a number of thousands of digits", good.replace("version: 1", "version: " + "9" * 5_000, 1)
    yield "a number of base sixty without end", good.replace("version: 1", "version: 1" + ":59" * 30_000, 1)
    yield "a number beyond all bounds", good.replace("version: 1", "version: 1e400", 1)
    yield "not a number", good.replace("version: 1", "version: .nan", 1)
    yield "a key twice", good + "owner: Somebody else\n"
    yield "a key that is a list", good + "? [a, b]\n: 1\n"
    yield "an open bracket", good + "more: [1, 2\n"
    yield "a tab", good + "\t- a\n"
    yield "two documents", good + "---\n" + good
    yield "a control character", good + "more: \x07\n"
    yield "deep nesting", "[" * 5_000 + "]" * 5_000
    yield "deep blocks", "".join(" " * n + "a:\n" for n in range(300))
    yield "a huge file", good + "# " + "x" * 300_000
    yield "many small values", "a: [" + "1," * 60_000 + "]\n" + good
    yield "a value without end", good + "about: " + "x" * 50_000 + "\n"
    yield "many facts that there are not", _many_facts(good)
    yield "not text", b"\xff\xfe\x00\x01" + good.encode()
    yield "another encoding", good.encode("utf-16")
    yield "a list for a file", "- 1\n- 2\n"
    yield "a word for a file", "rules\n"
    yield "nothing at all", ""
    yield "a file of nothing but remarks", "# nothing\n"


def _many_facts(good: str) -> str:
    facts = "".join(f"            {'intnet' * 5}{n}: x\n" for n in range(3_000))
    where = "            where:\n" + facts.replace("            i", "              i")
    return good.replace("          kinds: [ed.*]\n", "          kinds: [ed.*]\n" + where, 1)
