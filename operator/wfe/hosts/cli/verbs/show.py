"""`wfe show`"""

import asyncio

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.opening import open_host
from wfe.hosts.cli.options import instance_argument, output_option, store_option
from wfe.hosts.cli.showing import print_instance
from wfe.runtime.clock import SystemClock


@click.command()
@instance_argument
@output_option("text", "json", default="text")
@store_option
def command(instance: str, output: str, store: str) -> None:
    """Show an instance: its steps, errors, data and outputs."""
    asyncio.run(_show(instance, output, store))


async def _show(instance: str, output: str, store: str) -> None:
    async with open_host(store) as host:
        if output == "json":
            click.echo(as_json(await host.describe(instance)))
        else:
            found = await host.get(instance)
            print_instance(found, await host.steps(found.id), now=SystemClock().now())
