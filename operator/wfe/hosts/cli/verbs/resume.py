"""`wfe resume`"""

import asyncio
import os
import sys

import click

from wfe.hosts.cli.displays import display_for
from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.options import instance_argument, open_host, running_options, store_option
from wfe.hosts.cli.secrets import secrets_of
from wfe.hosts.cli.ways import way_of


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
    secrets = secrets_of(asked, os.environ)
    way, _ = await way_of(asked, instance, secrets)
    display = display_for(asked.output)
    async with open_host(
        asked.store,
        way=way,
        secrets=secrets,
        max_tasks=asked.max_tasks,
        sink=display.wrote,
    ) as host:
        return await followed(host, lambda: host.resume(instance), display, asked)
