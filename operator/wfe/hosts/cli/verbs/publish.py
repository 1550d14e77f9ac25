"""`wfe publish`"""

import asyncio

import click

from wfe.hosts.cli.arguments import json_value
from wfe.hosts.cli.opening import open_host
from wfe.hosts.cli.options import store_option
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
    asyncio.run(_publish(event, key, json_value(payload), store))


async def _publish(event: str, key: str, payload: Json, store: str) -> None:
    async with open_host(store, create=True) as host:
        number = await host.publish(event, key, payload)
    click.echo(f"published {event} {key} as number {number}")
