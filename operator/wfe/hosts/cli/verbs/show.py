"""`wfe show`"""

import asyncio

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.neutral import neutral, neutral_lines
from wfe.hosts.cli.display.rows import Row
from wfe.hosts.cli.display.tree import Line, tree_lines
from wfe.hosts.cli.displays import COLOR_OF
from wfe.hosts.cli.options import instance_argument, open_host, output_option, store_option
from wfe.hosts.embedded import WorkflowHost
from wfe.hosts.embedded.view import StepView
from wfe.model.instance import Instance
from wfe.model.json import Data
from wfe.runtime.clock import SystemClock


@click.command()
@instance_argument
@output_option("text", "json", default="text")
@store_option
def command(instance: str, output: str, store: str) -> None:
    """Show an instance: its steps, errors, data and outputs."""
    asyncio.run(_show(instance, output, store))


async def _show(instance: str, output: str, store: str) -> None:
    async with open_host(store) as host:
        if output == "json":
            click.echo(as_json(await host.describe(instance)))
        else:
            await _print(host, await host.get(instance))


async def _print(host: WorkflowHost, instance: Instance) -> None:
    status = click.style(instance.status.value, fg=COLOR_OF.get(instance.status), bold=True)
    facts = {
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
    click.echo(f"{'status':10} {status}")
    for name, value in facts.items():
        if value:
            click.echo(f"{name:10} {neutral_lines(value, ' ' * 11)}")
    click.echo("\nsteps")
    rows = [_row(view) for view in await host.steps(instance.id)]
    for line in tree_lines(rows, now=SystemClock().now()):
        click.echo(f"  {_styled(line)}")
    _print_data("outputs", instance.outputs or {})
    _print_data("data", instance.data)


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
