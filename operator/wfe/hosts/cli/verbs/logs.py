"""`wfe logs`"""

import asyncio
import sys
from contextlib import aclosing, suppress

import click

from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import clock_time
from wfe.hosts.cli.options import instance_argument, open_host, store_option
from wfe.hosts.embedded.logs import LogLine


@click.command()
@instance_argument
@click.option("--follow", "-f", is_flag=True, help="Go on until the instance has ended.")
@click.option("--step", metavar="PATH", help="Only this step, by its path or name, and what belongs to it.")
@click.option("--prefix", is_flag=True, help="Begin lines with their time and step.")
@store_option
def command(*, instance: str, follow: bool, step: str | None, prefix: bool, store: str) -> None:
    """Print what the steps of an instance wrote.

    Bytes as they wrote them; on a terminal, control characters are shown and not obeyed.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_logs(instance, step, store, follow=follow, prefix=prefix))


async def _logs(instance: str, step: str | None, store: str, *, follow: bool, prefix: bool) -> None:
    out, on_terminal = sys.stdout.buffer, sys.stdout.isatty()
    async with open_host(store) as host, aclosing(host.logs(instance, step=step, follow=follow)) as lines:
        async for line in lines:
            out.write(_bytes(line, on_terminal=on_terminal, prefix=prefix))
            if follow:
                out.flush()
    out.flush()


def _bytes(line: LogLine, *, on_terminal: bool, prefix: bool) -> bytes:
    data = line.segment.data
    if on_terminal:
        end = "\n" if data.endswith(b"\n") else ""
        data = (neutral(data.rstrip(b"\r\n")) + end).encode()
    if not prefix:
        return data
    return f"{clock_time(line.segment.at)} {neutral(line.path)} | ".encode() + data.rstrip(b"\n") + b"\n"
