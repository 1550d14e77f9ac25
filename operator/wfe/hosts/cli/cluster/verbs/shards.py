"""`wfe shards`"""

import asyncio
from collections.abc import Sequence

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.members import Member, members_of
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.options import output_option
from wfe.hosts.cli.trusting import trusting
from wfe.hosts.kubernetes.shards import SHARDS
from wfe.providers import UrlInvalid, find, without_secrets
from wfe.providers.customresource import lasting_leases
from wfe.runtime.clock import SystemClock


@click.command()
@click.option(
    "--url",
    metavar="URL",
    envvar="WFE_VALKEY_URL",
    callback=trusting("valkey"),
    help="Where the operator keeps its leases, if not in the cluster: redis://…  [env var: WFE_VALKEY_URL]",
)
@output_option("table", "json", default="table")
@place_options
@click.pass_context
def command(context: click.Context, url: str | None, output: str) -> None:
    """Show the replicas of an operator, and their shares of the work.

    They are known by their Lease objects in the namespace of the operator, or by their leases in Valkey. Each tree of
    instances belongs to one of 256 shards, and each shard to a replica. The one with a star does what is done once.
    """
    found = in_room(place_of(context), _in_cluster) if url is None else asyncio.run(_at(url))
    if output == "json":
        click.echo(as_json([one.shown() for one in found]))
    elif found:
        _print(found)
    elif url is not None:
        click.echo("no replica of an operator holds a lease there", err=True)
    else:
        click.echo(
            "no replica of an operator holds a Lease in this namespace; name the operator's with `-n`, or "
            "with `--url` the Valkey where its leases are",
            err=True,
        )


async def _in_cluster(room: Room) -> Sequence[Member]:
    leases = await lasting_leases(room.client, room.namespace)
    return members_of(
        {key: lease.holder for key, lease in leases.items()},
        {key: lease.age for key, lease in leases.items() if lease.age is not None},
    )


async def _at(url: str) -> Sequence[Member]:
    provider = find(url)
    leases = provider.leases("wfe-cli", now=SystemClock().now)
    if leases is None:
        raise UrlInvalid(f"`{without_secrets(url)}` keeps no leases; use `redis://…`")
    await provider.open()
    try:
        return members_of(await leases.holders("operator"), {})
    finally:
        await provider.close()


def _print(found: Sequence[Member]) -> None:
    rows = [("REPLICA", "SHARDS", "RENEWED", "LEASE"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(one: Member) -> tuple[str, ...]:
    age = "-" if one.renewed is None else f"{max(0.0, one.renewed.total_seconds()):.0f}s ago"
    share = f"{one.shards}/{SHARDS}{' *' if one.is_first else ''}"
    return (neutral(one.name), share, age, neutral(one.lease))
