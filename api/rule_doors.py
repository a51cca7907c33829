"""The addresses of the rule book, for the table that the app and the OpenAPI document are made from."""

from api.door_spec import COMMAND, DoorSpec
from api.problems import ProblemKind as P
from api.rule_bodies import Agreeing, Drafting, Forecasting, Reasoned, Stepping, Switching
from api.rule_shapes import (
    RulesShown,
    ShadowShown,
    SwitchShown,
    VersionDetail,
    VersionList,
    VersionMoved,
    VersionsCompared,
)
from api.rules import RuleDoors

_TAG = "Rules"
_ONE = "/v1/rules/versions/{number}"


def rule_doors(rules: RuleDoors) -> tuple[DoorSpec, ...]:
    """All addresses under /v1/rules."""
    return (*_looking(rules), *_versions(rules), *_switches(rules))


def _looking(rules: RuleDoors) -> tuple[DoorSpec, ...]:
    found = (P.NOT_FOUND, P.INVALID)
    return (
        DoorSpec("GET", "/v1/rules", rules.rules, _TAG, "The rules in force", RulesShown, polled=True),
        DoorSpec("GET", "/v1/rules/shadow", rules.shadow, _TAG, "What the shadow says", ShadowShown, polled=True),
        DoorSpec(
            "GET",
            "/v1/rules/versions",
            rules.versions,
            _TAG,
            "All versions",
            VersionList,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec("GET", _ONE, rules.version, _TAG, "One version", VersionDetail, polled=True, problems=found),
        DoorSpec(
            "GET",
            f"{_ONE}/diff",
            rules.diff,
            _TAG,
            "What it says differently",
            VersionsCompared,
            polled=True,
            problems=found,
        ),
    )


def _versions(rules: RuleDoors) -> tuple[DoorSpec, ...]:
    refused = (*COMMAND, P.NOT_PERMITTED_NOW)
    seen = (*refused, P.VERSION_NEEDED)
    return (
        DoorSpec(
            "POST",
            "/v1/rules/versions",
            rules.submit,
            _TAG,
            "Submit a draft",
            VersionMoved,
            problems=refused,
            body=Drafting,
        ),
        DoorSpec("POST", f"{_ONE}/check", rules.check, _TAG, "Check it again", VersionMoved, problems=refused),
        DoorSpec(
            "POST", "/v1/rules/shadow/end", rules.end_shadow, _TAG, "End the shadow", VersionMoved, problems=refused
        ),
        *(
            DoorSpec("POST", f"{_ONE}/{word}", endpoint, _TAG, summary, VersionMoved, problems=seen, body=body)
            for word, endpoint, summary, body in (
                ("backtest", rules.backtest, "Hand in its backtest", Forecasting),
                ("shadow", rules.run_in_shadow, "Run it in shadow", Stepping),
                ("approve", rules.approve, "Approve it", Stepping),
                ("publish", rules.publish, "Put it live", Stepping),
                ("withdraw", rules.withdraw, "Withdraw it", Reasoned),
                ("roll-back", rules.roll_back, "Take it back", Reasoned),
            )
        ),
    )


def _switches(rules: RuleDoors) -> tuple[DoorSpec, ...]:
    refused = (*COMMAND, P.NOT_PERMITTED_NOW)
    return tuple(
        DoorSpec(
            "POST", f"/v1/rules/{{rule_id}}/{word}", endpoint, _TAG, summary, SwitchShown, problems=refused, body=body
        )
        for word, endpoint, summary, body in (
            ("kill", rules.kill, "Switch a rule off", Switching),
            ("confirm", rules.confirm, "Confirm that it stays off", Agreeing),
            ("revive", rules.revive, "Switch it on again", Agreeing),
        )
    )
