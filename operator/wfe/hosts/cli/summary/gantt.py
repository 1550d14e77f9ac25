"""When steps ran, as bars of text beneath each other. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import GLYPHS, duration
from wfe.hosts.embedded.view import StepView
from wfe.model.status import StepStatus

BAR: Final = "█"
SHORTEST: Final = "▏"
LABEL: Final = 44


@dataclass(frozen=True, slots=True)
class Span:
    """The time that the drawing is of.

    Attributes:
        columns: how many characters it takes.
    """

    start: datetime
    end: datetime
    columns: int

    def column(self, moment: datetime) -> int:
        """Return the column of a moment, from 0 to `columns`."""
        whole = (self.end - self.start).total_seconds()
        part = (moment - self.start).total_seconds() / whole if whole > 0 else 0.0
        return max(0, min(self.columns, round(part * self.columns)))


def gantt_lines(steps: Iterable[StepView], *, now: datetime, width: int, height: int) -> list[str]:
    """Return a line for each step that was reached: its state, its path, how long it took, and its bar.

    Args:
        now: where bars of steps that still run end.
        width: the most characters of a line.
        height: the most lines; if there are more steps, those within others are left out, the deepest first.
    """
    reached = [step for step in steps if step.started is not None or step.status is StepStatus.SKIPPED]
    started = [step.started for step in reached if step.started is not None]
    if not started:
        return []
    shown, left_out = _shallowest(reached, height)
    label = min(LABEL, max(len(step.path) for step in shown))
    columns = max(10, width - label - 14)
    span = Span(min(started), max([step.finished or now for step in reached if step.started]), columns)
    lines = [
        f"{GLYPHS[step.status]} {_cut(step.path, label):{label}} {_bar(step, span, now)}" for step in shown
    ]
    return [line.rstrip() for line in lines] + ([f"… and {left_out} more"] if left_out else [])


def _bar(step: StepView, span: Span, now: datetime) -> str:
    if step.status is StepStatus.SKIPPED or step.started is None:
        return neutral(step.message or "skipped")
    end = step.finished or now
    first, last = span.column(step.started), span.column(end)
    bar = BAR * (last - first) or SHORTEST
    return f"{duration(end - step.started):>8}  {' ' * min(first, span.columns - 1)}{bar}"


def _shallowest(steps: Sequence[StepView], height: int) -> tuple[list[StepView], int]:
    """Keep at most so many, the shallow ones first, in their order; return how many were left out."""
    if len(steps) <= height:
        return list(steps), 0
    order = sorted(range(len(steps)), key=lambda index: (steps[index].path.count("/"), index))
    kept = sorted(order[:height])
    return [steps[index] for index in kept], len(steps) - len(kept)


def _cut(path: str, most: int) -> str:
    text = neutral(path)
    return text if len(text) <= most else f"…{text[len(text) - most + 1 :]}"
