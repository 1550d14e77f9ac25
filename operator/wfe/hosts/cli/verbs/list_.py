"""`wfe list`"""

import asyncio
from collections.abc import Sequence

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import since
from wfe.hosts.cli.opening import database_of, open_host
from wfe.hosts.cli.options import filter_options, store_option
from wfe.hosts.embedded.view import summary
from wfe.model.status import InstanceStatus
from wfe.ports.store import Query, Summary


@click.command()
@filter_options
@store_option
def command(  # noqa: PLR0913  # an argument an option
    *,
    status: tuple[str, ...],
    workflow: str | None,
    reference: str | None,
    children: bool,
    limit: int,
    output: str,
    store: str,
) -> None:
    """List instances, newest first."""
    query = Query(
        statuses=frozenset(map(InstanceStatus, status)),
        workflow=workflow,
        reference=reference,
        roots_only=not children,
        limit=limit,
    )
    found = asyncio.run(_list(store, query))
    if output == "json":
        click.echo(as_json([summary(one) for one in found]))
    elif output == "name":
        for one in found:
            click.echo(neutral(one.name))
    elif found:
        print_table(found)
    else:
        click.echo("no instances; `wfe run FILE` starts one", err=True)


async def _list(store: str, query: Query) -> list[Summary]:
    path = database_of(store)
    if path is not None and not path.exists():
        return []
    async with open_host(store) as host:
        return list(await host.list(query))


def print_table(found: Sequence[Summary]) -> None:
    """Print instances, a line each."""
    rows = [("NAME", "WORKFLOW", "STATUS", "STARTED", "TOOK", "ID"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(one: Summary) -> tuple[str, ...]:
    started = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    took = since(one.created_at, one.finished_at)
    return (neutral(one.name), str(one.workflow), one.status.value, started, took, one.id)
