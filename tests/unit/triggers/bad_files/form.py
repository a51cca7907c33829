"""Files whose form is wrong: the published schema refuses them too."""

from random import Random

from tests.unit.triggers.bad_files.spoiling import ASSAULT, Data, Spoiler, any_rule, event, with_pattern

FORM: list[Spoiler] = []


def _in_form(spoiler: Spoiler) -> Spoiler:
    FORM.append(spoiler)
    return spoiler


TOO_MUCH = (float("nan"), float("inf"), -float("inf"), 10**30, -1, 0, 1.5, 1e308)
NOT_A_NUMBER = ("two", None, [], {}, True, "2", "0x2", "١")
NOT_WORDS = (None, 1, 1.5, True, [], ["a"], {}, {"a": 1})
SPANS = ("9999d", "0d", "-3d", "731d", "soon", "3 weeks", "1w", "d", "", "1e9d", "∞d", "12:30", 48, None, [], {}, True)


@_in_form
def misspelt_word(random: Random, data: Data) -> str:
    """A word of the language with a letter too many."""
    rule = any_rule(random, data)
    part = random.choice([rule, rule["then"]])
    word = random.choice(sorted(part))
    part[word + random.choice("xs_1é")] = part.pop(word)
    return str(rule.get("id", f"rule {data['rules'].index(rule) + 1}"))


@_in_form
def left_out(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    name = str(rule["id"])
    part, words = random.choice([
        (rule, ["version", "owner", "why", "sources", "when", "then"]),
        (rule["then"], ["priority", "headline", "message_key"]),
    ])  # fmt: skip
    del part[random.choice(words)]
    return name


@_in_form
def left_out_of_the_file(random: Random, data: Data) -> str:
    del data[random.choice(["rule_set", "version", "owner", "rules"])]
    return ""


@_in_form
def surprise(random: Random, data: Data) -> str:
    word = random.choice(["include", "import", "exec", "$ref", "<<", "regex", "script", "ünknown", "sql", "any"])
    rule = any_rule(random, data)
    random.choice([rule, rule["then"]])[word] = random.choice([1, "x", None, {}])
    return str(rule["id"])


@_in_form
def wrong_version(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    rule["version"] = random.choice([*TOO_MUCH, *NOT_A_NUMBER])
    return str(rule["id"])


@_in_form
def wrong_words(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    word = random.choice(["why", "owner", "headline", "message_key"])
    part = rule["then"] if word in rule["then"] else rule
    part[word] = random.choice([*NOT_WORDS, "", "x" * 400])
    return str(rule["id"])


@_in_form
def wrong_choice(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    word, values = random.choice([
        ("priority", ["P0", "P4", "high", "p1 ", 1, None]),
        ("sensitivity", ["secret", "", 1, "HEALTH"]),
        ("channels", [["fax"], [], "sms", ["sms", "pager"], [None]]),
        ("rises", ["perhaps", [], {}, 7]),
    ])  # fmt: skip
    rule["then"][word] = random.choice(values)
    return str(rule["id"])


@_in_form
def wrong_span(random: Random, data: Data) -> str:
    """Spans that are none at all; those that are only too long are a matter of meaning."""
    spans = [span for span in SPANS if span not in ("9999d", "0d", "731d")]
    return with_pattern(random, data, {"count": {"of": ASSAULT, "at_least": 2, "within": random.choice(spans)}})


@_in_form
def wrong_count(random: Random, data: Data) -> str:
    number = random.choice([*TOO_MUCH, *NOT_A_NUMBER, 51])
    return with_pattern(random, data, {"count": {"of": ASSAULT, "at_least": number, "within": "28d"}})


@_in_form
def no_pattern(random: Random, data: Data) -> str:
    written = random.choice(
        [{}, [], "assault", None, 3, {"events": {}}, {"trend": {}}, {"not": ASSAULT}, {"event": "ed.*"}]
    )
    return with_pattern(random, data, written)


@_in_form
def two_patterns(random: Random, data: Data) -> str:
    return with_pattern(random, data, {**ASSAULT, "any_of": [ASSAULT]})


@_in_form
def no_such_kind(random: Random, data: Data) -> str:
    kind = random.choice(
        ["ed.arival", "*", "ed", "police.*", "", "ed.cancelled", "record.retracted", ".*", "ED.*", "e\u200bd.*"]
    )
    return with_pattern(random, data, event(kind))


@_in_form
def no_such_fact(random: Random, data: Data) -> str:
    fact = random.choice(["postcode", "surname", "intend", "score", "name", "intent ", "risk_score", "ı̇ntent"])
    return with_pattern(random, data, event(**{fact: random.choice(["x", 1, True, {"in": ["x"]}])}))


@_in_form
def protected(random: Random, data: Data) -> str:
    """However it is spelt, and wherever it is asked."""
    word = random.choice(PROTECTED)
    asked = {word: random.choice(["any", True, 1, {"in": ["x"]}, {"known": True}])}
    rule = any_rule(random, data)
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


@_in_form
def regular_expression(random: Random, data: Data) -> str:
    word = random.choice(["matches", "regex", "like", "=~", "contains", "starts_with", "not_in"])
    return with_pattern(random, data, event(disposition={word: random.choice([".*", "(a+)+$", "^left"])}))


@_in_form
def half_a_pattern(random: Random, data: Data) -> str:
    return with_pattern(random, data, random.choice([
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


@_in_form
def out_of_bounds(random: Random, data: Data) -> str:
    return with_pattern(random, data, random.choice([
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
