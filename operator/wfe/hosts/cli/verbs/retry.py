"""`wfe retry`"""

import asyncio
import os
import sys

import click

from wfe.hosts.cli.displays import display_for
from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.options import instance_argument, open_host, running_options, store_option
from wfe.hosts.cli.remembered import remember
from wfe.hosts.cli.secrets import secrets_of
from wfe.hosts.cli.ways import way_of


@click.command()
@instance_argument
@click.option("--name", metavar="N", help="A unique name for the new instance.")
@running_options
@store_option
def command(instance: str, name: str | None, **options: object) -> None:
    """Run what is left of an instance that failed, as a new one.

    Steps that completed are not run again, their outputs are carried over.
    """
    sys.exit(asyncio.run(_retry(instance, name, Asked.of(options))))


async def _retry(instance: str, name: str | None, asked: Asked) -> int:
    secrets = secrets_of(asked, os.environ)
    way, state = await way_of(asked, instance, secrets)
    display = display_for(asked.output)
    async with open_host(
        asked.store,
        way=way,
        secrets=secrets,
        max_tasks=asked.max_tasks,
        sink=display.wrote,
    ) as host:

        async def start() -> str:
            new = await host.retry(instance, name=name)
            remember(state, new, way)
            return new

        return await followed(host, start, display, asked)
