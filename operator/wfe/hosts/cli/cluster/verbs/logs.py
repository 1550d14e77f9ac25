"""`wfe logs` in a cluster"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

import click

from wfe.errors import NotFound
from wfe.hosts.cli.asking import moment, opened_logs
from wfe.hosts.cli.cluster.copies import Copy, deleted_log, id_of, opened_copy
from wfe.hosts.cli.cluster.interrupts import Left, leaving, unless
from wfe.hosts.cli.cluster.logs.following import follow_log, log_now
from wfe.hosts.cli.cluster.logs.lines import Line, is_of
from wfe.hosts.cli.cluster.phases import Phase, phase
from wfe.hosts.cli.cluster.place import Place, place_of, place_options
from wfe.hosts.cli.cluster.refusals import is_missing_object, said
from wfe.hosts.cli.cluster.room import Room, in_room, namespace_of
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.words import clock_time
from wfe.hosts.cli.found_lines import print_lines
from wfe.hosts.cli.options import copied_option, line_options
from wfe.kube import ApiNotFound
from wfe.ports.logs import LogPage, LogQuery, LogStore

COPIED = (
    "no logs are named to search in: name the OpenSearch server that the operator copies to (`opensearch` of its "
    "chart) with `--logs URL` (or WFE_LOGS); `wfe logs NAME` needs none"
)
ELSEWHERE = (
    "what it wrote may be where the operator copies to: name that server with `--logs URL` (or WFE_LOGS)"
)
UNKNOWN = "nor does the copy know it"


@click.command()
@click.argument("instance", metavar="[NAME|ID]", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on until the instance has ended.")
@click.option("--step", metavar="PATH", help="Only this step, by its path or name, and what belongs to it.")
@click.option(
    "--prefix/--no-prefix",
    default=None,
    help="Begin lines with their time and step.  [default: unless a step is named]",
)
@click.option("--all-namespaces", "-A", "everywhere", is_flag=True, help="With --search: in every namespace.")
@line_options
@copied_option("--logs", "--url")
@place_options
@click.pass_context
def command(context: click.Context, /, instance: str | None, **options: object) -> None:
    """Print what the steps of an instance wrote.

    While it runs it is read from its pods, and then from the log that was kept. With the URL of the server that the
    operator copies to, also what instances wrote that are deleted, and what is too long to be kept with them.

    With --search TEXT: lines of all instances that have the text.
    """
    place, step = place_of(context), _text(options["step"])
    if options["search"] is not None:
        _search(place, instance, options)
        return
    for name in ("workflow", "since"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} goes with --search TEXT")
    if instance is None:
        raise click.UsageError("name an instance, or search in all: --search TEXT")
    follow = bool(options["follow"])
    named = step is None if options["prefix"] is None else bool(options["prefix"])
    printer, url = _Printer(instance, step, follow, named), _text(options["logs"])
    try:
        in_room(place, lambda room: printer.run(room, url))
    except Left:
        sys.exit(130)
    finally:
        sys.stdout.buffer.flush()


def _search(place: Place, instance: str | None, options: Mapping[str, object]) -> None:
    limit, url = options["limit"], _text(options["logs"])
    namespace = None if options["everywhere"] and instance is None else namespace_of(place)
    query = LogQuery(
        text=_text(options["search"]) or "",
        workflow=_text(options["workflow"]),
        namespace=namespace,
        step=_text(options["step"]),
        since=moment(_text(options["since"]), "--since"),
        limit=limit if isinstance(limit, int) else 1000,
    )
    page = asyncio.run(_found(query, instance, url))
    print_lines(page, _text(options["output"]) or "text")


async def _found(query: LogQuery, instance: str | None, url: str | None) -> LogPage:
    async with opened_logs(url, way_out=COPIED) as logs:
        if instance is not None and url is not None and query.namespace is not None:
            query = replace(query, instance=await id_of(url, query.namespace, instance))
        return await logs.search(query)


@dataclass(frozen=True, slots=True)
class _Printer:
    """Prints the log of one instance."""

    instance: str
    step: str | None
    follow: bool
    named: bool

    async def run(self, room: Room, url: str | None) -> None:
        async with opened_copy(url) as copy:
            try:
                found = phase(await room.instance(self.instance))
            except ApiNotFound as error:
                if not is_missing_object(error):
                    raise
                await self._deleted(room, copy, error)
            else:
                await self._there(room, found, None if copy is None else copy.logs)

    async def _there(self, room: Room, found: Phase, logs: LogStore | None) -> None:
        if self.follow:
            async with leaving() as left:
                await unless(left, follow_log(room, found.name, self.write, self.step, logs))
        else:
            for line in await log_now(room, found, self.step, logs):
                self.write(line)

    async def _deleted(self, room: Room, copy: Copy | None, error: ApiNotFound) -> None:
        lines = None if copy is None else await deleted_log(copy, room.namespace, self.instance)
        if lines is None:
            raise NotFound(f"{said(error, room.asked)}; {ELSEWHERE if copy is None else UNKNOWN}") from error
        for line in lines:
            if is_of(line.step, self.step):
                self.write(line)

    def write(self, line: Line) -> None:
        out = sys.stdout.buffer
        out.write(_bytes(line, on_terminal=sys.stdout.isatty(), named=self.named))
        if self.follow:
            out.flush()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _bytes(line: Line, *, on_terminal: bool, named: bool) -> bytes:
    text = line.text.rstrip(b"\r\n")
    if on_terminal:
        text = neutral(text).encode()
    before = f"{clock_time(line.at)} {neutral(line.step)} | ".encode() if named else b""
    return before + text + b"\n"
