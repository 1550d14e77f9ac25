"""`wfe cancel`"""

import asyncio
import sys
from datetime import timedelta
from typing import Final

import click

from wfe.hosts.cli.ends import EXIT_CODES
from wfe.hosts.cli.opening import open_host, prepare_store
from wfe.hosts.cli.options import instance_argument, store_option
from wfe.hosts.cli.remembered import recall
from wfe.hosts.embedded.host import WorkflowHost
from wfe.model.instance import Instance
from wfe.model.status import InstanceStatus
from wfe.runtime.runtime import HeldElsewhere

PATIENCE: Final = timedelta(minutes=1)


@click.command()
@instance_argument
@click.option("--reason", default="cancelled on request", show_default=True, help="What `wfe show` says.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until it has stopped.")
@store_option
def command(*, instance: str, reason: str, wait: bool, store: str) -> None:
    """Stop an instance: kill its steps, run its ensure hooks.

    If no process works on it, this one does until it has stopped.
    """
    sys.exit(asyncio.run(_cancel(instance, reason, store, wait=wait)))


async def _cancel(instance: str, reason: str, store: str, *, wait: bool) -> int:
    async with open_host(store) as host:
        value = await host.get(instance)
    way = recall(prepare_store(store, create=False), value.root or value.id)
    async with open_host(store, way=way) as host:
        await host.cancel(value.id, reason)
        try:
            await host.recover(value.id)
        except HeldElsewhere:
            if not wait:
                click.echo(f"{value.name}: told to stop")
                return 0
        ended = await _ended(host, value)
    if ended is None:
        click.echo(f"{value.name}: told to stop, and has not after {PATIENCE.seconds} s", err=True)
        return 1
    click.echo(f"{ended.name}: {ended.status}")
    return 0 if ended.status is InstanceStatus.TERMINATED else EXIT_CODES[ended.status]


async def _ended(host: WorkflowHost, value: Instance) -> Instance | None:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await host.wait(value.id)
    except TimeoutError:
        return None
