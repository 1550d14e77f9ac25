"""`wfe suspend`"""

import asyncio

import click

from wfe.hosts.cli.opening import open_host
from wfe.hosts.cli.options import instance_argument, store_option


@click.command()
@instance_argument
@click.option("--reason", default="suspended on request", show_default=True, help="What `wfe show` says.")
@store_option
def command(instance: str, reason: str, store: str) -> None:
    """Start nothing new in an instance; what runs finishes.

    `wfe resume` goes on with it.
    """
    asyncio.run(_suspend(instance, reason, store))


async def _suspend(instance: str, reason: str, store: str) -> None:
    async with open_host(store) as host:
        await host.suspend(instance, reason)
        click.echo(f"{instance}: told to suspend; `wfe resume {instance}` goes on")
