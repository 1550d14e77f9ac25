"""`wfe resume`"""

import asyncio
import sys

import click

from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.options import instance_argument, running_options, store_option
from wfe.hosts.cli.ways import again


@click.command()
@instance_argument
@running_options
@store_option
def command(instance: str, **options: object) -> None:
    """Go on with an instance that has not ended, and follow it.

    It runs as it was run: the same workspace, the same variables of the environment. Its file is not needed.
    """
    sys.exit(asyncio.run(_resume(instance, Asked.of(options))))


async def _resume(instance: str, asked: Asked) -> int:
    async with again(asked, instance) as found:
        return await followed(found.host, lambda: found.host.resume(instance), found.display, asked)
