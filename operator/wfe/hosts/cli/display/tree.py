"""Rows as an indented tree of text lines. Pure: the live display and `wfe show` draw what this says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.rows import Row
from wfe.hosts.cli.display.words import COLORS, GLYPHS, duration
from wfe.model.status import StepStatus

INDENT: Final = "  "
_BUSY: Final = frozenset({StepStatus.RUNNING, StepStatus.SLEEPING, StepStatus.WAITING, StepStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text, and a color for the part before `dim_from`; what follows is dimmed."""

    text: str
    color: str = ""
    dim_from: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    row: Row
    depth: int
    label: str


def tree_lines(
    rows: Iterable[Row], *, now: datetime, height: int | None = None, tails: bool = True
) -> list[Line]:
    """Return the lines of a tree, those that matter least left out if they are more than `height`."""
    places = _placed(rows)
    if height is not None and len(places) > height:
        places, left_out = _most_telling(places, height)
    else:
        left_out = 0
    room = None if height is None else height - len(places)
    lines: list[Line] = []
    for place in places:
        lines.append(_line(place, now))
        shown = list(place.row.tail) if tails and place.row.status is StepStatus.RUNNING else []
        if room is not None:
            shown = shown[len(shown) - min(len(shown), max(0, room)) :]
            room -= len(shown)
        lines.extend(Line(f"{INDENT * (place.depth + 1)}│ {text}") for text in shown)
    if left_out:
        lines.append(Line(f"… and {left_out} more"))
    return lines


def _placed(rows: Iterable[Row]) -> list[_Place]:
    """Order rows so that each stands under the nearest one whose path begins its own."""
    known = {row.path: row for row in rows}
    below: dict[str, list[Row]] = {}
    for row in known.values():
        below.setdefault(_parent(row.path, known), []).append(row)
    places: list[_Place] = []
    pending = [(row, 0, "") for row in reversed(below.get("", []))]
    while pending:
        row, depth, parent = pending.pop()
        places.append(_Place(row, depth, row.path[len(parent) :].lstrip("/")))
        pending.extend((child, depth + 1, row.path) for child in reversed(below.get(row.path, [])))
    return places


def _parent(path: str, known: Mapping[str, Row]) -> str:
    """Return the path of the row that a row belongs under: `each[0]/add` under `each`, as `[0]/add`."""
    end = len(path)
    while (end := max(path.rfind(mark, 0, end) for mark in "/[#")) > 0:
        if path[:end] in known:
            return path[:end]
    return ""


def _most_telling(places: Sequence[_Place], height: int) -> tuple[list[_Place], int]:
    """Keep what is busy or failed, then what is shallow, then what came last; return how many were left out."""
    order = sorted(
        range(len(places)),
        key=lambda index: (places[index].row.status not in _BUSY, places[index].depth, -index),
    )
    kept = sorted(order[: max(1, height - 1)])
    return [places[index] for index in kept], len(places) - len(kept)


def _line(place: _Place, now: datetime) -> Line:
    row = place.row
    head = f"{INDENT * place.depth}{GLYPHS[row.status]} {neutral(place.label)}"
    details = [
        _took(row, now),
        f"attempt {row.attempt}" if row.attempt > 1 else "",
        _said(row, now),
    ]
    tail = "  ".join(detail for detail in details if detail)
    return Line(f"{head}  {tail}".rstrip(), COLORS.get(row.status, ""), len(head))


def _took(row: Row, now: datetime) -> str:
    if row.started is None:
        return ""
    return duration((row.ended or now) - row.started)


def _said(row: Row, now: datetime) -> str:
    if row.status is StepStatus.SLEEPING and row.wake_at is not None:
        again = f"again in {duration(row.wake_at - now)}"
        return f"{_why(row)}; {again}" if row.failure else f"for {duration(row.wake_at - now)}"
    return _why(row)


def _why(row: Row) -> str:
    return neutral(row.failure.message.partition("\n")[0]) if row.failure else ""
