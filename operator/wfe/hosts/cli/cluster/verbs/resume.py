"""`wfe resume` in a cluster"""

import sys

import click

from wfe.hosts.cli.cluster.control import resume
from wfe.hosts.cli.cluster.ending import Wait, told, wait_options
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.options import instance_argument


@click.command()
@instance_argument
@wait_options
@place_options
@click.pass_context
def command(context: click.Context, instance: str, wait: bool, logs: bool, output: str | None) -> None:
    """Let an instance go on that is suspended, and those that its steps started.

    What an error suspended tries the failed step again.
    """

    async def resumed(room: Room) -> int:
        names = await resume(room, instance)
        said = f"{', '.join(names)}: told to go on" if names else f"{instance}: nothing holds it"
        return await told(room, instance, said, Wait(wait, logs, output))

    sys.exit(in_room(place_of(context), resumed))
