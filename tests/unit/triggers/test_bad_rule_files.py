"""A rule file with a fault never acts: it is refused, with every fault, its rule, its line, and what would be right."""

import contextlib
import copy
import json
import subprocess
import sys
from importlib.resources import files
from random import Random
from typing import Any

import pytest
import yaml

from domain.errors import RuleError
from tests.trials import trials
from triggers.faults import RuleFileError
from triggers.loading import load_rules, shipped_reference, shipped_rules
from triggers.reading import _documents, _Exact, _Quick

REFERENCE = shipped_reference()


def good() -> dict[str, Any]:
    """A file without faults, small enough to read."""
    return {
        "rule_set": "trial",
        "version": 1,
        "owner": "Duty supervisor",
        "grounds": {"assault": {"event": {"kinds": ["ed.*"], "where": {"intent": "assault"}}}},
        "rules": [
            {
                "id": "FIRST",
                "version": 1,
                "owner": "Duty supervisor",
                "why": "Because it is worth a visit.",
                "sources": ["domain.md 10"],
                "when": {"ground": "assault"},
                "then": {"priority": "P2", "headline": "Attended hospital", "message_key": "ed.assault"},
            }
        ],
    }


def _load(data: object) -> None:
    load_rules(yaml.safe_dump(json.loads(json.dumps(data))), REFERENCE)  # by way of JSON: no shared parts, no aliases


def test_the_good_file_is_good() -> None:
    _load(good())


WHEN = ("rules", 0, "when")
EVENT: dict[str, Any] = {"kinds": ["ed.*"], "where": {"intent": "assault"}}
COUNT: dict[str, Any] = {"of": {"event": EVENT}, "at_least": 2, "within": "28d"}
ABSENCE: dict[str, Any] = {"after": {"event": EVENT}, "unless": {"event": {"kinds": ["visit.made"]}}}
ADDED: dict[str, Any] = {
    "at_least": 2,
    "categories": {"DVH": {"event": {"kinds": ["da.incident"]}}, "SEP": {"event": {"kinds": ["missing.*"]}}},
}
SEQUENCE: dict[str, Any] = {"first": {"event": EVENT}, "then": {"event": EVENT}, "within": "3d"}


def _where(**condition: Any) -> dict[str, Any]:
    return {"event": {"kinds": ["ed.*"], "where": condition}}


def _deep(depth: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"intent": "assault"}
    for _ in range(depth):
        condition = {"all": [condition]}
    return condition


# path to change, new value (... removes it), a part of the message, why it is refused
BAD: list[tuple[tuple[Any, ...], Any, str, str]] = [
    (("rule_set",), ..., "'rule_set' is missing", "the set has no name"),
    (("rule_set",), "Two Words", "'rule_set' is 'Two Words'", "a name that cannot be a key"),
    (("version",), ..., "'version' is missing", "no version"),
    (("version",), 0, "'version' is out of bounds", "versions count from 1"),
    (("version",), "one", "'version' must be a whole number", "a word for a number"),
    (("owner",), ..., "'owner' is missing", "nobody answers for it"),
    (("surprise",), 1, "'surprise' is not part of the language", "an unknown heading"),
    (("rules",), ..., "'rules' is a list", "no rules"),
    (("rules",), [], "'rules' is a list of 1", "an empty list"),
    (("rules",), {"id": "X"}, "'rules' is a list", "a mapping for a list"),
    (("rules", 0), "FIRST", "must be a mapping", "a word for a rule"),
    (("grounds",), [], "'grounds' is a mapping", "a list for a mapping"),
    (("grounds", "assault"), {}, "exactly one of", "an empty ground"),
    (("grounds", "assault"), {"ground": "assault"}, "is defined by itself", "a circle of one"),
    (("rules", 0, "id"), ..., "'id' is missing", "a rule without a name"),
    (("rules", 0, "id"), "first rule", "'id' is 'first rule'", "lower case and a space"),
    (("rules", 0, "why"), ..., "'why' is missing", "no reason"),
    (("rules", 0, "why"), "since", "needs at least 8", "no sentence"),
    (("rules", 0, "sources"), ..., "'sources' is missing", "no source"),
    (("rules", 0, "sources"), [], "too few entries", "an empty list of sources"),
    (("rules", 0, "owner"), ..., "'owner' is missing", "nobody answers for the rule"),
    (("rules", 0, "version"), True, "must be a whole number", "a truth for a number"),
    (("rules", 0, "priority"), "P1", "'priority' is not part", "in the wrong place"),
    (("rules", 0, "then"), ..., "'then' is missing", "nothing follows"),
    (("rules", 0, "then", "priority"), "P0", "it must be 'P1', 'P2' or 'P3'", "no such priority"),
    (("rules", 0, "then", "channels"), ["fax"], "it must be 'sms' or 'email'", "no such channel"),
    (("rules", 0, "then", "channels"), [], "too few entries", "told to nobody"),
    (("rules", 0, "then", "contact_within"), "soon", "a span is a number", "no span"),
    (("rules", 0, "then", "contact_within"), "0h", "must be more than nothing", "no time at all"),
    (("rules", 0, "then", "sensitivity"), "intel", "set by the gatekeeper", "only the gatekeeper does that"),
    (("rules", 0, "then", "sensitivity"), "secret", "it must be", "no such sensitivity"),
    (("rules", 0, "then", "priorities"), [{"priority": "P1", "when": {}}], "too few", "a case without condition"),
    (
        ("rules", 0, "then", "priorities"),
        [{"priority": "P1", "when": {"fired": "SECOND"}}],
        "no rule 'SECOND'",
        "unknown",
    ),
    (
        ("rules", 0, "then", "priorities"),
        [{"priority": "P1", "when": {"fired": "FIRST"}}],
        "in a circle",
        "asks itself",
    ),
    (("rules", 0, "yields_to"), ["SECOND"], "there is no rule 'SECOND'", "yields to nobody"),
    (("rules", 0, "tolerance"), "3 weeks", "a span is a number", "weeks are not in the language"),
    (("rules", 0, "tolerance"), "-1h", "must be between", "late before it happened"),
    (("rules", 0, "tolerance"), 48, "a span is a number", "48 what?"),
    (("rules", 0, "cooling"), {"within": "forever"}, "within", "no span"),
    (("rules", 0, "cooling"), {"ground": "house"}, "it must be", "no such ground"),
    (("rules", 0, "who"), {"postcode": "X"}, "not a fact that can be asked", "unknown fact"),
    (("rules", 0, "who"), {"intent": "assault"}, "'who' asks about the person", "a fact of the event"),
    (("rules", 0, "who"), {"status": "dismissed"}, "is not a word for programme status", "no such status"),
    (("rules", 0, "who"), {"ethnicity": "any"}, "protected characteristic", "the law and decency"),
    (("rules", 0, "who"), {"religion": "any"}, "protected characteristic", "the law and decency"),
    (("rules", 0, "who"), {"Immigration status": "any"}, "protected characteristic", "however it is written"),
    (("rules", 0, "who"), {"sex": "male"}, "protected characteristic", "the law and decency"),
    (("rules", 0, "who"), {"age": {"in": [1, 2]}}, "is a number", "a list for a number"),
    (WHEN, ..., "'when' is missing", "no pattern"),
    (WHEN, {}, "exactly one of", "an empty pattern"),
    (WHEN, {"event": EVENT, "count": COUNT}, "exactly one of", "two patterns at once"),
    (WHEN, {"ground": "asault"}, "did you mean 'assault'", "misspelt ground"),
    (WHEN, {"trend": {}}, "'trend' is not part of the language", "a pattern we do not have yet"),
    (WHEN, {"absence": {"after": {"event": EVENT}, "within": "3h"}}, "'unless' is missing", "an absence of what"),
    (WHEN, {"absence": ABSENCE}, "either 'within'", "an absence that never ends"),
    (WHEN, {"absence": {**ABSENCE, "within": "3h", "until": "review_date"}}, "not both", "an absence that ends twice"),
    (WHEN, {"absence": {**ABSENCE, "until": "birthday"}}, "it must be", "no such day"),
    (WHEN, {"absence": {**ABSENCE, "within": "3 hours"}}, "a span is a number", "a span in words"),
    (WHEN, {"count": {**COUNT, "of": {"absence": {**ABSENCE, "within": "3h"}}}}, "at the top of a rule", "built upon"),
    (WHEN, {"enters": {"status": ["at_rsk"]}}, "did you mean 'at_risk'", "misspelt status"),
    (WHEN, {"quiet": {"of": {"event": EVENT}, "lasting": "90d"}}, "'since' is missing", "quiet since when"),
    (WHEN, {"accumulated": {**ADDED, "at_least": 3}}, "can never be", "more categories than there are"),
    (WHEN, {"accumulated": {**ADDED, "at_least": 1}}, "out of bounds", "one category is an event"),
    (WHEN, {"accumulated": {**ADDED, "where": {"religion": "none"}}}, "protected characteristic", "in the evidence"),
    (WHEN, {"event": {"kinds": []}}, "too few entries", "no kinds"),
    (WHEN, {"event": {"kinds": ["ed.arival"]}}, "did you mean 'ed.arrival'", "misspelt kind"),
    (WHEN, {"event": {"kinds": ["*"]}}, "is not a kind of event", "everything is nothing"),
    (WHEN, {"event": {"kinds": ["ed.cancelled"]}}, "takes something back", "a cancellation cannot fire"),
    (WHEN, {"event": {"kinds": ["stopsearch.recorded"]}}, "a search by itself", "search count alone"),
    (WHEN, {"event": {"kinds": ["ed.*"], "subject": "enemy"}}, "it must be", "no such subject"),
    (WHEN, {"event": {**EVENT, "match": ".*"}}, "'match' is not part", "no regular expressions"),
    (WHEN, _where(intent="asault"), "did you mean 'assault'", "misspelt word"),
    (WHEN, _where(intnt="assault"), "did you mean 'intent'", "misspelt fact"),
    (WHEN, _where(intent={"regex": "a.*"}), "is not a way to compare", "no regular expressions"),
    (WHEN, _where(intent={"at_least": 3}), "is a word", "a range for a word"),
    (WHEN, _where(intent={}), "is asked nothing", "an empty question"),
    (WHEN, _where(intent=["assault"]), "write 'intent: {in: [...]}'", "a list without 'in'"),
    (WHEN, _where(intent={"in": "violent_words"}), "no reference list 'violent_words'", "unknown list"),
    (WHEN, _where(intent={"in": []}), "needs a list of 1 to", "an empty list"),
    (WHEN, _where(intent={"known": "yes"}), "true or false", "a word for a truth"),
    (WHEN, _where(departed="yes"), "is either true or false", "a word for a truth"),
    (WHEN, _where(departed={"at_least": 1}), "is either true or false", "a range for a truth"),
    (WHEN, _where(since_arrival_hours="12h"), "is compared with a number", "a span for a number"),
    (WHEN, _where(since_arrival_hours={"at_most": float("nan")}), "is compared with a number", "not a number"),
    (WHEN, _where(since_arrival_hours={"at_most": float("inf")}), "is compared with a number", "no end"),
    (WHEN, _where(offence=4.1), 'put quotes around codes such as "2"', "YAML made a number of it"),
    (WHEN, _where(count={"at_least": 2}), "known only in the tables", "no count here"),
    (WHEN, _where(fired="FIRST"), "only in the tables", "no firing here"),
    (WHEN, _where(all=[]), "needs a list of conditions", "all of nothing"),
    (WHEN, _where(any={"intent": "assault"}), "needs a list of conditions", "a mapping for a list"),
    (WHEN, _where(**{"not": "assault"}), "a condition is a mapping", "a word for a condition"),
    (WHEN, _where(**_deep(9)), "nested at most", "too deep"),
    (WHEN, {"count": {**COUNT, "at_least": 0}}, "out of bounds", "none is always there"),
    (WHEN, {"count": {**COUNT, "at_least": 1_000_000}}, "out of bounds", "never reached, always costly"),
    (WHEN, {"count": {**COUNT, "at_least": 2.5}}, "must be a whole number", "half an event"),
    (WHEN, {"count": {**COUNT, "within": "9999d"}}, "at most 730d", "a huge window"),
    (WHEN, {"count": {**COUNT, "within": "0d"}}, "must be more than nothing", "no window"),
    (WHEN, {"count": {**COUNT, "within": ...}}, "a span is a number", "no window"),
    (WHEN, {"count": {"of": {"event": EVENT}, "at_least": 2}}, "'within' is missing", "no window"),
    (WHEN, {"count": {**COUNT, "distinct": "day"}}, "it must be", "no such difference"),
    (WHEN, {"count": {**COUNT, "same": "colour"}}, "'colour' is not a fact", "no such fact"),
    (WHEN, {"count": {**COUNT, "min_feeds": 9}}, "out of bounds", "there are four feeds"),
    (WHEN, {"count": {**COUNT, "merging": {"two_feeds_within": "6h"}}}, "belong together", "half a merging"),
    (WHEN, {"sequence": {"first": {"event": EVENT}, "within": "3d"}}, "'then' is missing", "half a sequence"),
    (WHEN, {"sequence": {**SEQUENCE, "within": "-3d"}}, "must be more than nothing", "back in time"),
    (WHEN, {"sequence": {**SEQUENCE, "same_occurrence": "maybe"}}, "must be true or false", "a word for a truth"),
    (WHEN, {"any_of": []}, "too few entries", "any of nothing"),
    (WHEN, {"event": {"kinds": ["intel.*"]}}, "needs 'expires_after'", "intelligence does not last"),
    (WHEN, _where(intent="self_harm"), "it needs 'sensitivity: health'", "health data for everybody"),
    (WHEN, _where(code_class="self_harm"), "it needs 'sensitivity: health'", "the same by its class"),
    (WHEN, _where(codes={"in": "crisis_codes"}), "it needs 'sensitivity: health'", "the same by its codes"),
    (
        WHEN,
        {"event": {"kinds": ["crime.*"], "subject": "linked", "where": {"role": "suspect"}}},
        "somebody else's",
        "guilt by link",
    ),
]


@pytest.mark.parametrize(("path", "value", "message", "why"), BAD, ids=[row[3] + " " + row[2][:20] for row in BAD])
def test_a_bad_file_is_refused_in_plain_words(path: tuple[Any, ...], value: Any, message: str, why: str) -> None:
    data = spoilt(path, value)
    with pytest.raises(RuleError) as refused:
        _load(data)
    assert message in str(refused.value)
    assert "line " in str(refused.value)


WITH_A_RULE = [row for row in BAD if row[0] not in ((), ("rules",), ("rules", 0))]


@pytest.mark.parametrize(
    ("path", "value", "message", "why"), WITH_A_RULE, ids=[row[3] + " " + row[2][:20] for row in WITH_A_RULE]
)
def test_a_slip_elsewhere_in_the_rule_hides_no_fault(path: tuple[Any, ...], value: Any, message: str, why: str) -> None:
    data = spoilt(path, value)
    data["rules"][0] |= {"late_after": "an hour", "sorces": ["a page"]}
    with pytest.raises(RuleFileError) as refused:
        _load(data)
    said = str(refused.value)
    assert message in said
    assert "'late_after': a span is" in said and "did you mean 'sources'?" in said


def spoilt(path: tuple[Any, ...], value: Any) -> Any:
    """A good file with one thing in it changed, or taken out (`...`)."""
    data: Any = copy.deepcopy(good())
    spot = data
    for part in path[:-1]:
        spot = spot[part]
    if value is ...:
        del spot[path[-1]]
    else:
        spot[path[-1]] = _without_dots(value)
    return data


def _without_dots(value: Any) -> Any:
    """`...` stands for an empty value inside."""
    if isinstance(value, dict):
        return {key: _without_dots(part) for key, part in value.items()}
    return None if value is ... else value


def test_all_faults_are_told_at_once_with_rule_and_line() -> None:
    data = good()
    data["rules"].append({**copy.deepcopy(data["rules"][0]), "id": "SECOND", "when": _where(intent="asault")})
    data["rules"][0]["then"]["priority"] = "P9"
    data["rules"].append({**copy.deepcopy(data["rules"][0]), "id": "FIRST"})
    data["rules"].append({"id": "THIRD"})
    with pytest.raises(RuleFileError) as refused:
        _load(data)
    assert {fault.rule for fault in refused.value.faults} == {"FIRST", "SECOND", "THIRD"}
    text = yaml.safe_dump(json.loads(json.dumps(data))).splitlines()
    misspelt = next(fault for fault in refused.value.faults if "asault" in fault.message)
    assert "asault" in text[misspelt.line - 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: &x 1\nb: *x\n", "aliases", id="an alias"),
        pytest.param("a: [&x [1], *x, *x]\n", "aliases", id="a bomb in the making"),
        pytest.param("a: !!python/object/apply:os.system [x]\n", "", id="a tag that would run something"),
        pytest.param("a: !secret x\n", "tags", id="a tag of somebody's own"),
        pytest.param("a: 1\na: 2\n", "'a' is given twice", id="a key twice"),
        pytest.param("a: [1, 2\n", "not closed", id="an open bracket"),
        pytest.param("\t- a\n", "a tab; indent with blanks", id="a tab"),
        pytest.param("[" * 500 + "]" * 500, "nested too deeply", id="deep nesting"),
        pytest.param("a: 1\n---\nb: 2\n", "several documents", id="two documents"),
        pytest.param("x" * 300_000, "at most", id="a huge file"),
        pytest.param("? [a, b]\n: 1\n", "plain word", id="a key that is a list"),
        pytest.param("- 1\n", "is a mapping", id="a list for a file"),
        pytest.param("", "is a mapping", id="nothing at all"),
        pytest.param("a: 2026-99-99\n", "", id="an impossible date"),
    ],
)
def test_what_is_not_plain_bounded_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load_rules(text, REFERENCE)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(RuleError, match="UTF-8"):
        load_rules(b"\xff\xfe\x00a", REFERENCE)


def test_every_line_deleted_from_the_shipped_file_is_read_or_refused_never_a_crash() -> None:
    lines = files("triggers").joinpath("rulesets", "tipt.yaml").read_text().splitlines()
    for place in range(0, len(lines), 9):
        try:
            load_rules("\n".join([*lines[:place], *lines[place + 1 :]]), REFERENCE)
        except RuleError as error:
            assert str(error)


def test_where_pyyaml_has_no_libyaml_files_are_read_all_the_same() -> None:
    """Built from source on a machine without it, PyYAML lacks the parser."""
    without = (
        "import yaml; yaml.__with_libyaml__ = False; del yaml.cyaml\n"
        "from triggers.reading import read_yaml; print(read_yaml('a: [1, 2]').data)"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=True)
    assert done.stdout == "{'a': [1, 2]}\n"


def test_what_libyaml_reads_python_reads_alike() -> None:
    """Files are read by libyaml, and again by Python where libyaml refuses: the faster one must not read otherwise."""
    lines = files("triggers").joinpath("rulesets", "tipt.yaml").read_text().splitlines()
    random, number, read = Random(7), trials(2_000), 0
    for _ in range(number):
        start = random.randrange(len(lines) - 20)
        text = "\n".join(lines[start : start + random.randrange(1, 20)]) + "\n"
        for _ in range(random.randrange(3)):
            place = random.randrange(len(text))
            text = text[:place] + random.choice(_MARKS) + text[place + random.randrange(3) :]
        with contextlib.suppress(RuleError, yaml.YAMLError):
            quick, exact = ([(each.data, each.lines) for each in _documents(kind(text))] for kind in (_Quick, _Exact))
            assert quick == exact, text
            read += 1
    assert read > number // 4


_MARKS = (
    *"{}[]:,-#&*!|>'\"%@?\n \\~=é",
    "---\n",
    "? ",
    "<<: ",
    "&a ",
    "*a",
    " : ",
    "\r\n",
    "1:30",
    "0o7",
    "yes",
    "2026-01-02",
)


def test_the_shipped_rules_say_who_owns_them_why_and_by_which_source() -> None:
    rules = shipped_rules().rules
    assert len(rules) == 20
    for rule in rules:
        assert rule.owner and rule.why.endswith(".") and rule.sources
