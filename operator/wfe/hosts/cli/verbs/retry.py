"""`wfe retry`"""

import asyncio
import sys

import click

from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.options import instance_argument, running_options, store_option
from wfe.hosts.cli.remembered import remember
from wfe.hosts.cli.ways import again


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
    async with again(asked, instance) as found:

        async def start() -> str:
            new = await found.host.retry(instance, name=name)
            remember(found.state, new, found.way)
            return new

        return await followed(found.host, start, found.display, asked)
