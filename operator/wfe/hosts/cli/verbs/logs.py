"""`wfe logs`"""

import asyncio
import sys
from contextlib import aclosing, suppress

import click

from wfe.hosts.cli.asking import moment
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import clock_time
from wfe.hosts.cli.finish import Asked
from wfe.hosts.cli.found_lines import print_lines, search_logs
from wfe.hosts.cli.opening import Copied, open_host
from wfe.hosts.cli.options import line_options, logs_option, store_option
from wfe.hosts.embedded.logs import LogLine
from wfe.ports.logs import LogQuery


@click.command()
@click.argument("instance", metavar="[ID|NAME]", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on until the instance has ended.")
@click.option("--step", metavar="PATH", help="Only this step, by its path or name, and what belongs to it.")
@click.option("--prefix", is_flag=True, help="Begin lines with their time and step.")
@line_options
@logs_option
@store_option
def command(instance: str | None, **options: object) -> None:
    """Print what the steps of an instance wrote.

    With --search TEXT: lines of all instances that have the text, out of the logs that are kept (--logs URL).

    Bytes as they wrote them; on a terminal, control characters are shown and not obeyed.
    """
    asked = Asked.of(options)
    if asked.raw["search"] is not None:
        _search(instance, asked)
        return
    for name in ("workflow", "since"):
        if asked.raw[name] is not None:
            raise click.UsageError(f"--{name} goes with --search TEXT")
    if instance is None:
        raise click.UsageError("name an instance, or search in all: --search TEXT")
    with suppress(KeyboardInterrupt):
        asyncio.run(
            _logs(instance, asked, follow=bool(asked.raw["follow"]), prefix=bool(asked.raw["prefix"]))
        )


def _search(instance: str | None, asked: Asked) -> None:
    limit = asked.raw["limit"]
    query = LogQuery(
        text=asked.text("search") or "",
        instance=instance,
        workflow=asked.text("workflow"),
        step=asked.text("step"),
        since=moment(asked.text("since"), "--since"),
        limit=limit if isinstance(limit, int) else 1000,
    )
    print_lines(
        asyncio.run(search_logs(query, asked.text("logs"), store=asked.store)), asked.output or "text"
    )


async def _logs(instance: str, asked: Asked, *, follow: bool, prefix: bool) -> None:
    out, on_terminal = sys.stdout.buffer, sys.stdout.isatty()
    copies = Copied(logs=asked.text("logs"))
    async with (
        open_host(asked.store, copies=copies) as host,
        aclosing(host.logs(instance, step=asked.text("step"), follow=follow)) as lines,
    ):
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
