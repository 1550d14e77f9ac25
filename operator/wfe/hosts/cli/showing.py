"""An instance on the terminal: facts, the tree of its steps, its outputs and data."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.neutral import neutral, neutral_lines
from wfe.hosts.cli.display.rows import Row
from wfe.hosts.cli.display.tree import Line, tree_lines
from wfe.hosts.cli.displays import COLOR_OF
from wfe.hosts.embedded.view import StepView
from wfe.model.instance import Instance
from wfe.model.json import Data


def print_instance(
    instance: Instance,
    steps: Iterable[StepView],
    *,
    now: datetime,
    facts: Mapping[str, str] | None = None,
) -> None:
    """Print an instance; `facts` are said besides its own."""
    status = click.style(instance.status.value, fg=COLOR_OF.get(instance.status), bold=True)
    click.echo(f"{'status':10} {status}")
    for name, value in {**_facts(instance), **(facts or {})}.items():
        if value:
            click.echo(f"{name:10} {neutral_lines(value, ' ' * 11)}")
    click.echo("\nsteps")
    for line in tree_lines(map(_row, steps), now=now):
        click.echo(f"  {_styled(line)}")
    _print_data("outputs", instance.outputs or {})
    _print_data("data", instance.data)


def _facts(instance: Instance) -> Mapping[str, str]:
    return {
        "name": instance.name,
        "id": instance.id,
        "workflow": str(instance.workflow),
        "reason": instance.reason or "",
        "message": instance.message or "",
        "error": str(instance.failure or ""),
        "started": f"{instance.created_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "reference": instance.reference or "",
        "retry of": instance.retry_of or "",
        "trace": instance.trace or "",
    }


def _row(view: StepView) -> Row:
    return Row(
        path=view.path,
        type=view.type,
        status=view.status,
        attempt=view.attempts,
        started=view.started,
        ended=view.finished,
        failure=view.failure,
        wake_at=view.wake_at,
    )


def _styled(line: Line) -> str:
    head, tail = line.text[: line.dim_from], line.text[line.dim_from :]
    return click.style(head, fg=line.color or None) + click.style(tail, dim=True)


def _print_data(title: str, data: Data) -> None:
    if data:
        click.echo(f"\n{title}")
    for name, value in data.items():
        shown = value if isinstance(value, str) and "\n" not in value else as_json(value, indent=None)
        click.echo(f"  {neutral(name)}: {neutral(shown)}")
