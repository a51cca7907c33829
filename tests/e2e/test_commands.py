"""The command line as strangers meet it: help, exit statuses, JSON for machines, and a sentence where it cannot.

Each command is a process of its own. 0 done, 1 found faults, 2 cannot run; never a stack trace.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from domain.kinds import Feed
from tests.e2e.house import reachpoint
from tests.e2e.people import adt, ago, line, mention, record, watched
from tests.e2e.warm import Done

COMMANDS = [
    "run", "worker", "api", "demo", "ingest", "match", "match train", "match explain", "match evaluate", "doctor", "cohort import", "cohort export", "cohort show",
    "navigators import", "quarantine list", "quarantine show", "quarantine replay", "rules check", "rules explain",
    "rules test", "rules list", "rules show", "rules diff", "rules submit", "rules backtested", "rules shadow", "rules approve",
    "rules publish", "rules withdraw", "rules roll-back", "rules kill", "rules confirm", "rules revive", "keys create", "keys list", "keys revoke",
]  # fmt: skip
SAMPLES = Path(__file__).parents[2] / "fixtures" / "samples"
FAULTY_COHORT = (
    "member_id,status,given_names,family_name,date_of_birth,nhs_number\n"
    "M1,at_risk,Ari,Testone,2009-02-04,9990000018\n"
    "M2,imagined,Bel,Sampleton,2008-01-09,\n"
    "M3,at_risk,Cai,Testone,2008-31-31,\n"
    ",at_risk,Dov,Testone,2008-01-01,\n"
)


def told_plainly(done: Done) -> bool:
    """Whether somebody at a terminal can read what happened: words, no trace, no bare value of Python."""
    shown = done.out + done.err
    return not any(sign in shown for sign in ("Traceback", 'File "', "Error:", "object at 0x", "\x00"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a data directory and files that nobody can use."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "faulty.csv").write_text(FAULTY_COHORT)
    (folder / "not-text.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "not-text.toml").write_bytes(b"\xff\xfe\x00")
    (folder / "away.toml").write_text('[store]\nredis_url = "redis://127.0.0.1:1/0"\n')
    (folder / "unknown.toml").write_text("[api]\nporto = 1\n")
    (folder / "wrong.toml").write_text('[alerts]\nsms_url = "[bold]nothing://secret-of-ours"\n')
    (folder / "rules.yaml").write_text("rule_set: mine\nrules: [{id: A, when: {event: {kinds: [ed.imagined]}}}]\n")
    (folder / "folder.yaml").mkdir()
    return folder


def test_every_command_has_help() -> None:
    for words in COMMANDS:
        done = reachpoint(*words.split(), "--help")
        assert done.status == 0 and "Usage" in done.out, words


def test_the_installed_command_starts_cold() -> None:
    command = Path(sys.executable).with_name("reachpoint")
    done = subprocess.run([command, "rules", "check", "--json"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout)["faults"] == []


UNUSABLE: list[tuple[str, int, str]] = [
    ("", 2, "no command"),
    ("imagined", 2, "no such command"),
    ("ingest", 2, "no feed"),
    ("ingest ed /nowhere/x.hl7", 2, "no such file"),
    ("ingest imagined -", 2, "no such feed"),
    ("ingest police x.csv", 2, "a CSV file without a mapping"),
    ("ingest police - --mapping imagined", 2, "no such mapping"),
    ("ingest police - --mapping not-text.yaml", 2, "a mapping that is no text"),
    ("ingest police - --mapping folder.yaml", 2, "a mapping that is a folder"),
    ("ingest police - --config /nowhere.toml", 2, "no such configuration"),
    ("ingest police - --config not-text.toml", 2, "a configuration that is no text"),
    ("ingest police - --config unknown.toml", 2, "a setting that is not known"),
    ("run --config wrong.toml", 2, "a sending URL that cannot be used"),
    ("run --config folder.yaml", 2, "a configuration that is a folder"),
    ("cohort import /nowhere.csv", 2, "no such file"),
    ("cohort import folder.yaml", 2, "a folder for a file"),
    ("cohort export /nowhere/x.csv", 2, "no such folder"),
    ("cohort import faulty.csv --data /proc/nowhere", 2, "a data directory that cannot be made"),
    ("navigators import not-text.yaml", 1, "a file that is no text"),
    ("rules check imagined", 2, "no such rule set"),
    ("rules check /nowhere.yaml", 2, "no such rule file"),
    ("rules check not-text.yaml", 1, "a rule file that is no text"),
    ("rules check rules.yaml", 1, "a rule file with faults"),
    ("rules explain --rule IMAGINED", 1, "no such rule"),
    ("rules test /nowhere.yaml", 2, "no such scenario"),
    ("rules test rules.yaml", 1, "a rule file for a scenario"),
    ("rules test rules.yaml --rules imagined", 2, "no such rules to test by"),
    ("rules check 1 --reference not-text.yaml", 2, "lists of one's own for what the book keeps"),
    ("rules explain 99", 2, "no such version to explain"),
    ("rules list --config away.toml", 2, "a store that is away"),
    ("rules check rules.yaml --config away.toml", 1, "a rule file with faults, where the store is away"),
    ("rules check rules.yaml --reference /nowhere.yaml", 2, "no such reference lists"),
    ("rules submit /nowhere.yaml --note new", 2, "no such rule file"),
    ("rules submit not-text.yaml --note new", 2, "a rule file that is no text"),
    ("rules submit rules.yaml --note new", 1, "a rule file with faults: kept as a draft that goes nowhere"),
    ("rules backtest --rules tipt --only IMAGINED", 2, "no such rule to judge alone"),
    ("rules backtest --rules tipt --only changed", 2, "nothing to compare with"),
    ("rules backtested 1 not-text.yaml", 2, "no result of a backtest"),
    ("rules publish 99", 2, "no such version"),
    ("rules kill IMAGINED --reason why", 1, "no such rule"),
    ("rules approve 1 --as-key not-text.yaml", 2, "no key"),
    ("match --cohort /nowhere.csv --events x --out y", 2, "no such cohort"),
    ("keys create somebody --role imagined", 2, "no such role"),
    ("keys create somebody --role feed", 2, "a feed's key for no feed"),
    ("keys create somebody --role dashboard --days -1", 2, "a key that has ended"),
    ("keys revoke imagined", 1, "no such key"),
    ("quarantine show imagined", 1, "no such record"),
    ("quarantine list --state imagined", 2, "no such state"),
    ("quarantine replay", 1, "nothing to replay"),
]


def test_what_cannot_be_done_is_a_sentence_and_an_exit_status(place: Path) -> None:
    needs_data = ("ingest", "cohort", "navigators", "keys", "quarantine", "run")
    wrong = []
    for number, (words, status, why) in enumerate(UNUSABLE):
        data = ("--data", f"data-{number % 2}") if words.startswith(needs_data) and "--data" not in words else ()
        done = reachpoint(*words.split(), *data, cwd=place)
        if done.status != status or not told_plainly(done) or not (done.err or done.out).strip():
            wrong.append((words, why, status, done))
    assert not wrong


TAKES_TWO = (
    "rules submit rules.yaml --note new",
    "rules approve 1",
    "rules publish 1",
    "rules confirm ED_ASSAULT",
    "snooze add ED_ASSAULT M1 --reason calm --for 1d --include-p1",
    "snooze confirm 0123",
)


def test_where_supervisors_have_keys_nobody_is_two_people(place: Path) -> None:
    assert reachpoint("keys", "create", "anna", "--role", "supervisor", "--data", "keyed", cwd=place).status == 0
    for words in TAKES_TWO:
        done = reachpoint(*words.split(), "--data", "keyed", cwd=place)
        assert done.status == 2 and "act with your own: --as-key FILE" in done.err, (words, done)
    alone = reachpoint("rules", "roll-back", "--reason", "too many", "--data", "keyed", cwd=place)
    assert alone.status == 1 and "key" not in alone.err, alone


def test_a_wrong_sending_url_is_refused_without_being_shown(place: Path) -> None:
    done = reachpoint("run", "--config", "wrong.toml", "--data", "data-w", cwd=place)
    assert done.status == 2 and "secret-of-ours" not in done.out + done.err


def test_a_cohort_file_with_faults_tells_all_of_them_and_imports_nobody(tmp_path: Path) -> None:
    file = tmp_path / "faulty.csv"
    file.write_text(FAULTY_COHORT)
    done = reachpoint("cohort", "import", str(file), "--data", str(tmp_path / "data"), "--json")
    assert done.status == 1 and done.json["imported"] == 0 and done.json["faults"] >= 3
    assert all(f"line {number}" in done.err for number in (3, 4, 5)), done.err
    assert "Sampleton" not in done.err and "2008-31-31" not in done.err, "faults name places, never values"
    shown = reachpoint("cohort", "show", "--data", str(tmp_path / "data"), "--json")
    assert shown.status == 0 and shown.json == []


def test_people_in_and_out_again(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    assert reachpoint("navigators", "import", str(SAMPLES / "navigators.ndjson"), *data, "--json").json["imported"] == 9
    done = reachpoint("cohort", "import", str(SAMPLES / "cohort.csv"), *data, "--json")
    assert done.status == 0 and done.json["imported"] == 8
    out = tmp_path / "out.csv"
    assert reachpoint("cohort", "export", str(out), *data).status == 0
    assert out.stat().st_mode & 0o077 == 0, "an export holds identities: nobody else may read it"
    again = reachpoint("cohort", "import", str(out), *data, "--json")
    assert again.status == 0 and again.json["imported"] == 8
    shown = reachpoint("cohort", "show", *data)
    assert shown.status == 0 and "M000001" in shown.out and "Sahota" not in shown.out


def test_keys_are_shown_once_listed_without_secret_and_revoked(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"), "--json")
    made = reachpoint("keys", "create", "ED of X9Z", "--role", "feed", "--feed", "ed", "--days", "30", *data)
    assert made.status == 0
    key_id, secret = made.json["key_id"], made.json["key"]
    (listed,) = reachpoint("keys", "list", *data).json
    assert listed["key_id"] == key_id and listed["bound to"] == "ed" and not listed["revoked"]
    assert secret not in json.dumps(listed)
    assert reachpoint("keys", "revoke", key_id, *data).json["revoked"] is True
    (listed,) = reachpoint("keys", "list", *data).json
    assert listed["revoked"]
    on_disk = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert secret.encode() not in on_disk and key_id.encode() in on_disk


def test_the_doctor_looks_at_everything_and_says_what_to_mend(tmp_path: Path) -> None:
    done = reachpoint("doctor", "--data", str(tmp_path / "data"), "--json")
    found = {each["what"]: each["state"] for each in done.json}
    assert {"disk", "configuration", "channels", "store", "books"} <= found.keys()
    assert found["store"] == found["books"] == "ok" and found["channels"] == "MEND"
    assert done.status == 1, "no channel is set up: that must be mended"


def test_rules_are_checked_explained_and_tested(tmp_path: Path) -> None:
    checked = reachpoint("rules", "check", "--json")
    assert checked.status == 0 and checked.json["faults"] == [] and checked.json["rules"] >= 18
    explained = reachpoint("rules", "explain", "--json")
    assert explained.status == 0 and all(rule["in words"].strip() for rule in explained.json)
    passing = tmp_path / "passing.yaml"
    passing.write_text(
        "name: stabbed\nrules: tipt\nstart: 2026-03-02T09:00:00Z\n"
        "cohort: [{member_id: M1, status: at_risk}]\n"
        "timeline: [{at: 0h, kind: ed.arrival, member: M1, "
        "attributes: {intent: assault, mechanism: sharp, visit_key: V1}}]\n"
        "expect: [{at: 0h, member: M1, rule: ED_WEAPON_ASSAULT}]\n"
    )
    done = reachpoint("rules", "test", str(passing), "--json")
    assert done.status == 0 and [row["passed"] for row in done.json] == [True]
    failing = tmp_path / "failing.yaml"
    failing.write_text(passing.read_text().replace("ED_WEAPON_ASSAULT", "ED_LEFT_EARLY"))
    done = reachpoint("rules", "test", str(failing))
    assert done.status == 1 and "ED_LEFT_EARLY" in done.err, "the difference is said in words"
    slips = tmp_path / "slips.yaml"
    slips.write_text(passing.read_text().replace("member: M1, attr", "member: M11, attr").split("expect")[0])
    done = reachpoint("rules", "test", str(slips))
    assert done.status == 0 and "Look at these again; the tests ran all the same:\n  slips.yaml: line 5, " in done.err


def test_match_writes_one_line_for_each_scored_pair(tmp_path: Path) -> None:
    who = watched(1)
    events, out = tmp_path / "events.ndjson", tmp_path / "pairs.ndjson"
    told = record("crime.recorded", "99/1/26", ago(hours=1), mention(who, "victim"), attributes={"ho_code": "8N"})
    events.write_bytes(line(told) + b"\n" + b"{broken\n")
    cohort = tmp_path / "cohort.ndjson"
    members(cohort)
    words = ("--cohort", str(cohort), "--events", str(events), "--data", str(tmp_path / "data"))
    done = reachpoint("match", *words, "--out", str(out), "--json")
    assert done.status == 1 and done.json["events"] == 1 and done.json["refused"] == 1
    pairs = [json.loads(each) for each in out.read_text().splitlines()]
    assert len(pairs) == done.json["pairs"] >= 1
    best = next(pair for pair in pairs if pair["member_id"] == who.member_id)
    assert best["decision"] == "match" and best["evidence"] and 0 <= best["match_probability"] <= 1
    over = reachpoint("match", *words, "--out", str(events), "--json")
    assert over.status == 2 and events.read_bytes().startswith(line(told)), "an input is never written over"


def members(file: Path) -> None:
    from fixtures.writers import members_ndjson

    file.write_bytes(b"".join(members_ndjson([watched(1), watched(2)])))


def test_ingest_from_standard_input_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"), "--json")
    message = adt(watched(1), "A04", control="IN-1", visit="V1", at=ago(minutes=5), codes=("X99.9",))
    done = reachpoint("ingest", Feed.ED.value, "-", *data, stdin=message)
    assert done.status == 0 and done.json["accepted"] == 1
    done = reachpoint("ingest", Feed.ED.value, "-", *data, stdin=message)
    assert done.status == 0 and done.json["duplicate"] == 1
    done = reachpoint("ingest", "police", "-", *data, stdin=b'{"kind": "crime.imagined"}\n')
    assert done.status == 1 and done.json["quarantined"] == 1 and sum(done.json["reasons"].values()) == 1
    listed = reachpoint("quarantine", "list", *data)
    assert listed.status == 0 and len(listed.json) == 1


def test_half_a_list_of_files_is_not_taken(tmp_path: Path) -> None:
    good = tmp_path / "good.ndjson"
    good.write_bytes(line(record("crime.recorded", "99/1/26", ago(hours=1), attributes={"ho_code": "8N"})) + b"\n")
    data = ("--data", str(tmp_path / "data"), "--json")
    done = reachpoint("ingest", "police", str(good), str(tmp_path / "missing.ndjson"), *data)
    assert done.status == 2 and "missing.ndjson" in done.err
    done = reachpoint("ingest", "police", str(good), *data)
    assert done.json["duplicate"] == 0, "the first file was not taken before the second was found missing"
