"""An evaluation as one HTML page: figures, curves as inline SVG, errors by group. No script, nothing fetched, nobody's
data: counts and the names of groups of ten or more events are all it holds.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape

from service.evaluation import Curve, Evaluation, GroupErrors, Point

_WIDTH, _HEIGHT = 560, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 34
_SHOWN_BITS = (-30.0, 50.0)
_FLOORS = (0.0, 0.5, 0.8, 0.9)
"""Where the upright axis may begin: the highest that leaves nothing out."""
_LINES: tuple[tuple[str, str, str, Callable[[Point], float]], ...] = (
    ("precision", "#0b62a4", "", lambda point: point.precision),
    ("recall", "#c2410c", "", lambda point: point.recall),
    ("F1", "#3f3f46", "5 4", lambda point: point.f1),
)
_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#18181b;background:#fff;max-width:1180px;margin:2rem auto;
padding:0 1.2rem}
h1{font-size:1.45rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0;color:#3f3f46}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}
.figures div{border:1px solid #e4e4e7;border-radius:8px;padding:.6rem .9rem;min-width:8.2rem}
.figures b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.figures span{color:#52525b;font-size:.85rem}
.charts{display:flex;flex-wrap:wrap;gap:1.2rem}figure{margin:0;flex:1 1 480px}
figcaption{font-weight:600;margin-bottom:.3rem}svg{width:100%;height:auto;font:11px system-ui,sans-serif}
table{border-collapse:collapse;margin-bottom:1.2rem;font-variant-numeric:tabular-nums;width:100%;font-size:.92rem}
th,td{padding:.28rem .6rem;text-align:right;border-bottom:1px solid #e4e4e7}
th:first-child,td:first-child{text-align:left}thead th{white-space:nowrap}
thead tr:last-child th{border-bottom:2px solid #a1a1aa}th[colspan]{text-align:center}
td:nth-child(7),th:nth-child(7){padding-left:1.6rem}
td svg{width:110px;height:10px;vertical-align:middle;margin-left:.5rem}tr.fixed{background:#f4f4f5;font-weight:600}
.scroll{overflow-x:auto}.key span{margin-right:1rem}.key i{display:inline-block;width:1.4rem;height:0;
vertical-align:middle;margin-right:.35rem;border-top:3px solid}
"""


def page(found: Evaluation, *, title: str) -> str:
    """The page. `title` is shown as it is given; it should name a model or data set, not a person."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{found.events:,} events against a cohort of {found.members:,}; {found.pairs:,} true pairs"
        + (f", and {found.elsewhere:,} more with a record that is in neither table" if found.elsewhere else "")
        + f". Fixed threshold: {found.all_pairs.fixed.threshold:g} bits, chosen without the truth.</p>",
        _figures(found),
        "<h2>Over all thresholds</h2>",
        f'<p class="key">{"".join(_key(name, colour, dash) for name, colour, dash, _ in _LINES)}'
        "the vertical line is the fixed threshold</p>",
        '<div class="charts">',
        _chart("Every pair counts", found.all_pairs),
        _chart("Only the best member of each event counts", found.best_per_event),
        "</div>",
        _threshold_table(found),
        _group_tables(found.groups),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>{body}</body></html>\n'


def _figures(found: Evaluation) -> str:
    fixed, best = found.all_pairs.fixed, found.best_per_event.fixed
    told = (
        ("precision", share(fixed.precision)),
        ("recall", share(fixed.recall)),
        ("F1, every pair", share(fixed.f1)),
        ("F1, best per event", share(best.f1)),
        ("wrong pairs", f"{fixed.false:,}"),
        ("missed pairs", f"{fixed.missed:,}"),
        ("blocking recall", share(found.blocking_recall)),
        ("candidates per event", f"{found.candidates / max(found.events, 1):.2f}"),
    )
    return '<div class="figures">' + "".join(f"<div><b>{v}</b><span>{k}</span></div>" for k, v in told) + "</div>"


def share(value: float) -> str:
    """Four digits after the point; 1 only where it is 1."""
    return f"{value:.4f}" if value == 1.0 or round(value, 4) < 1.0 else ">0.9999"


def _key(name: str, colour: str, dash: str) -> str:
    style = f"border-top-color:{colour};border-top-style:{'dashed' if dash else 'solid'}"
    return f'<span><i style="{style}"></i>{name}</span>'


def _chart(title: str, curve: Curve) -> str:
    low, high = _SHOWN_BITS
    points = [point for point in curve.points if low <= point.threshold <= high] or [curve.fixed]
    first, last = points[0].threshold, max(points[-1].threshold, points[0].threshold + 1)

    def x(bits: float) -> float:
        return _LEFT + (bits - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    worst = min(value(point) for point in points for *_, value in _LINES)
    floor = max(each for each in _FLOORS if each <= worst)

    def y(value: float) -> float:
        return _TOP + (1 - value) / (1 - floor) * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [_grid((first, last), floor, x, y)]
    for name, colour, dash, value in _LINES:
        path = " ".join(f"{x(point.threshold):.1f},{y(value(point)):.1f}" for point in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
        drawn.append(f"<g><title>{name}</title>{line}</g>")
    if first <= curve.fixed.threshold <= last:
        at = x(curve.fixed.threshold)
        drawn.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{y(floor):.1f}" stroke="#18181b"/>')
    label = f'aria-label="{escape(title)}: precision, recall and F1 over the threshold in bits"'
    svg = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" {label}>{"".join(drawn)}</svg>'
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"


def _grid(
    bits_shown: tuple[float, float], floor: float, x: Callable[[float], float], y: Callable[[float], float]
) -> str:
    first, last = bits_shown
    drawn = []
    for fifth in range(6):
        value = floor + (1 - floor) * fifth / 5
        level = y(value)
        drawn.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{level:.1f}" y2="{level:.1f}" stroke="#e4e4e7"/>')
        drawn.append(
            f'<text x="{_LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{value:.{1 if floor == 0 else 2}f}</text>'
        )
    step = max(5, round((last - first) / 8 / 5) * 5)
    for bits in range(int(first // step) * step, int(last) + 1, step):
        if bits >= first:
            drawn.append(f'<text x="{x(bits):.1f}" y="{y(floor) + 16:.1f}" text-anchor="middle">{bits}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    drawn.append(f'<text x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle">match weight, bits</text>')
    return "".join(drawn)


def told_points(curve: Curve) -> list[Point]:
    """The points worth a line in a table: every five bits, and the fixed threshold."""
    low, high = _SHOWN_BITS
    picked = {point.threshold: point for point in curve.points if point.threshold % 5 == 0}
    picked = {bits: point for bits, point in picked.items() if low <= bits <= high}
    return [point for _, point in sorted({**picked, curve.fixed.threshold: curve.fixed}.items())]


def _threshold_table(found: Evaluation) -> str:
    columns = ("threshold", "precision", "recall", "F1", "wrong", "missed")
    best = {point.threshold: point for point in told_points(found.best_per_event)}
    rows = []
    for point in told_points(found.all_pairs):
        alone = best.get(point.threshold)
        cells = [f"{point.threshold:g}", *_cells(point), *(_cells(alone) if alone else [""] * 5)]
        rows.append((cells, point.threshold == found.all_pairs.fixed.threshold))
    head = [*columns, *columns[1:]]
    over = '<tr><th></th><th colspan="5">every pair</th><th colspan="5">best of each event</th></tr>'
    oracle = found.all_pairs.best
    note = (
        f"<p>The highest F1 that the truth itself can choose: {share(oracle.f1)} at {oracle.threshold:.1f} bits "
        "(it flatters: no service knows it).</p>"
    )
    return _table(head, rows, over) + note


def _cells(point: Point) -> list[str]:
    return [share(point.precision), share(point.recall), share(point.f1), f"{point.false:,}", f"{point.missed:,}"]


def _table(head: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]], over: str = "") -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    marks = {True: ' class="fixed"', False: ""}
    body = "".join(
        f"<tr{marks[fixed]}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells, fixed in rows
    )
    return f'<div class="scroll"><table><thead>{over}<tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _group_tables(groups: Sequence[GroupErrors]) -> str:
    if not groups:
        return ""
    parts = ["<h2>Errors by group, at the fixed threshold</h2>"]
    parts.append("<p>Missed: true pairs not found. Wrong: pairs taken that are two people, per event.</p>")
    for kind in dict.fromkeys(group.kind for group in groups):
        own = [group for group in groups if group.kind == kind]
        most = max([rate for group in own for rate in (group.miss_rate, group.false_rate)], default=0.0)
        rows = [
            (
                [
                    escape(group.group),
                    f"{group.events:,}",
                    f"{group.pairs:,}",
                    f"{group.missed:,}",
                    f"{group.miss_rate:.2%}{_bar(group.miss_rate, most, '#c2410c')}",
                    f"{group.false:,}",
                    f"{group.false_rate:.2%}{_bar(group.false_rate, most, '#0b62a4')}",
                ],
                False,
            )
            for group in own
        ]
        parts.append(_table([kind, "events", "true pairs", "missed", "missed share", "wrong", "wrong per event"], rows))
    return "\n".join(parts)


def _bar(rate: float, most: float, colour: str) -> str:
    width = 100 * rate / most if most else 0.0
    bar = f'<rect width="{width:.1f}" height="10" fill="{colour}"/>'
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none">{bar}</svg>'
