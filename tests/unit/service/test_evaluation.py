"""A matching against the truth: figures that can be worked out by hand, and a page on which there is nobody."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from domain.errors import ConfigError
from service.evaluation import OTHERS, UNKNOWN, Asked, Evaluation, Point, ScoredPair, evaluate_pairs
from service.evaluation_page import page, share
from service.evaluation_truth import read_truth

PAIRS = [
    ScoredPair("e1", "m1", 10.0, True),
    ScoredPair("e1", "m2", 1.0, False),
    ScoredPair("e2", "m3", 5.0, True),
    ScoredPair("e2", "m2", -3.0, False),
    ScoredPair("e3", "m3", -1.0, True),
]
TRUTH = frozenset({("e1", "m1"), ("e2", "m2"), ("e3", "m3"), ("e4", "m4")})
"""e1 is found; e2's best is wrong and its own too light; e3 is too light; e4 was never blocked; e5 is about nobody."""


def asked(groups: Mapping[str, Mapping[str, str]] | None = None, **more: object) -> Asked:
    return Asked(events=["e1", "e2", "e3", "e4", "e5"], members=4, truth=TRUTH, groups=groups or {}, **more)  # type: ignore[arg-type]


def test_every_pair_counts_at_the_fixed_threshold() -> None:
    found = evaluate_pairs(PAIRS, asked())
    assert found.all_pairs.fixed == Point(0.0, true=1, false=2, missed=3)
    assert (found.all_pairs.fixed.precision, found.all_pairs.fixed.recall) == (1 / 3, 1 / 4)
    assert (found.pairs, found.blocked, found.blocking_recall, found.candidates) == (4, 3, 0.75, 5)


def test_only_the_best_of_each_event_counts() -> None:
    best = evaluate_pairs(PAIRS, asked()).best_per_event
    assert best.fixed == Point(0.0, true=1, false=1, missed=3)


def test_points_over_thresholds_take_pairs_at_or_above_each() -> None:
    by_hand = {10.0: (1, 0), 5.0: (1, 1), 1.0: (1, 2), 0.0: (1, 2), -1.0: (2, 2), -3.0: (3, 2)}
    points = {point.threshold: (point.true, point.false) for point in evaluate_pairs(PAIRS, asked()).all_pairs.points}
    assert {bits: points[bits] for bits in by_hand} == by_hand


def test_the_best_threshold_is_no_worse_than_any_other() -> None:
    rng = Random(4)
    for _ in range(50):
        weights = [round(rng.uniform(-5, 5), 1) for _ in range(30)]
        pairs = [ScoredPair(f"e{n}", f"m{n}", weight, True) for n, weight in enumerate(weights)]
        truth = frozenset((pair.event, pair.member) for pair in pairs if rng.random() < 0.5)
        curve = evaluate_pairs(pairs, Asked([p.event for p in pairs], 30, truth, {})).all_pairs
        assert curve.best.f1 >= max(point.f1 for point in (*curve.points, curve.fixed))
        taken = [pair for pair in pairs if pair.weight >= curve.best.threshold]
        assert curve.best.true + curve.best.false == len(taken)


def test_one_table_counts_each_pair_once_whichever_way_round() -> None:
    pairs = [
        ScoredPair("a", "b", 3.0, True),
        ScoredPair("b", "a", 4.0, True),
        ScoredPair("a", "c", -1.0, False),
        ScoredPair("c", "a", -1.0, True),
    ]
    whom = Asked(["a", "b", "c"], 3, frozenset({("b", "a"), ("a", "b")}), {}, one_table=True)
    found = evaluate_pairs(pairs, whom)
    assert found.all_pairs.fixed == Point(0.0, true=1, false=0, missed=0) and found.candidates == 2
    assert found.best_per_event.fixed == Point(0.0, true=2, false=0, missed=0)


def test_nothing_at_all_can_be_evaluated() -> None:
    found = evaluate_pairs([], Asked([], 0, frozenset(), {}))
    assert found.all_pairs.fixed.f1 == 1.0 and "<svg" in page(found, title="nothing")


def grouped(groups: Sequence[str]) -> Evaluation:
    events = [f"e{number}" for number in range(len(groups))]
    truth = frozenset((event, event) for event in events)
    pairs = [ScoredPair(event, event, 5.0 if number % 4 else -5.0, True) for number, event in enumerate(events)]
    pairs += [ScoredPair(event, "other", 5.0, False) for event in events[:6]]
    origin = {event: {"origin": group} for event, group in zip(events, groups, strict=True)}
    return evaluate_pairs(pairs, Asked(events, len(events), truth, origin))


def test_false_negatives_and_false_positives_are_told_apart_by_group() -> None:
    north, south = grouped(["north"] * 12 + ["south"] * 20).groups
    assert (north.group, north.events, north.pairs, north.missed, north.false) == ("north", 12, 12, 3, 6)
    assert (south.group, south.missed, south.false, south.miss_rate, south.false_rate) == ("south", 5, 0, 0.25, 0.0)


def test_a_group_that_would_single_somebody_out_is_told_with_others() -> None:
    told = grouped(["north"] * 12 + ["Zqname"] * 3 + [""] * 2 + ["Zrname"] * 5).groups
    assert {group.group for group in told} == {"north", OTHERS, UNKNOWN}
    assert sum(group.events for group in told) == 22


def test_the_page_is_sound_and_holds_no_script_and_nothing_from_elsewhere() -> None:
    html = page(grouped(["<b>north</b>"] * 12 + ["Zqname"] * 3), title="A & B")
    body = html[html.index("<body>") : html.index("</html>")]
    assert len(list(ElementTree.fromstring(body).iter("svg"))) >= 2
    assert "A &amp; B" in html and "&lt;b&gt;north" in html
    assert not any(sign in html for sign in ("<script", "http", "src=", "Zqname", "e1<", "url("))


def test_a_share_is_one_only_where_it_is() -> None:
    assert (share(1.0), share(0.99996), share(0.9998)) == ("1.0000", ">0.9999", "0.9998")


EVENTS, MEMBERS = ["e1", "e2", "e3", "x1", "x2"], ["m1", "m2", "x1", "x2"]
TRUTHS = [
    ("event_id,member_id\ne1,m1\ne2,m2\n", {("e1", "m1"), ("e2", "m2")}, 0, "by name"),
    ("Member_ID,Event_ID,why\nm1,e1,x\n", {("e1", "m1")}, 0, "by name, in any case and order"),
    ("left,right\nm1,e1\nm2,e2\n", {("e1", "m1"), ("e2", "m2")}, 0, "by what the cells hold"),
    ("A,B\nx1,x1\nx1,x2\n", {("x1", "x1"), ("x2", "x1")}, 0, "ids that both tables have: A is the cohort"),
    ("event_id,member_id\ne1,m1\ne2,m9\ne3,\n", {("e1", "m1")}, 1, "a pair elsewhere, an event about nobody"),
    ("rec,cluster\ne1,A\nm1,A\ne2,B\nm2,C\n", {("e1", "m1")}, 0, "records and the person each belongs to"),
]


@pytest.mark.parametrize(("text", "pairs", "elsewhere", "why"), TRUTHS)
def test_the_truth_is_read_in_any_of_its_forms(tmp_path: Path, text: str, pairs: set, elsewhere: int, why: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    found = read_truth(path, EVENTS, MEMBERS)
    assert (set(found.pairs), found.elsewhere) == (pairs, elsewhere), why


def test_records_of_one_table_that_are_one_person_are_pairs_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("rec,cluster\na,1\nb,1\nc,2\n")
    assert set(read_truth(path, ["a", "b", "c"], ["a", "b", "c"]).pairs) == {("a", "b"), ("b", "a")}


def test_events_may_be_named_by_their_sources_key(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("event_id,member_id\nkey1,m1\n")
    assert set(read_truth(path, EVENTS, MEMBERS, {"key1": "e1"}).pairs) == {("e1", "m1")}


@pytest.mark.parametrize("text", ["a,b\nZq,Zr\n", "rec,cluster\nZq,1\n", 'event_id,member_id\n"Zq"x,y\n'])
def test_a_truth_that_cannot_be_told_is_refused_without_its_cells(tmp_path: Path, text: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_truth(path, EVENTS, MEMBERS)
    assert "Zq" not in str(refused.value)
