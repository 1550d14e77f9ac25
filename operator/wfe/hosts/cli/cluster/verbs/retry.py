"""`wfe retry` in a cluster"""

import sys

import click

from wfe.hosts.cli.cluster.control import retrying
from wfe.hosts.cli.cluster.ending import Wait, told, wait_options
from wfe.hosts.cli.cluster.objects import fresh_name
from wfe.hosts.cli.cluster.phases import phase
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.cluster.submitting import make
from wfe.hosts.cli.options import instance_argument
from wfe.runtime.clock import SystemClock


@click.command()
@instance_argument
@click.option("--name", metavar="N", help="The name of the new instance.")
@wait_options
@place_options
@click.pass_context
def command(
    context: click.Context, instance: str, name: str | None, wait: bool, logs: bool, output: str | None
) -> None:
    """Run what is left of an instance that failed, as a new one.

    Steps that completed are not run again, their outputs are carried over; their files too, if they are on a volume.
    """

    async def retried(room: Room) -> int:
        found = await room.instance(instance)
        source = phase(found)
        spec = retrying(source, found)
        made = (await make(room, name or fresh_name(source.workflow, SystemClock().new_id()), spec))[
            "metadata"
        ]["name"]
        said = f"{made}: does the rest of {instance}; `{room.place.line('watch', made)}` follows it"
        return await told(room, made, said, Wait(wait, logs, output))

    sys.exit(in_room(place_of(context), retried))
