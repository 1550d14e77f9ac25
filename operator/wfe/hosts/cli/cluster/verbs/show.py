"""`wfe show` in a cluster"""

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.ending import document
from wfe.hosts.cli.cluster.looks import look
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.options import instance_argument, output_option
from wfe.hosts.cli.showing import print_instance


@click.command()
@instance_argument
@output_option("text", "json", default="text")
@place_options
@click.pass_context
def command(context: click.Context, instance: str, output: str) -> None:
    """Show an instance: its steps, errors, data and outputs.

    The whole history is read from the cluster; no database is needed.
    """

    async def show(room: Room) -> None:
        found = await look(room, instance)
        if output == "json":
            click.echo(as_json(await document(room, found)))
        else:
            where = {"namespace": room.namespace, "progress": found.phase.progress}
            print_instance(found.instance, found.steps, now=room.client.now(), facts=where)

    in_room(place_of(context), show)
