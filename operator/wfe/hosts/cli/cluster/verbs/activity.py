"""`wfe activity fetch|complete|fail` in a cluster"""

import click

from wfe.hosts.cli.arguments import json_object
from wfe.hosts.cli.cluster.activities import fetch as fetch_offer
from wfe.hosts.cli.cluster.activities import report
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import in_room
from wfe.hosts.cli.offers import show_claim


@click.group()
def command() -> None:
    """Work on activities: fetch one, report how it went."""


@command.command()
@click.argument("name")
@click.option("--worker", default="cli", show_default=True, help="Who works on it.")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for one at most so long.")
@place_options
@click.pass_context
def fetch(context: click.Context, name: str, worker: str, wait: float) -> None:
    """Take the oldest offer of that NAME and print it as JSON; exit 1 if there is none."""
    claim = in_room(place_of(context), lambda room: fetch_offer(room, name, worker=worker, wait=wait))
    show_claim(claim, name)


@command.command()
@click.argument("token")
@click.argument("outputs", metavar="[JSON]", required=False)
@place_options
@click.pass_context
def complete(context: click.Context, token: str, outputs: str | None) -> None:
    """Report that the activity of TOKEN is done, with its outputs."""
    values = json_object(outputs, "JSON") if outputs else {}
    in_room(place_of(context), lambda room: report(room, token, outputs=values))
    click.echo("completed")


@command.command()
@click.argument("token")
@click.argument("message")
@place_options
@click.pass_context
def fail(context: click.Context, token: str, message: str) -> None:
    """Report that the activity of TOKEN failed; its error behaviour decides what follows."""
    in_room(place_of(context), lambda room: report(room, token, error=message))
    click.echo("failed")
