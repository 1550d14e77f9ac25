"""`wfe run`"""

import asyncio
import os
import shlex
import sys
from pathlib import Path

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.beginning import Beginning, beginning_options, read_beginning
from wfe.hosts.cli.displays import display_for, store_words
from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.opening import open_host, prepare_store, require_shared
from wfe.hosts.cli.options import DEFAULT_STORE, queue_option, running_options, store_option
from wfe.hosts.cli.remembered import Way, remember
from wfe.hosts.cli.secrets import secrets_of
from wfe.providers import without_secrets


@click.command()
@beginning_options
@click.option("--detach", "-d", is_flag=True, help="Leave it to a worker, and do not wait for it.")
@running_options
@queue_option
@store_option
def command(file: Path, **options: object) -> None:
    """Run a workflow file and follow it to its end.

    The run survives this command: after a crash `wfe resume` goes on with it. WFE_CONFIG holds variables as JSON.
    """
    sys.exit(asyncio.run(_run(file, Asked.of(options))))


async def _run(file: Path, asked: Asked) -> int:
    beginning = read_beginning(file, asked)
    if asked.raw["detach"]:
        return await _detached(beginning, asked)
    secrets = secrets_of(asked, os.environ)
    way = Way(secrets=tuple(secrets)).with_asked(asked.workspace or Path(), asked.env)
    display = display_for(asked.output)
    async with open_host(
        asked.store,
        create=True,
        way=way,
        secrets=secrets,
        max_tasks=asked.max_tasks,
        sink=display.wrote,
        copies=asked.copies,
    ) as host:

        async def start() -> str:
            await beginning.register(host)
            instance = await beginning.made(host, detach=False)
            remember(prepare_store(asked.store, create=True), instance, way)
            return instance

        return await followed(host, start, display, asked)


async def _detached(beginning: Beginning, asked: Asked) -> int:
    require_shared(asked.store)
    again = store_words(asked.store, DEFAULT_STORE)
    queue = asked.text("queue")
    taking = again if queue is None else f"{again} --queue {shlex.quote(without_secrets(queue))}"
    async with open_host(asked.store, create=True, queue=queue) as host:
        await beginning.register(host)
        name = (await host.get(await beginning.made(host, detach=True))).name
    if asked.output == "json":
        click.echo(as_json({"name": name}))
    else:
        click.echo(f"{name}: `wfe worker{taking}` works on it, `wfe show {name}{again}` shows it")
    return 0
