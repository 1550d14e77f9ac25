"""Which display a run gets, and what is printed when the run is over."""

import shlex
import sys
from collections.abc import Callable
from typing import Any, Final

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.display import Display
from wfe.hosts.cli.display.neutral import neutral, neutral_lines
from wfe.hosts.cli.display.plain import PlainDisplay
from wfe.hosts.cli.display.words import COLORS, since
from wfe.model.instance import Instance
from wfe.model.status import InstanceStatus
from wfe.providers import without_secrets
from wfe.runtime.clock import SystemClock

COLOR_OF: Final = {InstanceStatus.COMPLETE: "green", InstanceStatus.FAILED: "red", **COLORS}


def display_for(output: str | None) -> Display:
    """Return a tree for terminals, lines for everything else; with JSON on stdout the lines go to stderr."""
    now = SystemClock().now
    if output == "json":
        return PlainDisplay(sys.stderr.buffer, now=now, on_terminal=sys.stderr.isatty())
    if output == "tree" or (output is None and sys.stdout.isatty()):
        from wfe.hosts.cli.display.live import LiveDisplay  # noqa: PLC0415  # rich takes its time

        return LiveDisplay(now=now)
    return PlainDisplay(sys.stdout.buffer, now=now, on_terminal=sys.stdout.isatty())


def print_end(instance: Instance, line: Callable[[str, str], str]) -> None:
    """Say how a run ended, and what can be done now. `line` returns the command that does a verb to it."""
    status = click.style(instance.status.value, fg=COLOR_OF.get(instance.status), bold=True)
    took = since(instance.started_at, instance.finished_at)
    click.echo(f"{instance.name}: {status}{f' after {took}' if took else ''}{_because(instance)}")
    for name, value in (instance.outputs or {}).items():
        click.echo(f"  {neutral(name)}: {neutral(_shown(value))}")
    hint = _hint(instance, line)
    if hint:
        click.echo(hint)


def _because(instance: Instance) -> str:
    if instance.failure is not None:
        return f": {neutral_lines(str(instance.failure))}"
    said = instance.message or instance.reason
    return f": {neutral(said)}" if said else ""


def _hint(instance: Instance, line: Callable[[str, str], str]) -> str:
    name = instance.name
    match instance.status:
        case InstanceStatus.SUSPENDED:
            return f"`{line('resume', name)}` goes on"
        case InstanceStatus.FAILED:
            return f"`{line('show', name)}` says more, `{line('retry', name)}` does the rest"
        case _:
            return ""


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value, indent=None)


def store_words(store: str, default: str) -> str:
    """Return what must be added to a command so that it finds the same store; a password is left to be added."""
    return "" if store == default else f" --store {shlex.quote(without_secrets(store))}"
