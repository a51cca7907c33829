"""The addresses of snoozes, breakers and the rule watch: a table of its own beside `doors.py`."""

from api.bodies import Deciding, Snoozing
from api.door_spec import COMMAND, DoorSpec
from api.problems import ProblemKind as P
from api.quiet import QuietDoors
from api.quiet_shapes import BreakerDetail, BreakerList, HeldBackList, RuleWatchList, SnoozeDetail, SnoozeList


def quiet_doors(quiet: QuietDoors) -> tuple[DoorSpec, ...]:
    """All addresses about what is quiet, and what should not be."""
    at = "/v1/snoozes/{snooze_id}"
    act = (*COMMAND, P.NOT_PERMITTED_NOW)
    return (
        DoorSpec(
            "GET",
            "/v1/snoozes",
            quiet.snoozes,
            "Quiet",
            "Which rules are quiet for whom",
            SnoozeList,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec(
            "POST", "/v1/snoozes", quiet.make, "Quiet", "Snooze a rule", SnoozeDetail, problems=act, body=Snoozing
        ),
        DoorSpec("GET", at, quiet.snooze, "Quiet", "One snooze", SnoozeDetail, polled=True, problems=(P.NOT_FOUND,)),
        DoorSpec(
            "POST",
            f"{at}/confirm",
            quiet.confirm,
            "Quiet",
            "Agree that P1 is quiet too",
            SnoozeDetail,
            problems=(P.NOT_FOUND, P.CONFLICT, P.NOT_PERMITTED_NOW),
        ),
        DoorSpec("POST", f"{at}/lift", quiet.lift, "Quiet", "Lift it", SnoozeDetail, problems=act, body=Deciding),
        DoorSpec(
            "GET",
            "/v1/held-back",
            quiet.held_back,
            "Quiet",
            "What was told to nobody",
            HeldBackList,
            polled=True,
            problems=(P.INVALID,),
        ),
        DoorSpec("GET", "/v1/breakers", quiet.breakers, "Quiet", "What floods", BreakerList, polled=True),
        DoorSpec(
            "POST",
            "/v1/breakers/{kind}/{name}/close",
            quiet.close_breaker,
            "Quiet",
            "Close a breaker",
            BreakerDetail,
            problems=act,
            body=Deciding,
        ),
        DoorSpec(
            "GET",
            "/v1/rule-watch",
            quiet.rule_watch,
            "Quiet",
            "Rules against their forecasts",
            RuleWatchList,
            polled=True,
        ),
    )
