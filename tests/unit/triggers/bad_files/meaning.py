"""Files of the right form that mean nothing, or what no rule may ask: the schema lets them pass, we do not."""

from random import Random

from tests.unit.triggers.bad_files.spoiling import ASSAULT, Data, Spoiler, any_rule, event, with_pattern

MEANING: list[Spoiler] = []


def _in_meaning(spoiler: Spoiler) -> Spoiler:
    MEANING.append(spoiler)
    return spoiler


@_in_meaning
def span_beyond_limits(random: Random, data: Data) -> str:
    span = random.choice(["9999d", "0d", "731d", "100000h"])
    return with_pattern(random, data, {"count": {"of": ASSAULT, "at_least": 2, "within": span}})


@_in_meaning
def search_alone(random: Random, data: Data) -> str:
    """A search by itself, or one that can hold where nothing was found."""
    search = "stopsearch.recorded"
    return with_pattern(random, data, random.choice([
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


@_in_meaning
def suspect_under_ten(random: Random, data: Data) -> str:
    who = random.choice([{"less_than": 10}, {"at_most": 9}, {"less_than": 5}, 9, {"is": 8}])
    when = random.choice([
        event("crime.*", role={"in": ["suspect", "arrested"]}),
        event("crime.*", any=[{"role": "charged"}, {"offence": "8N"}]),
        {"count": {"of": {"event": {"kinds": ["custody.arrived"], "suspect_side": True}}, "at_least": 2, "within": "9d"}},
    ])  # fmt: skip
    return with_pattern(random, data, when, who={"age": who})


@_in_meaning
def guilt_by_link(random: Random, data: Data) -> str:
    where = random.choice([{"role": "suspect"}, {"role": {"in": "suspect_roles"}}, {"any": [{"role": "offender"}]}])
    crime: Data = {"event": {"kinds": ["crime.*"], "subject": "linked", "where": where}}
    return with_pattern(random, data, random.choice([crime, {"count": {"of": crime, "at_least": 2, "within": "9d"}}]))


@_in_meaning
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


@_in_meaning
def unknown_name(random: Random, data: Data) -> str:
    return with_pattern(random, data, random.choice([
        {"ground": "no_such_ground"},
        {"fired": {"rule": "NO_SUCH_RULE"}},
        event(offence={"in": "no_such_list"}),
    ]))  # fmt: skip


@_in_meaning
def not_compared_so(random: Random, data: Data) -> str:
    return with_pattern(random, data, random.choice([
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


@_in_meaning
def wrong_who(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
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


@_in_meaning
def too_deep(random: Random, data: Data) -> str:
    pattern: Data = ASSAULT
    asked: Data = {"intent": "assault"}
    for _ in range(9):
        pattern = random.choice([{"any_of": [pattern]}, {"first": {"of": pattern}}])
        asked = {random.choice(["all", "any"]): [asked]}
    return with_pattern(random, data, random.choice([pattern, event(**asked)]))


@_in_meaning
def built_on_silence(random: Random, data: Data) -> str:
    silence: Data = {"absence": {"after": ASSAULT, "unless": event("visit.made"), "within": "3d"}}
    return with_pattern(random, data, random.choice([
        {"count": {"of": silence, "at_least": 2, "within": "28d"}},
        {"sequence": {"first": silence, "then": ASSAULT, "within": "3d"}},
        {"all_of": {"of": [ASSAULT, silence], "within": "3d"}},
        {"any_of": [{"any_of": [silence]}]},
    ]))  # fmt: skip


@_in_meaning
def contradiction(random: Random, data: Data) -> str:
    return with_pattern(random, data, random.choice([
        {"change": {"of": ASSAULT, "recent": "28d", "usual": "7d", "times": 2, "at_least": 2}},
        {"accumulated": {"at_least": 3, "categories": {"ONE": ASSAULT, "TWO": ASSAULT}}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "distinct": "feed", "min_feeds": 2}},
        {"count": {"of": ASSAULT, "at_least": 2, "within": "3d", "merging": {"two_feeds_within": "6h"}}},
        {"sequence": {"first": ASSAULT, "then": ASSAULT, "within": "3d", "overlap": False}},
        {"all_of": {"of": [ASSAULT], "within": "3d"}},
        {"event": {"kinds": ["intel.*"]}},
    ]))  # fmt: skip


@_in_meaning
def gatekeepers_word(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    rule["then"]["sensitivity"] = "intel"
    return str(rule["id"])


@_in_meaning
def twice(random: Random, data: Data) -> str:
    rule = any_rule(random, data)
    data["rules"].append({**rule})
    return str(rule["id"])


@_in_meaning
def endless(random: Random, data: Data) -> str:
    """Grounds of grounds of grounds: short to write, millions of patterns to look for."""
    grounds = data.setdefault("grounds", {})
    grounds["g0"] = ASSAULT
    for level in range(1, 5):
        grounds[f"g{level}"] = {"any_of": [{"ground": f"g{level - 1}"}] * 20}
    rule = any_rule(random, data)
    rule["when"] = {"ground": "g4"}
    return "ground g2"
