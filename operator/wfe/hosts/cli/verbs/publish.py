"""`wfe publish`"""

import asyncio
import json

import click

from wfe.hosts.cli.options import open_host, store_option
from wfe.model.json import Json


@click.command()
@click.argument("event")
@click.argument("key")
@click.argument("payload", metavar="[JSON]", required=False)
@store_option
def command(event: str, key: str, payload: str | None, store: str) -> None:
    """Publish an event for the steps that wait for it.

    It is kept, so that a step that begins to wait later finds it. An object as payload becomes data.
    """
    asyncio.run(_publish(event, key, _parsed(payload), store))


def _parsed(payload: str | None) -> Json:
    if payload is None:
        return None
    try:
        value: Json = json.loads(payload)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="JSON") from error
    return value


async def _publish(event: str, key: str, payload: Json, store: str) -> None:
    async with open_host(store, create=True) as host:
        number = await host.publish(event, key, payload)
    click.echo(f"published {event} {key} as number {number}")
