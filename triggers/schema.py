"""The JSON Schema (2020-12) of a rule file, so that editors complete it and say what each word means.

Made from the very forms that read the file and from the catalogue of facts; `make docs` keeps it in
docs/rules.schema.json. The schema knows the form alone: what a file means, `reachpoint rules check` says.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from domain.kinds import Kind
from domain.people import MemberStatus
from triggers.asking import JOINERS
from triggers.checking import MAX_RULES, OF_THE_PERSON
from triggers.conditions import Operator
from triggers.facts import FACTS, Fact, FactType
from triggers.language import PastForm, PatternForm, RuleFileHead, RuleForm
from triggers.occurrences import SILENT
from triggers.schema_words import ABOUT

Schema = dict[str, Any]

_REF = "#/$defs/{model}"
_NAMES = {"where": "Where", "who": "Who", "asked": "Asked"}


def rules_schema() -> Schema:
    """The schema of a rule file."""
    made: dict[str, Schema] = {}
    for form in (RuleFileHead, RuleForm, PatternForm, PastForm):
        schema = TypeAdapter(form).json_schema(ref_template=_REF, mode="validation")
        made |= schema.pop("$defs", {})
        made.setdefault(form.__name__, schema)
    head = made.pop("RuleFileHead")
    defs = {name: _told(name, _plain(schema)) for name, schema in sorted(made.items())}
    defs |= {place: _condition(place) for place in _NAMES.values()}
    defs |= {f"fact.{name}": _fact(fact) for name, fact in sorted(FACTS.items())}
    defs["PatternForm"] |= {"minProperties": 1, "maxProperties": 1}
    defs["SequenceForm"]["oneOf"] = [{"required": ["first", "then"]}, {"required": ["steps"]}]
    defs["SequenceForm"]["properties"]["steps"]["minItems"] = 2
    defs["AbsenceForm"]["oneOf"] = [{"required": ["within"]}, {"required": ["until"]}]
    properties: Schema = _told("RuleFileHead", _plain(head))["properties"]
    properties["grounds"] = {
        "type": "object",
        "description": ABOUT["RuleFile.grounds"],
        "additionalProperties": {"$ref": "#/$defs/PatternForm"},
    }
    properties["rules"] = {
        "type": "array",
        "description": ABOUT["RuleFile.rules"],
        "minItems": 1,
        "maxItems": MAX_RULES,
        "items": {"$ref": "#/$defs/RuleForm"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "rules.schema.json",
        "title": "Reachpoint rule file",
        "description": ABOUT["RuleFile"],
        "type": "object",
        "additionalProperties": False,
        "required": ["rule_set", "version", "owner", "rules"],
        "properties": properties,
        "$defs": defs,
    }


def _plain(schema: Any) -> Any:
    """Without titles, nulls and defaults of null; with what may stand in the places that the forms leave open."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$comment" in schema:
        return {**_word(schema["$comment"]), **{key: schema[key] for key in ("description",) if key in schema}}
    kept: Schema = {
        key: _properties(value) if key == "properties" else _plain(value)
        for key, value in schema.items()
        if key not in ("title", "default")
    }
    if "default" in schema and schema["default"] is not None and not isinstance(schema["default"], (dict, list)):
        kept["default"] = schema["default"]
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if choices:
        kept.pop("anyOf")
        kept |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    return kept


def _properties(properties: Mapping[str, Any]) -> Schema:
    return {name: _plain(schema) for name, schema in properties.items()}


def _told(name: str, schema: Schema) -> Schema:
    """With a sentence for each property."""
    for field, inner in schema.get("properties", {}).items():
        inner["description"] = ABOUT.get(f"{name}.{field}") or ABOUT[field]
    return schema


def _word(place: str) -> Schema:
    if place in _NAMES:
        return {"$ref": f"#/$defs/{_NAMES[place]}"}
    if place == "status":
        return {"enum": [status.value for status in MemberStatus]}
    if place == "fact":
        return {"enum": ["", *sorted(FACTS)]}
    kinds = sorted(kind.value for kind in Kind if kind not in SILENT)
    return {"enum": [*sorted({f"{kind.split('.')[0]}.*" for kind in kinds}), *kinds]}


# -- conditions ----------------------------------------------------------------------------------------------------


def _condition(place: str) -> Schema:
    """What may be asked in one of the places where conditions stand."""
    facts = {name: {"$ref": f"#/$defs/fact.{name}"} for name, fact in sorted(FACTS.items()) if _may_ask(place, fact)}
    inner = {"$ref": f"#/$defs/{place}"}
    several = {"type": "array", "minItems": 1, "items": inner}
    joined: Schema = dict(zip(JOINERS, (several, several, inner, inner), strict=True))
    if place != "Where":
        past: Schema = {"$ref": "#/$defs/PastForm"}
        joined["past"] = {"anyOf": [past, {"type": "array", "minItems": 1, "items": past}]}
    if place == "Asked":
        joined["fired"] = {"type": "string"}
    return {
        "type": "object",
        "description": ABOUT[place],
        "additionalProperties": False,
        "properties": _described(joined) | facts,
    }


def _described(joined: Schema) -> Schema:
    return {name: {**one, "description": ABOUT.get(f"Where.{name}") or ABOUT[name]} for name, one in joined.items()}


def _may_ask(place: str, fact: Fact) -> bool:
    if place == "Who":
        return fact.name in OF_THE_PERSON
    return place == "Asked" or not (fact.recalled or fact.only_in_priority)


def _fact(fact: Fact) -> Schema:
    known: Schema = {"type": "boolean", "description": ABOUT["known"]}
    match fact.type:
        case FactType.TRUTH:
            value: Schema = {"type": "boolean"}
            asked: Schema = {"is": value}
        case FactType.NUMBER:
            value = {"type": "number"}
            numbers = (Operator.IS, Operator.AT_LEAST, Operator.AT_MOST, Operator.MORE_THAN, Operator.LESS_THAN)
            asked = {operator.value: value for operator in numbers}
        case _:
            value = {"enum": sorted(fact.words)} if fact.words else {"type": "string", "minLength": 1}
            listed: Schema = {"type": "array", "minItems": 1, "items": value}
            named: Schema = {"type": "string", "description": ABOUT["list"]}
            asked = {"is": value, "in": {"anyOf": [listed, named]}}
    operators: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {**asked, "known": known},
    }
    return {"description": f"{fact.label[0].upper()}{fact.label[1:]}.", "anyOf": [value, operators]}
