"""The charts of a backtest's page as inline SVG: widths in per cent, so that text keeps its size on a phone.

No script, no style attribute, nothing fetched: the page's policy forbids all three. Colours are classes, so that dark,
light and print each have their own. Beside each chart stands its table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_HEIGHT, _FOOT, _HEAD = 170, 22, 14
_LEFT = 7.0
"""Per cent that the numbers of the upright axis take."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour shows: its name, its class (`new` or `old`) and one number for each label."""

    name: str
    colour: str
    values: Sequence[float]


def columns(title: str, labels: Sequence[str], series: Sequence[Series], *, every: int = 1) -> str:
    """Upright bars side by side; every so many labels are written."""
    most = max([1.0, *(value for each in series for value in each.values)])
    steps = _steps(most)
    top = steps[-1]
    slot = (100 - _LEFT) / max(len(labels), 1)
    width = slot * 0.8 / max(len(series), 1)
    drawn = [_level(value, top) for value in steps]
    for place, label in enumerate(labels):
        for number, each in enumerate(series):
            high = (_HEIGHT - _HEAD) * each.values[place] / top
            x = _LEFT + slot * (place + 0.1) + width * number
            told = f"{label}, {each.name}: {each.values[place]:,.0f}"
            drawn.append(
                f'<rect class="{each.colour}" x="{x:.2f}%" y="{_HEIGHT - high:.1f}" width="{width:.2f}%" '
                f'height="{high:.1f}"><title>{escape(told)}</title></rect>'
            )
        if place % every == 0:
            drawn.append(
                f'<text class="x" x="{_LEFT + slot * (place + 0.5):.2f}%" y="{_HEIGHT + 15}">{escape(label)}</text>'
            )
    size = f'height="{_HEIGHT + _FOOT}" role="img" aria-label="{escape(title)}"'
    return f'<div class="plot">{key(series)}<svg class="columns" {size}>{"".join(drawn)}</svg></div>'


def _level(value: float, top: float) -> str:
    y = _HEIGHT - (_HEIGHT - _HEAD) * value / top
    line = f'<line x1="{_LEFT}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="y" x="{_LEFT - 1}%" y="{y + 4:.1f}">{value:,.0f}</text>'


def _steps(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`, four or five of them."""
    step = 1.0
    while step * 4 < most:
        step = step * 2.5 if str(int(step))[0] == "2" else step * 2
    return [step * place for place in range(int(-(-most // step)) + 1)]


def key(series: Sequence[Series]) -> str:
    """Which colour is what; nothing where there is only one."""
    if len(series) < 2:
        return ""
    marks = "".join(
        f'<span><svg width="12" height="12" aria-hidden="true"><rect class="{each.colour}" width="12" height="12"/>'
        f"</svg> {escape(each.name)}</span>"
        for each in series
    )
    return f'<p class="key">{marks}</p>'


def bar(value: float, most: float, colour: str) -> str:
    """A level bar for a table's cell."""
    share = 100 * value / most if most else 0.0
    level = f'<rect class="{colour}" width="{share:.1f}%" height="10"/>'
    return f'<svg class="bar" height="10" aria-hidden="true">{level}</svg>'


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """A table; cells are markup already. The first `words` columns are words, the rest numbers."""
    top = "".join(f'<th scope="col"{_left(place, words)}>{escape(cell)}</th>' for place, cell in enumerate(head))
    body = "".join(f"<tr>{_row(cells, words)}</tr>" for cells in rows)
    inside = f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">{inside}</div>'


def _row(cells: Sequence[str], words: int) -> str:
    first, *rest = cells
    others = "".join(f"<td{_left(place, words)}>{cell}</td>" for place, cell in enumerate(rest, 1))
    return f'<th scope="row">{first}</th>{others}'


def _left(place: int, words: int) -> str:
    return ' class="word"' if place < words else ""


def heat(caption: str, names: Sequence[str], head: Sequence[str], cells: Sequence[Sequence[int]]) -> str:
    """A table whose cells are the darker the more they hold; the number stands in each."""
    most = max([1, *(number for row in cells for number in row)])
    rows = []
    for name, row in zip(names, cells, strict=True):
        shades = [f'<td class="h{_shade(number, most)}">{number or ""}</td>' for number in row]
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{"".join(shades)}</tr>')
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in ("", *head))
    inside = f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table class="heat">{inside}</table></div>'
    )


def _shade(number: int, most: int) -> int:
    return 0 if not number else 1 + min(4, int(5 * (number - 1) / most))


def folded(summary: str, inside: str) -> str:
    """Something to unfold; printed unfolded by nobody, so only what repeats a chart belongs here."""
    return f"<details><summary>{escape(summary)}</summary>{inside}</details>"
