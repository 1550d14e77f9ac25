"""`wfe logs` in a cluster"""

import sys

import click

from wfe.hosts.cli.cluster.interrupts import Left, leaving, unless
from wfe.hosts.cli.cluster.logs.following import follow_log, log_now
from wfe.hosts.cli.cluster.logs.lines import Line
from wfe.hosts.cli.cluster.phases import phase
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import clock_time
from wfe.hosts.cli.options import instance_argument


@click.command()
@instance_argument
@click.option("--follow", "-f", is_flag=True, help="Go on until the instance has ended.")
@click.option("--step", metavar="PATH", help="Only this step, by its path or name, and what belongs to it.")
@click.option(
    "--prefix/--no-prefix",
    default=None,
    help="Begin lines with their time and step.  [default: unless a step is named]",
)
@place_options
@click.pass_context
def command(
    context: click.Context, instance: str, follow: bool, step: str | None, prefix: bool | None
) -> None:
    """Print what the steps of an instance wrote.

    While it runs it is read from its pods, and then from the log that was kept.
    """
    named = step is None if prefix is None else prefix
    out, on_terminal = sys.stdout.buffer, sys.stdout.isatty()

    def write(line: Line) -> None:
        out.write(_bytes(line, on_terminal=on_terminal, named=named))
        if follow:
            out.flush()

    async def print_log(room: Room) -> None:
        if follow:
            async with leaving() as left:
                await unless(left, follow_log(room, instance, write, step))
        else:
            for line in await log_now(room, phase(await room.instance(instance)), step):
                write(line)

    try:
        in_room(place_of(context), print_log)
    except Left:
        sys.exit(130)
    finally:
        out.flush()


def _bytes(line: Line, *, on_terminal: bool, named: bool) -> bytes:
    text = line.text.rstrip(b"\r\n")
    if on_terminal:
        text = neutral(text).encode()
    before = f"{clock_time(line.at)} {neutral(line.step)} | ".encode() if named else b""
    return before + text + b"\n"
