"""`wfe list` in a cluster"""

import asyncio
from collections.abc import Sequence

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.history import history_options, listed, opened_history
from wfe.hosts.cli.cluster.listing import Wanted, instances, summary, table
from wfe.hosts.cli.cluster.phases import Phase
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import in_room, namespace_of
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.options import filter_options


@click.command()
@click.option("--all-namespaces", "-A", "everywhere", is_flag=True, help="In every namespace.")
@filter_options
@history_options
@place_options
@click.pass_context
def command(
    context: click.Context, /, output: str, history: bool, history_url: str | None, **options: object
) -> None:
    """List instances, newest first."""
    wanted = Wanted.of(options)
    place = place_of(context)

    if history:
        found = asyncio.run(_kept(history_url, wanted, "" if wanted.everywhere else namespace_of(place)))
    else:
        found = in_room(place, lambda room: instances(room, wanted))
    if output == "json":
        click.echo(as_json([summary(one) for one in found]))
    elif output == "name":
        for one in found:
            click.echo(neutral(one.name))
    elif found:
        for line in table(found, with_namespace=wanted.everywhere):
            click.echo(line)
    elif history:
        click.echo("the history has no such instances", err=True)
    else:
        click.echo(f"no instances; `{place.line('submit', 'WORKFLOW')}` starts one", err=True)


async def _kept(url: str | None, wanted: Wanted, namespace: str) -> Sequence[Phase]:
    async with opened_history(url) as mirror:
        return await listed(mirror, wanted, namespace)
