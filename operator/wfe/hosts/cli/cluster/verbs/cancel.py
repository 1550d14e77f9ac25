"""`wfe cancel` in a cluster"""

import sys

import click

from wfe.hosts.cli.cluster.control import want
from wfe.hosts.cli.cluster.ending import cancelled
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.options import instance_argument
from wfe.hosts.kubernetes.reconcile import Desired


@click.command()
@instance_argument
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it has stopped.")
@place_options
@click.pass_context
def command(context: click.Context, instance: str, wait: bool) -> None:
    """Stop an instance: kill its steps, run its ensure hooks."""

    async def cancel(room: Room) -> int:
        await want(room, instance, Desired.TERMINATED)
        if wait:
            return await cancelled(room, instance)
        click.echo(f"{instance}: told to stop")
        return 0

    sys.exit(in_room(place_of(context), cancel))
