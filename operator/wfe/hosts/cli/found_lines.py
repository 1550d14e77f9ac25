"""`wfe logs --search`: lines of all instances that have a text."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.asking import opened_logs
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.opening import open_host
from wfe.ports.logs import LogPage, LogQuery, LogRecord, text_of


async def search_logs(query: LogQuery, url: str | None, *, store: str) -> LogPage:
    """Return a page of a query whose instance may be named by its name, which the store knows."""
    async with opened_logs(url) as logs:
        if query.instance is not None:
            async with open_host(store) as host:
                query = replace(query, instance=(await host.get(query.instance)).id)
        return await logs.search(query)


def print_lines(page: LogPage, output: str) -> None:
    """Print what was found: a line each with its time, instance and step, or a JSON document."""
    if output == "json":
        click.echo(as_json(_plain(page.found)))
        return
    for record in page.found:
        sys.stdout.write(_line(record))
    if not page.found:
        click.echo("no line has this text", err=True)
    elif page.next is not None:
        click.echo("there are more; --limit shows them, --since narrows", err=True)


def _line(record: LogRecord) -> str:
    segment = record.segment
    at = segment.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    who = f"{neutral(record.instance_name)} {neutral(segment.key.path)}"
    return f"{at} {who} | {neutral(text_of(segment.data).rstrip())}\n"


def _plain(found: Sequence[LogRecord]) -> list[dict[str, Any]]:
    return [
        {
            "at": record.segment.at.isoformat(),
            "instance": record.segment.key.instance,
            "name": record.instance_name,
            "workflow": record.workflow,
            "step": record.segment.key.path,
            "attempt": record.segment.key.attempt,
            "stream": record.segment.stream.value,
            "offset": record.segment.offset,
            "text": text_of(record.segment.data),
        }
        for record in found
    ]
