"""Any table of people: three formats say the same, nothing is thrown away, and what is wrong is told without values."""

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cohort.csv_columns import Fault
from cohort.tables import TableRecord, open_people
from cohort.tables_mapping import Side, TableMapping, load_mapping
from cohort.tables_values import day_of
from domain.errors import ConfigError
from domain.identity import Identifier, Identity, Name, Scheme, Sex

MAPPING = """
id: rec
given_names: [first, middle]
family_name: surname
date_of_birth: dob
postcode: pc
addresses: [no, street]
phones: phone
extra: {state: state}
extra.job: occupation
"""
COLUMNS = ("rec", "first", "middle", "surname", "dob", "pc", "no", "street", "phone", "state", "occupation")
ROWS = (
    ("r1", "Ari", "Bel", "Testone", "19420203", "3044", "8", "Sample Street", "01632 960001", "nsw", "baker"),
    ("r2", "Zoë", "", "O'Sample", "1942-31-31", "", "", "", "", "", ""),
)


def as_csv(path: Path, *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    lines = [delimiter.join(COLUMNS), *(delimiter.join(row) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def as_ndjson(path: Path) -> Path:
    rows = [{name: cell or None for name, cell in zip(COLUMNS, row, strict=True)} for row in ROWS]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_parquet(path: Path) -> Path:
    source = as_ndjson(path.with_suffix(".ndjson"))
    texts = ", ".join(f"{name}::varchar AS {name}" for name in COLUMNS)
    with duckdb.connect() as connection:
        query = f"COPY (SELECT {texts} FROM read_json('{source}')) TO '{path.parent / 'plain.parquet'}'"
        connection.execute(query)
    return (path.parent / "plain.parquet").rename(path)


def people(path: Path, mapping: str = MAPPING, **more: object) -> list[TableRecord]:
    table = open_people(path, load_mapping(mapping), side=Side.COHORT, **more)  # type: ignore[arg-type]
    assert not table.faults, table.faults
    records = list(table.records())
    assert not [each for each in records if isinstance(each, Fault)], records
    return records  # type: ignore[return-value]


def faults(path: Path, mapping: TableMapping | None = None) -> list[str]:
    table = open_people(path, mapping, side=Side.COHORT)
    return [str(each) for each in (*table.faults, *table.records()) if isinstance(each, Fault)]


def test_a_row_becomes_an_identity_and_keeps_what_is_not_in_the_uks_form(tmp_path: Path) -> None:
    one, two = people(as_csv(tmp_path / "a.csv"))
    who = one.identity
    assert (one.record_id, who.names) == ("r1", (Name(("Ari", "Bel"), "Testone"),))
    assert [born.value for born in who.dates_of_birth] == [date(1942, 2, 3)]
    assert (who.postcodes, who.addresses) == (("3044",), ("8, Sample Street",))
    assert who.extra == (("job", ("baker",)), ("state", ("nsw",)))
    assert two.identity == Identity(names=(Name(("Zoë",), "O'Sample"),), extra=(("date_of_birth", ("1942-31-31",)),))


WAYS = [
    ("a.csv", as_csv, {}),
    ("a.tsv", as_csv, {"delimiter": "\t"}),
    ("semicolons.csv", as_csv, {"delimiter": ";"}),
    ("with-bom.csv", as_csv, {"encoding": "utf-8-sig"}),
    ("of-windows.csv", as_csv, {"encoding": "latin-1"}),
    ("of-excel.txt", as_csv, {"encoding": "utf-16", "delimiter": "\t"}),
    ("a.ndjson", as_ndjson, {}),
    ("no-ending", as_ndjson, {}),
    ("a.parquet", as_parquet, {}),
    ("a[1]*.parquet", as_parquet, {}),
]


@pytest.mark.parametrize(("name", "write", "how"), WAYS, ids=[name for name, *_ in WAYS])
def test_every_format_says_the_same(tmp_path: Path, name: str, write, how) -> None:
    expected = people(as_csv(tmp_path / "expected.csv"))
    found = people(write(tmp_path / name, **how))
    assert [(each.record_id, each.identity) for each in found] == [(e.record_id, e.identity) for e in expected]


def test_latin_1_is_read_with_a_notice(tmp_path: Path) -> None:
    table = open_people(as_csv(tmp_path / "a.csv", encoding="latin-1"), load_mapping(MAPPING), side=Side.COHORT)
    assert table.notices == ("is not UTF-8 text; it is read as Latin-1",)


def test_numbers_of_parquet_and_json_are_written_as_people_write_them(tmp_path: Path) -> None:
    parquet, mapping = tmp_path / "n.parquet", "{id: a, postcodes: b, extra: {c: c, d: d, e: e, f: f}, dob: g}"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 7.0::double a, 3044.0::float b, 1.50::decimal(5,2) c, true d, ['x', 'y'] e,"
            f" 'nan'::double f, date '1942-02-03' g) TO '{parquet}'"
        )
    ndjson = tmp_path / "n.ndjson"
    row = {"a": 7.0, "b": 3044, "c": 1.5, "d": True, "e": ["x", "y"], "f": None, "g": "1942-02-03T00:00:00"}
    ndjson.write_text(json.dumps(row))
    (one,), (other,) = people(parquet, mapping), people(ndjson, mapping)
    assert (one.record_id, one.identity.postcodes) == ("7", ("3044",))
    assert dict(one.identity.extra) == {"c": ("1.5",), "d": ("true",), "e": ("x", "y")}
    assert (other.record_id, other.identity) == (one.record_id, one.identity)


DATES = [
    ("1942-02-03", date(1942, 2, 3), "ISO"),
    ("1942-02-03T10:00:00Z", date(1942, 2, 3), "with a time"),
    ("1942-02-03 00:00:00", date(1942, 2, 3), "as databases write it"),
    ("19420203", date(1942, 2, 3), "compact"),
    ("03/02/1942", date(1942, 2, 3), "as in the UK"),
    ("3.2.1942", date(1942, 2, 3), "as in Germany"),
    ("19420231", None, "no such day"),
    ("1942", None, "a year"),
    ("03/02/42", None, "two digits of a year may be either century"),
    ("aa/bb/cccc", None, "no digits"),
    ("१९४२-०२-०३", date(1942, 2, 3), "other digits are digits"),
]


@pytest.mark.parametrize(("text", "expected", "why"), DATES)
def test_dates_are_read_in_four_forms(text: str, expected: date | None, why: str) -> None:
    assert day_of(text) == expected, why


def test_month_first_is_for_the_mapping_to_say() -> None:
    assert day_of("03/02/1942", month_first=True) == date(1942, 3, 2)


def test_a_date_in_three_columns_and_a_name_in_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('y,m,d,who,sex,nhs\n1942,2,3,Ari Bel Testone,M,999 000 0018\n1942,,3,"Testone, Ari",Mann,x-1\n')
    mapping = "{date_of_birth: {year: y, month: m, day: d}, full_name: who, sex: sex, nhs_number: nhs}"
    one, two = (each.identity for each in people(path, mapping))
    assert [born.value for born in one.dates_of_birth] == [date(1942, 2, 3)] and two.dates_of_birth == ()
    assert one.names == (Name(("Ari", "Bel"), "Testone"),) and two.names == (Name(("Ari",), "Testone"),)
    assert one.sex is Sex.MALE and two.extra == (("sex", ("Mann",)),)
    assert two.identifiers == (Identifier(Scheme.NHS, "x-1"),)


def test_an_imported_model_reads_columns_as_they_are_written(tmp_path: Path) -> None:
    one, _ = people(as_csv(tmp_path / "a.csv"), as_written=True, also=("occupation", "no such column"))
    extra = dict(one.identity.extra)
    assert extra["dob"] == ("19420203",) and extra["first"] == ("Ari",) and extra["occupation"] == ("baker",)


def test_our_own_field_names_need_no_mapping(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("member_id,given_names,family_name,dob,extra.state,shoe\nM1,Ari;Bel,Testone,19420203,nsw,44\n")
    table = open_people(path, None, side=Side.COHORT)
    (one,) = table.records(keep=["shoe"])
    assert isinstance(one, TableRecord) and one.record_id == "M1" and one.kept == {"shoe": "44"}
    assert one.identity.names == (Name(("Ari", "Bel"), "Testone"),) and one.identity.extra == (("state", ("nsw",)),)


IDS = [
    ("member_id,id,given_names", "{given_names: given_names}", Side.COHORT, "a", "member_id goes before id"),
    ("member_id,event_id,given_names", "{given_names: given_names}", Side.EVENTS, "b", "an event has an event_id"),
    ("x,unique_id,given_names", "{given_names: given_names}", Side.EVENTS, "b", "usual names are known"),
    ("x,y,given_names", "{given_names: given_names, id: y}", Side.COHORT, "b", "a mapping says it"),
    ("x,y,given_names", "{given_names: given_names, member_id: x, event_id: y}", Side.EVENTS, "b", "one per side"),
    ("x,y,given_names", "{given_names: given_names, member_id: x}", Side.EVENTS, "a", "one name for both tables"),
    ("x,y,given_names", "{given_names: given_names}", Side.COHORT, "1", "rows are numbered"),
    (",y,given_names", "{given_names: given_names}", Side.COHORT, "a", "row names of pandas"),
    ("X,Y,Given_Names", "{given_names: given_names, id: y}", Side.COHORT, "b", "capitals do not matter"),
]


@pytest.mark.parametrize(("header", "mapping", "side", "expected", "why"), IDS)
def test_the_id_of_a_record(tmp_path: Path, header: str, mapping: str, side: Side, expected: str, why: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\na,b,Ari\n")
    (row,) = open_people(path, load_mapping(mapping), side=side).records()
    assert isinstance(row, TableRecord) and row.record_id == expected, why


MAPPING_FAULTS = [
    ("", "must hold lines", "empty"),
    ("[a]", "must hold lines", "a list"),
    ("a: [", "not YAML (line 1)", "broken"),
    ("{surnam: s}", "'surnam' is no field", "a field that there is not"),
    ("{id: x}", "no field of a person", "no field at all"),
    ("{sex: {a: b}}", "'sex' needs the name of a column", "an object"),
    ("{sex: [a, [b]]}", "'sex' needs the name of a column", "lists in lists"),
    ("{dob: a, date_of_birth: b}", "'date_of_birth' is said twice", "two words for one field"),
    ("{date_of_birth: {year: a}}", "needs year, month and day", "a part is missing"),
    ("{sex: a, extra: b}", "extra needs lines", "an extra without a name"),
    ("{sex: a, extra: {b: c}, extra.b: d}", "'extra.b' is said twice", "both ways"),
    ("{sex: a, date_order: upside_down}", "date_order is none of", "an unknown order"),
    ("{sex: a, split: ab}", "split needs one character", "two characters"),
    ("{sex: a, blank: x}", "blank needs a list", "no list"),
]


@pytest.mark.parametrize(("text", "expected", "why"), MAPPING_FAULTS)
def test_a_mapping_that_cannot_be_used_is_told_in_words(text: str, expected: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_mapping(text)
    assert expected in str(refused.value), why


def test_all_faults_of_a_mapping_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        load_mapping("{shoe: a, hat: b, sex: {}, extra: {'': c}}")
    assert all(word in str(refused.value) for word in ("'shoe'", "'hat'", "'sex'", "an extra needs a name"))


def test_a_column_called_no_or_1_is_a_column() -> None:
    assert load_mapping("{sex: No, given_names: 1}").fields == {"sex": ("No",), "given_names": ("1",)}


def test_fields_of_a_cohort_that_are_not_about_who_somebody_is_may_be_mapped() -> None:
    assert load_mapping("{sex: a, status: b, navigator_id: c, watch_reason: d}").columns == ("a",)


def test_all_missing_columns_are_told_at_once(tmp_path: Path) -> None:
    mapping = load_mapping("{given_names: first, family_name: nope, id: neither, extra: {x: nor}}")
    table = open_people(as_csv(tmp_path / "a.csv"), mapping, side=Side.COHORT)
    assert sorted(fault.column for fault in table.faults) == ["neither", "nope", "nor"]


ROW_FAULTS = [
    ("id,sex\na,m\na,f\n", "line 3: the line has the same id as line 2"),
    ("id,sex\n,m\n", "line 2: the line has no id"),
    ("id,sex\na,m,x\n", "line 2: the line has 3 cells, and there are 2 columns"),
    ('id,sex\na,"m"x\n', "line 2: the line is not a CSV line: a quotation mark is misplaced, or a cell is too large"),
    ("id,sex,sex\na,m,f\n", "line 1: the line names a column twice"),
    (f"id,sex\n{'a' * 300},m\n", "line 2: the line has an id of more than 200 letters"),
]


@pytest.mark.parametrize(("text", "expected"), ROW_FAULTS)
def test_a_faulty_row_is_told_by_its_line_and_costs_itself_only(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert faults(path) == [expected]


def test_faulty_json_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"id": "a", "sex": "m"}\nZq\n[1]\n\n{"id": "b", "sex": "f"}\n')
    assert faults(path) == ["line 2: the line is not JSON", "line 3: the line is not a JSON object"]


NO_TABLES = [
    ("a.csv", b"", "empty"),
    ("a.csv", b"\n\n", "nothing but line ends"),
    ("a.parquet", b"PAR1 Zq", "a Parquet file that is none"),
    ("a.ndjson", b"Zq\n", "no JSON at all"),
    ("a.csv", b"Zq,Zr\n1,2\n", "none of our names, and no mapping"),
]


@pytest.mark.parametrize(("name", "content", "why"), NO_TABLES)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        open_people(path, None, side=Side.COHORT)
    assert "Zq" not in str(refused.value), why


def test_nobody_is_compared_by_ethnicity_or_religion_but_errors_may_be_told_by_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,sex,ethnic_group,faith\na,m,x,y\n")
    mapping = load_mapping("{sex: sex, extra: {group: ethnic_group, religion: faith, state: id}}")
    table = open_people(path, mapping, side=Side.COHORT, as_written=True, also=("ethnic_group",))
    (row,) = table.records(keep=["ethnic_group"])
    assert isinstance(row, TableRecord) and row.kept == {"ethnic_group": "x"}
    assert not {"group", "religion", "ethnic_group"} & dict(row.identity.extra).keys()
    assert "ethnicity, religion and immigration status are not compared" in table.notices


def test_cells_that_say_nothing_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,given_names,sex,postcodes\na,NA,NULL,nan\nb,None,-,\n")
    one, two = (each.identity for each in people(path, "{given_names: given_names, sex: sex, postcodes: postcodes}"))
    assert one == Identity() and two.extra == (("sex", ("-",)),)
    _, own = (each.identity for each in people(path, "{given_names: given_names, sex: sex, blank: ['-', None]}"))
    assert own == Identity()
