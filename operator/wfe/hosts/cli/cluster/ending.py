"""What verbs that follow an instance have in common: how much of it is shown, how it ended, the exit code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.interrupts import Left
from wfe.hosts.cli.cluster.looks import Look, look
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.cli.cluster.watching import Following
from wfe.hosts.cli.displays import display_for, print_end
from wfe.hosts.cli.ends import EXIT_CODES, HALTED, KILLED
from wfe.hosts.cli.options import output_option
from wfe.hosts.embedded.view import describe
from wfe.model.status import InstanceStatus

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Wait:
    """Whether and how to wait for the end."""

    wait: bool = False
    logs: bool = False
    output: str | None = None

    @property
    def is_wanted(self) -> bool:
        return self.wait or self.logs


def wait_options(function: F) -> F:
    """Add `--wait`, `--logs` and `--output`."""
    options = (
        click.option("--wait", is_flag=True, help="Wait for its end, and exit as it ended."),
        click.option("--logs", is_flag=True, help="Wait, and print what its steps write."),
        output_option("tree", "plain", "json"),
    )
    for option in reversed(options):
        function = option(function)
    return function


async def told(room: Room, name: str, what: str, wait: Wait) -> int:
    """Say what was done with an instance; wait for its end if that is wanted. Return the exit code."""
    if wait.is_wanted:
        return await followed(room, name, logs=wait.logs, output=wait.output)
    if wait.output == "json":
        click.echo(as_json(await document(room, await look(room, name))))
    else:
        click.echo(what)
    return 0


async def followed(room: Room, name: str, *, logs: bool, output: str | None) -> int:
    """Follow an instance and return the exit code that its end means."""
    following = Following(room, name, display_for(output), logs=logs)
    try:
        found = await following.to_the_end()
    except Left:
        lines = f"`{room.place.line('watch', name)}` follows it, `{room.place.line('cancel', name)}` stops it"
        click.echo(f"{name} goes on in the cluster; {lines}", err=True)
        return KILLED
    if output == "json":
        click.echo(as_json(await document(room, found)))
    else:
        print_end(replace(found.instance, name=name), room.place.line)
    return exit_code(found)


async def cancelled(room: Room, name: str) -> int:
    """Wait until an instance that was told to stop has stopped, and return the exit code."""
    try:
        found = await Following(room, name, display_for("plain")).to_the_end()
    except Left:
        click.echo(f"{name} was told to stop; `{room.place.line('watch', name)}` follows it", err=True)
        return KILLED
    click.echo(f"{name}: {found.instance.status}")
    return 0 if found.instance.status is InstanceStatus.TERMINATED else exit_code(found)


async def document(room: Room, found: Look) -> dict[str, Any]:
    """Return an instance as one JSON document, as a laptop prints it, and where it is."""
    described = await describe(room.store, room.definitions, found.instance)
    return {**described, "name": found.phase.name, "namespace": room.namespace}


def exit_code(found: Look) -> int:
    """Return the exit code that an instance's state means."""
    status = found.instance.status
    return EXIT_CODES.get(status, HALTED) if status is not InstanceStatus.PENDING else HALTED
