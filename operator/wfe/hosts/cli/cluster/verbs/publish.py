"""`wfe publish` in a cluster"""

import click

from wfe.hosts.cli.arguments import json_value
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.publishing import publish
from wfe.hosts.cli.cluster.room import Room, in_room


@click.command()
@click.argument("event")
@click.argument("key")
@click.argument("payload", metavar="[JSON]", required=False)
@click.option("--name", metavar="N", help="A name for it: published twice under one name, it is there once.")
@click.option(
    "--expires-after", metavar="DURATION", help="How long it is kept.  [default: what the operator says]"
)
@place_options
@click.pass_context
def command(
    context: click.Context,
    event: str,
    key: str,
    payload: str | None,
    name: str | None,
    expires_after: str | None,
) -> None:
    """Publish an event for the steps that wait for it.

    It is kept, so that a step that begins to wait later finds it. An object as payload becomes data.
    """
    value = json_value(payload)

    async def published(room: Room) -> None:
        made, is_new = await publish(room, event, key, value, name=name, expires_after=expires_after)
        said = "published" if is_new else "was published already:"
        click.echo(f"{said} {event} {key} as {made}".replace("  ", " "))

    in_room(place_of(context), published)
