"""`wfe watch`"""

import sys

import click

from wfe.hosts.cli.cluster.ending import followed
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import in_room
from wfe.hosts.cli.options import instance_argument, output_option


@click.command()
@instance_argument
@click.option("--logs", is_flag=True, help="Print what its steps write, too.")
@output_option("tree", "plain", "json")
@place_options
@click.pass_context
def command(context: click.Context, instance: str, logs: bool, output: str | None) -> None:
    """Follow an instance in a cluster to its end.

    It exits as the instance ended: 0 Complete, 1 Failed, 3 Suspended, 4 Terminated. Ctrl-C ends the watching alone.
    """
    sys.exit(in_room(place_of(context), lambda room: followed(room, instance, logs=logs, output=output)))
