"""`wfe show` in a cluster"""

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.ending import document
from wfe.hosts.cli.cluster.looks import Look, look
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
            print_instance(found.instance, found.steps, now=room.client.now(), facts=_facts(found))

    in_room(place_of(context), show)


def _facts(found: Look) -> dict[str, str]:
    """Return what its object says: which is all there is to say before it has begun."""
    shown = found.phase
    facts = {"name": shown.name, "namespace": shown.namespace, "progress": shown.progress}
    return facts if shown.is_begun else {**facts, "workflow": shown.workflow}
