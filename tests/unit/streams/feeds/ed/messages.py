"""Messages for the tests: built field by field, with reserved identities only (domain.md sections 4 and 12)."""

from datetime import UTC, datetime
from pathlib import Path

from domain.events import Event
from streams.feeds.ed import EdPolicy, parse_ed
from streams.feeds.ed_codes import load_ed_codes
from streams.feeds.outcome import Ignored, ParseResult, Rejected

NOW = datetime(2026, 11, 14, 21, 30, 1, tzinfo=UTC)
POLICY = EdPolicy(load_ed_codes())

ITK_A04 = "\r".join(
    (
        r"MSH|^~\&|PAS|X9Z|ROUTE|ROUTE|20261114213000||ADT^A04^ADT_A01|MSG000001|P|2.4|1||||||||ITKv1.0",
        "EVN||20261114212955|||OP1^Test^Clerk|20261114212800",
        "PID|1||9990000018^^^NHS~H0001^^^X9ZPAS||TESTONE^ARI^B^^MR^^L|TESTM|20090204|1|||"
        "1 SAMPLE ST^^SAMPLETON^^ZZ99 3VZ^GBR^H||01632960001~07700900123|||||||||||N||||||||NSTS01",
        "PV1|1|E|ED^^^X9Z01|28||||||180|||||||||V0001^^^X9ZVISIT|||||||||||||||||||||||||20261114212800",
    )
)
"""The synthetic A04 of domain.md 1.2, as it stands there."""


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment with the given fields; the others are absent."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields, default=0) + 1))])


def adt(
    trigger: str = "A04",
    *extra: str,
    msh: dict[int, str] | None = None,
    evn: dict[int, str] | None = None,
    pid: dict[int, str] | None = None,
    pv1: dict[int, str] | None = None,
    without: tuple[str, ...] = (),
) -> str:
    """An emergency visit of a fictitious patient; every field can be changed, every segment left out."""
    header = {
        2: "^~\\&",
        3: "PAS",
        4: "X9Z",
        7: "20261114213000",
        9: f"ADT^{trigger}^ADT_A01",
        10: "C1",
        11: "P",
        12: "2.4",
        **(msh or {}),
    }
    segments = [
        "MSH|" + "|".join(header.get(number, "") for number in range(2, max(header) + 1)),
        segment("EVN", {2: "20261114212955", 6: "20261114212800"} | (evn or {})),
        segment("PID", {3: "H0001^^^X9ZPAS", 5: "TESTONE^ARI", 7: "20090204", 8: "1"} | (pid or {})),
        segment("PV1", {2: "E", 19: "V0001^^^X9ZVISIT"} | (pv1 or {})),
        *extra,
    ]
    return "\r".join(one for one in segments if one[:3] not in without)


def parse(message: str | bytes, policy: EdPolicy = POLICY) -> ParseResult:
    raw = message.encode() if isinstance(message, str) else message
    return parse_ed(raw, received_at=NOW, channel="file", source="test.hl7", position=7, policy=policy)


def event(message: str | bytes, policy: EdPolicy = POLICY) -> Event:
    result = parse(message, policy)
    assert isinstance(result, Event), result
    return result


def rejected(message: str | bytes, policy: EdPolicy = POLICY) -> Rejected:
    result = parse(message, policy)
    assert isinstance(result, Rejected), result
    return result


def ignored(message: str | bytes) -> Ignored:
    result = parse(message)
    assert isinstance(result, Ignored), result
    return result


def site_policy(tmp_path: Path, text: str) -> EdPolicy:
    """The shipped lists with a site's own laid over them."""
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return EdPolicy(load_ed_codes(path))
