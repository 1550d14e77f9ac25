"""`wfe worker`"""

import asyncio
import logging
import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import click

from wfe.errors import Permanent
from wfe.expr.duration import parse_duration
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.finish import Asked
from wfe.hosts.cli.opening import GRACE, prepare_store, require_shared
from wfe.hosts.cli.options import queue_option, running_options, store_option
from wfe.hosts.cli.secrets import secrets_of
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.wiring.engine_room import Settings
from wfe.model.instance import Instance
from wfe.model.record import InstanceChanged, Lifecycle
from wfe.providers import without_secrets


@click.command()
@running_options
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The directory for steps' files and logs; workers that share it take over from each other at once.",
)
@click.option(
    "--capacity",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many instances are driven at once; those that only wait do not count.",
)
@click.option(
    "--ttl",
    metavar="DURATION",
    default="10s",
    show_default=True,
    help="How long a worker may be silent before others work on what it has.",
)
@click.option(
    "--lost-after",
    metavar="DURATION",
    default="1m",
    show_default=True,
    help="How long a worker elsewhere has to come back and tell how its steps ended, before they are Lost.",
)
@click.option(
    "--keep-logs", metavar="DURATION", help="How long what is copied by --logs is kept.  [default: for ever]"
)
@click.option("--locks", metavar="URL", envvar="WFE_LOCKS", help="Where leases live.  [default: the store]")
@queue_option
@store_option
def command(**options: object) -> None:
    """Work on the instances of a store, together with other workers on it.

    `wfe run --detach` starts instances. Ctrl-C or SIGTERM stops the worker: what is unfinished goes to others,
    processes that run go on, and the next worker with this state directory tells how they ended.
    """
    asyncio.run(_work(Asked.of(options)))


async def _work(asked: Asked) -> None:
    require_shared(asked.store)
    if asked.raw["keep_logs"] is not None and asked.copies.logs is None:
        raise click.UsageError("--keep-logs goes with --logs URL")
    beside_the_store = prepare_store(asked.store, create=True)
    state = asked.raw["state"]
    capacity = asked.raw["capacity"]
    settings = Settings(
        store=asked.store,
        queue=asked.text("queue"),
        locks=asked.text("locks"),
        search=asked.copies.search,
        logs=asked.copies.logs,
        keep_logs=_duration(asked, "keep_logs") if asked.raw["keep_logs"] is not None else None,
        state=state if isinstance(state, Path) else beside_the_store,
        workspace=asked.workspace or Path(),
        max_tasks=asked.max_tasks,
        inherit=asked.env,
        secrets=secrets_of(asked, os.environ),
        ttl=_duration(asked, "ttl"),
        lost_after=_duration(asked, "lost_after"),
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    host = WorkflowHost(settings=settings, recover=False)
    try:
        await host.start_host()
        with host.listening(_say):
            click.echo(f"working on {without_secrets(asked.store)}; Ctrl-C stops", err=True)
            await _until_stopped(host, capacity if isinstance(capacity, int) else 100)
    finally:
        await host.stop(GRACE)
    click.echo("stopped; what is unfinished goes to other workers", err=True)


async def _until_stopped(host: WorkflowHost, capacity: int) -> None:
    work = asyncio.ensure_future(host.work(capacity=capacity))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


def _say(instance: Instance, change: Lifecycle) -> None:
    if isinstance(change, InstanceChanged):
        because = "" if instance.failure is None else f": {neutral(str(instance.failure))}"
        click.echo(f"{change.at:%H:%M:%S} {instance.name}: {change.status}{because}")


def _duration(asked: Asked, name: str) -> timedelta:
    try:
        return parse_duration(asked.text(name))
    except Permanent as error:
        raise click.BadParameter(str(error), param_hint=f"--{name.replace('_', '-')}") from error
