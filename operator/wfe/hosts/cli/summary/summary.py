"""The summary of a run, for the terminal and as Markdown. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import duration, since
from wfe.hosts.cli.summary.gantt import gantt_lines
from wfe.hosts.embedded.view import StepView
from wfe.model.instance import Instance
from wfe.model.status import StepStatus

SLOWEST: Final = 5
TERMINAL_HEIGHT: Final = 40
MARKDOWN_HEIGHT: Final = 400
MARKDOWN_WIDTH: Final = 110


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is to say of a run.

    Attributes:
        steps: every visit, in start order, those of children among them.
        logs: the command that shows what its steps wrote.
        now: the time, for steps that still run.
    """

    instance: Instance
    steps: Sequence[StepView]
    logs: str
    now: datetime

    def terminal(self, width: int) -> list[str]:
        """Return lines of at most `width` characters (a path or a reason may be longer); none for a single step."""
        if sum(step.started is not None for step in self.steps) < 2:
            return []
        lines = gantt_lines(self.steps, now=self.now, width=width, height=TERMINAL_HEIGHT)
        slow = ", ".join(f"{neutral(step.path)} {duration(took)}" for step, took in self.slowest()[:3])
        return [*lines, f"slowest: {slow}"] if slow else lines

    def slowest(self) -> list[tuple[StepView, timedelta]]:
        """Return the steps that took longest and hold no others, the slowest first."""
        groups = {group for step in self.steps if step.started is not None for group in _groups(step.path)}
        took = [
            (step, step.finished - step.started)
            for step in self.steps
            if step.started is not None and step.finished is not None and step.path not in groups
        ]
        return sorted(took, key=lambda pair: pair[1], reverse=True)[:SLOWEST]

    def markdown(self) -> str:
        """Return a document: how it ended, a table of its steps, when they ran, outputs, where logs are."""
        instance = self.instance
        took = since(instance.started_at, instance.finished_at)
        parts = [
            f"# {_cell(instance.name)}: {instance.status.value}{f' after {took}' if took else ''}",
            f"`{instance.workflow}`, instance `{instance.id}`, begun {instance.created_at:%Y-%m-%d %H:%M:%S} UTC.",
            self._why(),
            self._table(),
            _block(
                "When", gantt_lines(self.steps, now=self.now, width=MARKDOWN_WIDTH, height=MARKDOWN_HEIGHT)
            ),
            self._slow(),
            _block("Outputs", [as_json(dict(instance.outputs))] if instance.outputs else [], "json"),
            f"## Logs\n\n`{self.logs}` shows what the steps wrote.",
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _why(self) -> str:
        failure = self.instance.failure
        said = str(failure) if failure else self.instance.message or self.instance.reason
        return _block("Why", said.splitlines()) if said else ""

    def _table(self) -> str:
        rows = [_row(step, self.now) for step in self.steps if step.status is not StepStatus.PENDING]
        head = ["| step | state | attempts | took | |", "|---|---|---|---|---|"]
        return "\n".join(["## Steps", "", *head, *rows])

    def _slow(self) -> str:
        lines = [
            f"{n}. {_cell(step.path)}, {duration(took)}" for n, (step, took) in enumerate(self.slowest(), 1)
        ]
        return "\n".join(["## Slowest", "", *lines]) if lines else ""


def _groups(path: str) -> Iterator[str]:
    """Yield the paths of what a visit is in: `each` and `each[0]` of `each[0]/add`."""
    return (path[:at] for at, character in enumerate(path) if character in "/[#")


def _row(step: StepView, now: datetime) -> str:
    took = since(step.started, step.finished or now) if step.status is not StepStatus.SKIPPED else ""
    said = step.failure.message if step.failure else step.message or ""
    cells = (step.path, step.status.value, str(step.attempts or ""), took, said.partition("\n")[0])
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    """Return text that stays in its place, whatever a step wrote into it."""
    safe = neutral(text)
    for special in ("\\", "|", "`", "<", "*", "_", "["):
        safe = safe.replace(special, f"\\{special}")
    return safe


def _block(title: str, lines: Sequence[str], language: str = "text") -> str:
    """Return lines between fences that none of them can close."""
    if not lines:
        return ""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([f"## {title}", "", f"{fence}{language}", *lines, fence])
