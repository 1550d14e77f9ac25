"""SVG by a layout of our own: a box stands one row below the lowest of those that lead to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from wfe.hosts.cli.drawing.diagram import Arrow, Box, Diagram, Shape

WIDTH: Final = 170
HEIGHT: Final = 44
GAP_X: Final = 30
GAP_Y: Final = 46
MARGIN: Final = 24
_STYLE: Final = (
    "text{font:13px sans-serif;text-anchor:middle}.c{font-size:11px;fill:#667}"
    ".b{fill:#fff;stroke:#456;stroke-width:1.3}.a{fill:none;stroke:#456;stroke-width:1.2}"
    ".d{stroke-dasharray:4 3}.l{font-size:11px;fill:#456}"
)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a box stands: the middle of it."""

    x: float
    y: float


def svg(diagram: Diagram) -> str:
    """Return a diagram as an SVG document."""
    rows = _rows(diagram)
    widest = max(len(row) for row in rows)
    width = widest * (WIDTH + GAP_X) + 2 * MARGIN
    height = len(rows) * (HEIGHT + GAP_Y) + 2 * MARGIN
    spots = {
        box.id: Spot(
            width / 2 + (column - (len(row) - 1) / 2) * (WIDTH + GAP_X),
            MARGIN + HEIGHT / 2 + number * (HEIGHT + GAP_Y),
        )
        for number, row in enumerate(rows)
        for column, box in enumerate(row)
    }
    body = [
        *(_arrow(arrow, spots) for arrow in diagram.arrows),
        *(_box(box, spots[box.id]) for box in diagram.boxes),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n'
        f"<title>{escape(diagram.title)}</title><style>{_STYLE}</style>\n"
        '<defs><marker id="h" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#456"/></marker></defs>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _rows(diagram: Diagram) -> list[list[Box]]:
    """Layer the boxes by their longest way from the start; they are listed in an order that arrows follow."""
    level = {box.id: 0 for box in diagram.boxes}
    for box in diagram.boxes:
        for arrow in diagram.arrows:
            if arrow.source == box.id and not arrow.back:
                level[arrow.target] = max(level[arrow.target], level[box.id] + 1)
    rows: list[list[Box]] = [[] for _ in range(max(level.values()) + 1)]
    for box in diagram.boxes:
        rows[level[box.id]].append(box)
    return rows


def _box(box: Box, spot: Spot) -> str:
    if box.shape is Shape.JOIN:
        return f'<circle class="b" cx="{spot.x:g}" cy="{spot.y:g}" r="6"/>'
    left, top = spot.x - WIDTH / 2, spot.y - HEIGHT / 2
    radius = {Shape.END: HEIGHT / 2, Shape.CHOICE: 12}.get(box.shape, 3)
    dashed = " d" if box.shape is Shape.HOOK else ""
    name, _, caption = box.label.partition("\n")
    lines = [(name, "", -3 if caption else 5), (caption, ' class="c"', 14)]
    texts = "".join(
        f'<text x="{spot.x:g}" y="{spot.y + shift:g}"{style}>{escape(_short(text))}</text>'
        for text, style, shift in lines
        if text
    )
    size = f'width="{WIDTH}" height="{HEIGHT}" rx="{radius:g}"'
    return f'<rect class="b{dashed}" x="{left:g}" y="{top:g}" {size}/>{texts}'


def _arrow(arrow: Arrow, spots: dict[str, Spot]) -> str:
    start, end = spots[arrow.source], spots[arrow.target]
    style = "a d" if arrow.dotted else "a"
    if arrow.back:
        x = max(start.x, end.x) + WIDTH / 2
        points = [
            (start.x + WIDTH / 2, start.y),
            (x + 18, start.y),
            (x + 18, end.y),
            (end.x + WIDTH / 2, end.y),
        ]
    else:
        middle = end.y - HEIGHT / 2 - GAP_Y / 2
        points = [
            (start.x, start.y + HEIGHT / 2),
            (start.x, middle),
            (end.x, middle),
            (end.x, end.y - HEIGHT / 2),
        ]
    label = ""
    if arrow.label and not arrow.back:
        label = f'<text class="l" x="{end.x:g}" y="{end.y - HEIGHT / 2 - 10:g}">{escape(_short(arrow.label))}</text>'
    return f'<path class="{style}" marker-end="url(#h)" d="{_path(points)}"/>{label}'


def _path(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _short(text: str) -> str:
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 24 else text[:23] + "…"
