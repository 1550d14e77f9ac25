"""`wfe activity fetch|complete|fail`"""

import asyncio
from datetime import timedelta

import click

from wfe.hosts.cli.arguments import json_object
from wfe.hosts.cli.offers import show_claim
from wfe.hosts.cli.opening import open_host
from wfe.hosts.cli.options import store_option
from wfe.ports.store import ActivityClaim


@click.group()
def command() -> None:
    """Work on activities: fetch one, report how it went."""


@command.command()
@click.argument("name")
@click.option("--worker", default="cli", show_default=True, help="Who works on it.")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for one at most so long.")
@store_option
def fetch(name: str, worker: str, wait: float, store: str) -> None:
    """Take the oldest offer of that NAME and print it as JSON; exit 1 if there is none."""
    claim = asyncio.run(_fetch(name, worker, timedelta(seconds=wait), store))
    show_claim(claim, name)


async def _fetch(name: str, worker: str, wait: timedelta, store: str) -> ActivityClaim | None:
    async with open_host(store) as host:
        return await host.activities.fetch(name, worker=worker, wait=wait)


@command.command()
@click.argument("token")
@click.argument("outputs", metavar="[JSON]", required=False)
@store_option
def complete(token: str, outputs: str | None, store: str) -> None:
    """Report that the activity of TOKEN is done, with its outputs."""
    asyncio.run(_complete(token, outputs, store))


async def _complete(token: str, outputs: str | None, store: str) -> None:
    values = json_object(outputs, "JSON") if outputs else {}
    async with open_host(store) as host:
        await host.activities.complete(token, values)
    click.echo("completed")


@command.command()
@click.argument("token")
@click.argument("message")
@store_option
def fail(token: str, message: str, store: str) -> None:
    """Report that the activity of TOKEN failed; its error behaviour decides what follows."""
    asyncio.run(_fail(token, message, store))


async def _fail(token: str, message: str, store: str) -> None:
    async with open_host(store) as host:
        await host.activities.fail(token, message)
    click.echo("failed")
