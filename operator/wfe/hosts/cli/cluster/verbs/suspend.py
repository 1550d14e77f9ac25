"""`wfe suspend` in a cluster"""

import click

from wfe.hosts.cli.cluster.control import want
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.options import instance_argument
from wfe.hosts.kubernetes.reconcile import Desired


@click.command()
@instance_argument
@place_options
@click.pass_context
def command(context: click.Context, instance: str) -> None:
    """Start nothing new in an instance; what runs finishes.

    `wfe resume` goes on with it.
    """

    async def suspend(room: Room) -> None:
        await want(room, instance, Desired.SUSPENDED)
        click.echo(f"{instance}: told to suspend; `{room.place.line('resume', instance)}` goes on")

    in_room(place_of(context), suspend)
