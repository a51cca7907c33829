"""Bad rule files by the thousand: every way to spoil a good one, by kind, with where the fault must be told.

Each spoiler takes a random number source and a good file as data, spoils it in place so that it can be nothing but bad,
and answers with the rule in which the fault lies ('' for the file itself). `FORM` are those that the published schema
refuses too; texts that are not plain YAML are spoilt as text.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Data = dict[str, Any]
Spoiler = Callable[[Random, Data], str]

FORM: list[Spoiler] = []
MEANING: list[Spoiler] = []


def _form(spoiler: Spoiler) -> Spoiler:
    FORM.append(spoiler)
    return spoiler


def _meaning(spoiler: Spoiler) -> Spoiler:
    MEANING.append(spoiler)
    return spoiler


def _rule(random: Random, data: Data) -> Data:
    rule: Data = random.choice(data["rules"])
    return rule


def _own(random: Random, data: Data, when: Any, **more: Any) -> str:
    """The rule gets another pattern of its own."""
    rule = _rule(random, data)
    rule["when"] = when
    rule.update(more)
    return str(rule["id"])


def event(kinds: str = "ed.*", **where: Any) -> Data:
    return {"event": {"kinds": [kinds], "where": where} if where else {"kinds": [kinds]}}


ASSAULT = event(intent="assault")
TOO_MUCH = (float("nan"), float("inf"), -float("inf"), 10**30, -1, 0, 1.5, 1e308)
NOT_A_NUMBER = ("two", None, [], {}, True, "2", "0x2", "١")
NOT_WORDS = (None, 1, 1.5, True, [], ["a"], {}, {"a": 1})
SPANS = ("9999d", "0d", "-3d", "731d", "soon", "3 weeks", "1w", "d", "", "1e9d", "∞d", "12:30", 48, None, [], {}, True)


# -- form ----------------------------------------------------------------------------------------------------------


@_form
def misspelt_word(random: Random, data: Data) -> str:
    """A word of the language with a letter too many."""
    rule = _rule(random, data)
    part = random.choice([rule, rule["then"]])
    word = random.choice(sorted(part))
    part[word + random.choice("xs_1é")] = part.pop(word)
    return str(rule.get("id", f"rule {data['rules'].index(rule) + 1}"))


@_form
def left_out(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    name = str(rule["id"])
    part, words = random.choice([
        (rule, ["version", "owner", "why", "sources", "when", "then"]),
        (rule["then"], ["priority", "headline", "message_key"]),
    ])  # fmt: skip
    del part[random.choice(words)]
    return name


@_form
def left_out_of_the_file(random: Random, data: Data) -> str:
    del data[random.choice(["rule_set", "version", "owner", "rules"])]
    return ""


@_form
def surprise(random: Random, data: Data) -> str:
    word = random.choice(["include", "import", "exec", "$ref", "<<", "regex", "script", "ünknown", "sql", "any"])
    rule = _rule(random, data)
    random.choice([rule, rule["then"]])[word] = random.choice([1, "x", None, {}])
    return str(rule["id"])


@_form
def wrong_version(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    rule["version"] = random.choice([*TOO_MUCH, *NOT_A_NUMBER])
    return str(rule["id"])


@_form
def wrong_words(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    word = random.choice(["why", "owner", "headline", "message_key"])
    part = rule["then"] if word in rule["then"] else rule
    part[word] = random.choice([*NOT_WORDS, "", "x" * 400])
    return str(rule["id"])


@_form
def wrong_choice(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    word, values = random.choice([
        ("priority", ["P0", "P4", "high", "p1 ", 1, None]),
        ("sensitivity", ["secret", "", 1, "HEALTH"]),
        ("channels", [["fax"], [], "sms", ["sms", "pager"], [None]]),
        ("rises", ["perhaps", [], {}, 7]),
    ])  # fmt: skip
    rule["then"][word] = random.choice(values)
    return str(rule["id"])


@_form
def wrong_span(random: Random, data: Data) -> str:
    """Spans that are none at all; those that are only too long are a matter of meaning."""
    spans = [span for span in SPANS if span not in ("9999d", "0d", "731d")]
    return _own(random, data, {"count": {"of": ASSAULT, "at_least": 2, "within": random.choice(spans)}})


@_form
def wrong_count(random: Random, data: Data) -> str:
    number = random.choice([*TOO_MUCH, *NOT_A_NUMBER, 51])
    return _own(random, data, {"count": {"of": ASSAULT, "at_least": number, "within": "28d"}})


@_form
def no_pattern(random: Random, data: Data) -> str:
    written = random.choice(
        [{}, [], "assault", None, 3, {"events": {}}, {"trend": {}}, {"not": ASSAULT}, {"event": "ed.*"}]
    )
    return _own(random, data, written)


@_form
def two_patterns(random: Random, data: Data) -> str:
    return _own(random, data, {**ASSAULT, "any_of": [ASSAULT]})


@_form
def no_such_kind(random: Random, data: Data) -> str:
    kind = random.choice(
        ["ed.arival", "*", "ed", "police.*", "", "ed.cancelled", "record.retracted", ".*", "ED.*", "e\u200bd.*"]
    )
    return _own(random, data, event(kind))


@_form
def no_such_fact(random: Random, data: Data) -> str:
    fact = random.choice(["postcode", "surname", "intend", "score", "name", "intent ", "risk_score", "ı̇ntent"])
    return _own(random, data, event(**{fact: random.choice(["x", 1, True, {"in": ["x"]}])}))


@_form
def protected(random: Random, data: Data) -> str:
    """However it is spelt, and wherever it is asked."""
    word = random.choice(PROTECTED)
    asked = {word: random.choice(["any", True, 1, {"in": ["x"]}, {"known": True}])}
    rule = _rule(random, data)
    place = random.randrange(4)
    if place == 0:
        rule["who"] = asked
    elif place == 1:
        rule["then"]["priorities"] = [{"priority": "P1", "when": asked}]
    elif place == 2:
        rule["when"] = event(**{random.choice(["all", "any"]): [{"intent": "assault"}, asked]})
    else:
        rule["when"] = event(intent="assault", unless=asked)
    return str(rule["id"])


PROTECTED = (
    "ethnicity", "Ethnicity", "ETHNIC_GROUP", "self_defined_ethnicity", "ethnic group", "еthnicity", "e7hnicity",
    "eth\u200bnicity", "race", "Race", "racial_group", "religion", "religious", "faith", "is_muslim", "nationality",
    "Immigration status", "immigrant", "asylum_seeker", "refugee", "citizenship", "country_of_birth", "language",
    "mother tongue", "skin_colour", "disability", "disabled", "sex", "SEX", "gender", "genderIdentity", "transgender",
    "sexual_orientation", "sexuality", "gay", "marital_status", "marriage", "pregnant", "Pregnancy", "maternity",
)  # fmt: skip


@_form
def regular_expression(random: Random, data: Data) -> str:
    word = random.choice(["matches", "regex", "like", "=~", "contains", "starts_with", "not_in"])
    return _own(random, data, event(disposition={word: random.choice([".*", "(a+)+$", "^left"])}))


@_form
def half_a_pattern(random: Random, data: Data) -> str:
    return _own(random, data, random.choice([
        {"sequence": {"first": ASSAULT, "within": "3d"}},
        {"sequence": {"steps": [ASSAULT], "within": "3d"}},
        {"sequence": {"steps": [ASSAULT] * 6, "within": "3d"}},
        {"sequence": {"first": ASSAULT, "then": ASSAULT, "steps": [ASSAULT, ASSAULT], "within": "3d"}},
        {"absence": {"after": ASSAULT, "within": "3h"}},
        {"absence": {"after": ASSAULT, "unless": ASSAULT}},
        {"absence": {"after": ASSAULT, "unless": ASSAULT, "within": "3h", "until": "review_date"}},
        {"quiet": {"of": ASSAULT, "lasting": "90d"}},
        {"all_of": {"of": [], "within": "3d"}},
        {"all_of": {"of": [ASSAULT, ASSAULT]}},
        {"first": {"within": "3d"}},
        {"change": {"of": ASSAULT, "recent": "7d", "usual": "28d", "times": 2}},
        {"fired": {}},
        {"fired": {"rule": "not a rule"}},
        {"accumulated": {"at_least": 2, "categories": {"ONE": ASSAULT}}},
        {"enters": {"status": ["at_rsk"]}},
        {"any_of": []},
    ]))  # fmt: skip


@_form
def out_of_bounds(random: Random, data: Data) -> str:
    return _own(random, data, random.choice([
        {"change": {"of": ASSAULT, "recent": "7d", "usual": "28d", "times": 1, "at_least": 2}},
        {"change": {"of": ASSAULT, "recent": "7d", "usual": "28d", "times": 1e9, "at_least": 2}},
        {"change": {"of": ASSAULT, "recent": "7d", "usual": "28d", "times": 2, "at_least": 1}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "min_feeds": 5}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "distinct": "colour"}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "merging": {"two_feeds_km": -1}}},
        {"event": {"kinds": ["ed.*"] * 41}},
        {"event": {"kinds": ["ed.*"], "subject": "enemy"}},
        {"any_of": [ASSAULT] * 21},
        {"all_of": {"of": [ASSAULT] * 7, "within": "3d"}},
        {"accumulated": {"at_least": 1, "categories": {"ONE": ASSAULT, "TWO": ASSAULT}}},
    ]))  # fmt: skip


# -- meaning -------------------------------------------------------------------------------------------------------


@_meaning
def span_beyond_limits(random: Random, data: Data) -> str:
    span = random.choice(["9999d", "0d", "731d", "100000h"])
    return _own(random, data, {"count": {"of": ASSAULT, "at_least": 2, "within": span}})


@_meaning
def search_alone(random: Random, data: Data) -> str:
    """A search by itself, or one that can hold where nothing was found."""
    search = "stopsearch.recorded"
    return _own(random, data, random.choice([
        event(search),
        event("stopsearch.*"),
        event(search, found={"known": True}),
        event(search, age={"at_least": 10}),
        event(search, unless={"found": "knife"}),
        event(search, **{"not": {"found": "cannabis"}}),
        event(search, any=[{"found": "knife"}, {"age": {"at_least": 10}}]),
        {"count": {"of": event(search), "at_least": 3, "within": "60d"}},
        {"all_of": {"of": [ASSAULT, event(search)], "within": "60d"}},
        {"change": {"of": event(search), "recent": "7d", "usual": "90d", "times": 3, "at_least": 3}},
        {"first": {"of": event(search)}},
    ]))  # fmt: skip


@_meaning
def suspect_under_ten(random: Random, data: Data) -> str:
    who = random.choice([{"less_than": 10}, {"at_most": 9}, {"less_than": 5}, 9, {"is": 8}])
    when = random.choice([
        event("crime.*", role={"in": ["suspect", "arrested"]}),
        event("crime.*", any=[{"role": "charged"}, {"offence": "8N"}]),
        {"count": {"of": {"event": {"kinds": ["custody.arrived"], "suspect_side": True}}, "at_least": 2, "within": "9d"}},
    ])  # fmt: skip
    return _own(random, data, when, who={"age": who})


@_meaning
def guilt_by_link(random: Random, data: Data) -> str:
    where = random.choice([{"role": "suspect"}, {"role": {"in": "suspect_roles"}}, {"any": [{"role": "offender"}]}])
    crime: Data = {"event": {"kinds": ["crime.*"], "subject": "linked", "where": where}}
    return _own(random, data, random.choice([crime, {"count": {"of": crime, "at_least": 2, "within": "9d"}}]))


@_meaning
def circle(random: Random, data: Data) -> str:
    first, second = random.sample(data["rules"], 2)
    kind = random.randrange(4)
    if kind == 0:
        first["yields_to"], second["yields_to"] = [second["id"]], [first["id"]]
    elif kind == 1:
        first["when"], second["when"] = {"fired": {"rule": second["id"]}}, {"fired": {"rule": first["id"]}}
    elif kind == 2:
        first["when"], second["yields_to"] = {"fired": {"rule": second["id"]}}, [first["id"]]
    else:
        data.setdefault("grounds", {})["round"] = {"any_of": [{"ground": "about"}]}
        data["grounds"]["about"] = {"count": {"of": {"ground": "round"}, "at_least": 2, "within": "3d"}}
        return "ground about"
    return str(first["id"])


@_meaning
def unknown_name(random: Random, data: Data) -> str:
    return _own(random, data, random.choice([
        {"ground": "no_such_ground"},
        {"fired": {"rule": "NO_SUCH_RULE"}},
        event(offence={"in": "no_such_list"}),
    ]))  # fmt: skip


@_meaning
def not_compared_so(random: Random, data: Data) -> str:
    return _own(random, data, random.choice([
        event(intent={"at_least": 3}),
        event(age="young"),
        event(age=float("nan")),
        event(age={"at_least": float("inf")}),
        event(age={"less_than": 10**20}),
        event(departed="perhaps"),
        event(departed={"in": [True]}),
        event(intent={"in": []}),
        event(intent=2),
        event(offence=4.1),
        event(intent="asault"),
        event(intent={"in": ["assault"] * 201}),
        event(intent={}),
        event(all=[]),
        event(any={"intent": "assault"}),
        event(**{"not": "assault"}),
        event(count={"at_least": 2}),
        event(fired="FIRST"),
        event(past={"of": ASSAULT}),
        event(days_since_contact={"at_least": 3}),
        event(flags="muslim"),
        event(qualifiers={"in": ["alcohol", "pregnant"]}),
    ]))  # fmt: skip


@_meaning
def wrong_who(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    rule["who"] = random.choice([
        {"intent": "assault"},
        {"status": "dismissed"},
        {"past": []},
        {"past": {"of": {"ground": "nowhere"}}},
        {"past": {"at_least": 2}},
        {"past": {"of": ASSAULT, "at_least": 3, "at_most": 1}},
        {"past": {"of": ASSAULT, "at_least": 0}},
        {"past": {"of": ASSAULT, "within": "9999d"}},
        {"past": {"of": event("stopsearch.recorded"), "at_least": 3}},
        {"past": {"of": {"absence": {"after": ASSAULT, "unless": event("visit.made"), "within": "3d"}}}},
        {"past": [{"of": ASSAULT}] * 9},
        {"days_since_contact": "long"},
        {"in_custody": "yes"},
    ])  # fmt: skip
    return str(rule["id"])


@_meaning
def too_deep(random: Random, data: Data) -> str:
    pattern: Data = ASSAULT
    asked: Data = {"intent": "assault"}
    for _ in range(9):
        pattern = random.choice([{"any_of": [pattern]}, {"first": {"of": pattern}}])
        asked = {random.choice(["all", "any"]): [asked]}
    return _own(random, data, random.choice([pattern, event(**asked)]))


@_meaning
def built_on_silence(random: Random, data: Data) -> str:
    silence: Data = {"absence": {"after": ASSAULT, "unless": event("visit.made"), "within": "3d"}}
    return _own(random, data, random.choice([
        {"count": {"of": silence, "at_least": 2, "within": "28d"}},
        {"sequence": {"first": silence, "then": ASSAULT, "within": "3d"}},
        {"all_of": {"of": [ASSAULT, silence], "within": "3d"}},
        {"any_of": [{"any_of": [silence]}]},
    ]))  # fmt: skip


@_meaning
def contradiction(random: Random, data: Data) -> str:
    return _own(random, data, random.choice([
        {"change": {"of": ASSAULT, "recent": "28d", "usual": "7d", "times": 2, "at_least": 2}},
        {"accumulated": {"at_least": 3, "categories": {"ONE": ASSAULT, "TWO": ASSAULT}}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "distinct": "feed", "min_feeds": 2}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "merging": {"two_feeds_within": "6h"}}},
        {"sequence": {"first": ASSAULT, "then": ASSAULT, "within": "3d", "overlap": False}},
        {"all_of": {"of": [ASSAULT], "within": "3d"}},
        {"event": {"kinds": ["intel.*"]}},
    ]))  # fmt: skip


@_meaning
def gatekeepers_word(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    rule["then"]["sensitivity"] = "intel"
    return str(rule["id"])


@_meaning
def twice(random: Random, data: Data) -> str:
    rule = _rule(random, data)
    data["rules"].append({**rule})
    return str(rule["id"])


@_meaning
def endless(random: Random, data: Data) -> str:
    """Grounds of grounds of grounds: short to write, millions of patterns to look for."""
    grounds = data.setdefault("grounds", {})
    grounds["g0"] = ASSAULT
    for level in range(1, 5):
        grounds[f"g{level}"] = {"any_of": [{"ground": f"g{level - 1}"}] * 20}
    rule = _rule(random, data)
    rule["when"] = {"ground": "g4"}
    return "ground g2"


# -- texts ---------------------------------------------------------------------------------------------------------


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
