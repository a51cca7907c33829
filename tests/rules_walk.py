"""The supervisor's afternoon of docs/rules.md, lived through with the real commands; `make docs` writes it there.

A year of thirty people who were hurt now and then stands for a force's archive. Times differ from run to run, and
are all that may: `tests/unit/docs/test_rules_walk.py` lives it through again and compares.
"""

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from streams.server import EmbeddedServer
from tests.e2e.house import reachpoint

PAGE = Path(__file__).parents[1] / "docs" / "rules.md"
BEGIN, END = "<!-- the walk begins: written by `make docs` -->", "<!-- the walk ends -->"
_LONG, _SHORT = "at_least: 2, within: 365d", "at_least: 2, within: 180d"
_TELLS = ("more than once within", "within")
"""How the rule's headline and its reason lead up to the year that they tell of."""
_START = datetime(2025, 1, 6, 20, 0, tzinfo=UTC)
_PEOPLE = 30
_SCENARIO = """name: {name}
start: 2026-03-02T09:00:00Z
cohort: [{{member_id: M1, status: active, date_of_birth: 2009-05-04}}]
timeline:
  - {{at: 0h, kind: ed.departed, member: M1, attributes: {{intent: assault, visit_key: V1}}}}
  - {{at: {days}d, kind: ed.departed, member: M1, attributes: {{intent: assault, visit_key: V2}}}}
expect:
  - {{at: 0h, member: M1, rule: ED_ASSAULT}}
  - {{at: {days}d, member: M1, rule: ED_ASSAULT}}
"""
_FIRES = "  - {{at: {days}d, member: M1, rule: ED_REPEAT_ASSAULT, priority: P1}}\n"


@dataclass(frozen=True, slots=True)
class Said:
    """A command as it is typed, what it answered, and the words before it. `status` is its exit status."""

    before: str
    typed: str
    answered: str
    status: int


def tests_of(days: int) -> str:
    """Rule tests for a window of so many days: at its edge, and a day beyond it."""
    edge = _SCENARIO.format(name=f"hurt again exactly {days} days later", days=days) + _FIRES.format(days=days)
    return f"{edge}---\n" + _SCENARIO.format(name=f"hurt again {days + 1} days later", days=days + 1)


def cohort() -> str:
    """Thirty watched people."""
    head = "member_id,status,given_names,family_name,date_of_birth,programme,area,navigator_id,starts,review_on\n"
    return head + "".join(
        f"M{number},non_engager,Given{number},Family{number},2009-05-04,reach,testshire,N{number % 3},2024-06-01,2027-06-01\n"
        for number in range(1, _PEOPLE + 1)
    )


def year() -> Iterator[str]:
    """Who was in an emergency department after an assault, and when: each of them once or twice, some weeks apart."""
    for number in range(1, _PEOPLE + 1):
        first = _START + timedelta(days=number * 5)
        again = first + timedelta(days=20 + (number * 37) % 330)
        for turn, at in enumerate((first, again)):
            said = {"intent": "assault", "visit_key": f"V{number}-{turn}"}
            record = {"kind": "ed.departed", "member_id": f"M{number}", "source_system": "ED", "attributes": said}
            yield json.dumps(record | {"source_key": f"{number}-{turn}", "occurred_at": at.isoformat()})


class Afternoon:
    """A folder with what the supervisor has, and the commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[Said] = []
        (folder / "cohort.csv").write_text(cohort())
        (folder / "year.ndjson").write_text("\n".join(year()) + "\n")
        (folder / "rule-tests").mkdir()
        (folder / "rule-tests" / "repeat.yaml").write_text(tests_of(365))

    def type(self, before: str, typed: str, *, status: int = 0, into: str = "") -> None:
        """Run one command and keep what it said; `into` is the file that the shell sends its output to."""
        done = reachpoint(*_words(typed), cwd=self.folder)
        assert done.status == status, f"{typed}: {done.status}\n{done.out}{done.err}"
        if into:
            (self.folder / into).write_text(done.out)
        shown = f"reachpoint {typed}" + (f" > {into}" if into else "")
        self.said.append(Said(before, shown, "" if into else done.err + done.out, done.status))

    def live(self) -> list[Said]:
        """The whole afternoon."""
        for name in ("anna", "ben"):
            self.type(
                "Two supervisors share the machine's account, so each acts with a key of their own (two accounts of the"
                " machine would do as well)."
                if name == "anna"
                else "",
                f"keys create {name} --role supervisor",
                into=f"{name}.key",
            )
        self.type(
            "Anna takes the rules that are live, and the tests that she keeps beside them.",
            "rules show --text tipt",
            into="tipt.yaml",
        )
        self._shorten()
        self.type("", "rules check tipt.yaml")
        self._reword()
        self.type("", "rules diff tipt.yaml")
        self.type(
            "Her tests still want the year, and say so. She changes them to 180 days too.",
            "rules test rule-tests --rules tipt.yaml",
            status=1,
        )
        (self.folder / "rule-tests" / "repeat.yaml").write_text(tests_of(180))
        self.type("", "rules test rule-tests --rules tipt.yaml")
        self.type(
            "**The forecast**: the last year, judged by both.",
            "rules backtest --rules tipt.yaml --against live --history year.ndjson --cohort cohort.csv"
            " --since 2025-01-01 --until 2026-01-01 --json forecast.json --examples 2",
        )
        self._publish()
        return self.said

    def _shorten(self) -> None:
        rules = self.folder / "tipt.yaml"
        text = rules.read_text()
        assert text.count(_LONG) == 1
        rules.write_text(text.replace(_LONG, _SHORT))
        before = "She edits one word of `ED_REPEAT_ASSAULT`, `within: 365d` to `within: 180d`:"
        self.said.append(Said(before, f"sed -i 's/{_LONG}/{_SHORT}/' tipt.yaml", "", 0))

    def _reword(self) -> None:
        """What the page says, and why, still tells of a year."""
        rules = self.folder / "tipt.yaml"
        text = rules.read_text()
        assert all(f"assault {each} a year" in text for each in _TELLS)
        rules.write_text(re.sub(rf"(assault (?:{'|'.join(_TELLS)})) a year", r"\1 six months", text))
        edits = "; ".join(f"s/assault {each} a year/assault {each} six months/" for each in _TELLS)
        before = 'A navigator would still say "within a year". She changes these words too:'
        self.said.append(Said(before, f"sed -i '{edits}' tipt.yaml", "", 0))
        self.type("", "rules check tipt.yaml")

    def _publish(self) -> None:
        anna, ben = "--as-key anna.key", "--as-key ben.key"
        told = json.loads((self.folder / "forecast.json").read_text())
        gone, stay = told["difference"]["removed_by_rule"]["ED_REPEAT_ASSAULT"], told["figures"]["ED_REPEAT_ASSAULT"]
        self.type(
            f"Of {gone + stay} calls to go within the hour because it happened again, {gone} would not be made; those"
            " visits are told as ED_ASSAULT, for the same day, and no alert is lost. She thinks that right, and submits it with its tests and its forecast.",
            f"rules submit tipt.yaml --note 'Half a year is long enough' --tests rule-tests {anna}",
        )
        self.type("", f"rules backtested 2 forecast.json {anna}")
        self.type("Alone she cannot put it live:", f"rules publish 2 {anna}", status=1)
        self.type("", f"rules approve 2 {anna}", status=1)
        self.type("Ben reads the difference and the forecast, and agrees.", "rules diff 2")
        self.type("", f"rules approve 2 --reason 'Seen the forecast' {ben}")
        self.type(
            "From here on every event is judged by version 2, on every worker within a second.",
            f"rules publish 2 {anna}",
        )
        self.type("", "rules list")
        self.type(
            "At six a navigator calls: somebody came back after seven months and nobody was told. Ben takes it back, in one"
            " step and alone; all supervisors are told.",
            f"rules roll-back --reason 'We miss those who come back late' {ben}",
        )
        self.type("", "rules list")


def _words(typed: str) -> list[str]:
    return [found[1:-1] if found.startswith("'") else found for found in re.findall(r"'[^']*'|\S+", typed)]


def written(said: list[Said]) -> str:
    """The afternoon as Markdown."""
    parts = []
    for each in said:
        if each.before:
            parts.append(f"{each.before}\n")
        parts.append(f"```sh\n{each.typed}\n```\n")
        if each.answered.strip():
            lines = "\n".join(line.rstrip() for line in each.answered.rstrip().splitlines())
            parts.append(f"```text\n{lines}\n```\n")
    return "\n".join(parts)


def plain(text: str) -> str:
    """A text without what may differ from run to run: the time it is, and how wide a table is for it."""
    timeless = re.sub(r"\d{2} \w{3} \d{4}(\s+\d{2}:\d{2}(:\d{2})?)?", "<time>", re.sub(r"[│┃]", " ", text))
    timeless = re.sub(r"[\u2500-\u257f]+", " ", timeless)
    timeless = re.sub(r"\b\d+([.,]\d+)? (s|ms|seconds?)\b", "<span>", timeless)
    return " ".join(timeless.split())


@contextmanager
def place() -> Iterator[Path]:
    """A folder with a store that runs, so that each command does not start one of its own."""
    with TemporaryDirectory(prefix="rp-walk-") as name:
        folder = Path(name)
        server = EmbeddedServer(folder / "reachpoint-data")
        asyncio.run(server.start())
        try:
            yield folder
        finally:
            asyncio.run(server.stop())
            shutil.rmtree(folder / "reachpoint-data", ignore_errors=True)


def in_page(page: str) -> str:
    """The walk as it stands in the page."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write the walk into the page."""
    with place() as folder:
        walk = written(Afternoon(folder).live())
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{walk}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
