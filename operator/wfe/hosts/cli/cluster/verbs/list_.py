"""`wfe list` in a cluster"""

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.listing import Wanted, instances, summary, table
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import in_room
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.options import filter_options


@click.command()
@click.option("--all-namespaces", "-A", "everywhere", is_flag=True, help="In every namespace.")
@filter_options
@place_options
@click.pass_context
def command(context: click.Context, /, output: str, **options: object) -> None:
    """List instances, newest first."""
    wanted = Wanted.of(options)
    place = place_of(context)
    found = in_room(place, lambda room: instances(room, wanted))
    if output == "json":
        click.echo(as_json([summary(one) for one in found]))
    elif output == "name":
        for one in found:
            click.echo(neutral(one.name))
    elif found:
        for line in table(found, with_namespace=wanted.everywhere):
            click.echo(line)
    else:
        click.echo(f"no instances; `{place.line('submit', 'WORKFLOW')}` starts one", err=True)
