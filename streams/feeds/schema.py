"""The JSON Schema of a record, made from the border's own types: what a sender's tools can check before sending.

It says the shapes. What values mean together (a role for a crime, a feed for a kind) is told by the receipt.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from domain.kinds import Kind
from streams.feeds.border import ATTRIBUTES_IN, RecordIn
from streams.feeds.border_values import Birth, Extras, GradeWord, MarkingWord, Moment, SexWord

_REF = "#/$defs/{name}"
_VALUES: Mapping[type, dict[str, Any]] = {
    Moment: {"type": "string", "description": "ISO 8601 with an offset; without one it is London time."},
    Birth: {
        "description": "A date of birth, alone or with how far it can be trusted.",
        "anyOf": [
            {"type": "string", "format": "date"},
            {
                "type": "object",
                "required": ["value"],
                "properties": {
                    "value": {"type": "string", "format": "date"},
                    "quality": {"enum": ["stated", "estimated", "default", None]},
                },
                "additionalProperties": False,
            },
        ],
    },
    Extras: {"type": ["object", "array"], "description": "What a table says beyond a person's fields."},
    SexWord: {"type": ["string", "integer"], "description": "male, female, not_specified, unknown, or 1, 2, 9, 0."},
    MarkingWord: {"type": "string", "description": "OFFICIAL or OFFICIAL-SENSITIVE."},
    GradeWord: {"type": ["object", "string"], "description": "Source, assessment and handling: 1-B-P, or by name."},
}


def record_schema() -> dict[str, Any]:
    """The schema of one record of any feed (JSON Schema 2020-12)."""
    (head,), shared = msgspec.json.schema_components([_head()], schema_hook=_VALUES.__getitem__, ref_template=_REF)
    record = shared.pop(head["$ref"].removeprefix("#/$defs/"))
    kinds = sorted({own.__name__ for own in ATTRIBUTES_IN.values()})
    types = {own.__name__: own for own in ATTRIBUTES_IN.values()}
    _, attributes = msgspec.json.schema_components(
        [types[name] for name in kinds], schema_hook=_VALUES.__getitem__, ref_template=_REF
    )
    record["properties"]["attributes"] = {"type": ["object", "null"], "description": "By kind: see allOf."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of a police, intelligence or programme system",
        "description": RecordIn.__doc__,
        **{name: value for name, value in record.items() if name not in {"title", "description"}},
        "allOf": [_by_kind(kind) for kind in Kind],
        "$defs": {**shared, **attributes},
    }


def _head() -> type[msgspec.Struct]:
    """The envelope without its attributes, which are read by kind."""
    parts: list[Any] = [
        (part.name, part.type) if part.required else (part.name, part.type, None)
        for part in msgspec.structs.fields(RecordIn)
        if part.name != "attributes"
    ]
    return msgspec.defstruct("Record", parts, forbid_unknown_fields=True, kw_only=True)


def _by_kind(kind: Kind) -> dict[str, Any]:
    own = {"anyOf": [{"$ref": _REF.format(name=ATTRIBUTES_IN[kind].__name__)}, {"type": "null"}]}
    return {
        "if": {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]},
        "then": {"properties": {"attributes": own}},
    }
