"""`wfe submit`"""

import os
import sys
from pathlib import Path

import click

from wfe.hosts.cli.arguments import config_variables, pairs
from wfe.hosts.cli.cluster.ending import Wait, told, wait_options
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.cluster.submitting import Target, Wish, from_cluster, from_file, is_file, submit
from wfe.hosts.cli.inputs import read_inputs
from wfe.model.json import Json


@click.command()
@click.argument("what", metavar="WORKFLOW|FILE")
@click.option(
    "--workflow", metavar="ID", help="Which of the file's workflows.  [default: the one no other calls]"
)
@click.option(
    "--version", type=click.IntRange(1), metavar="N", help="Which version.  [default: the current one]"
)
@click.option(
    "--input", "-i", "inputs", multiple=True, metavar="K=V", help="An input; JSON unless declared string."
)
@click.option(
    "--inputs",
    "--inputs-file",
    "inputs_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Inputs as JSON or YAML.",
)
@click.option("--var", "variables", multiple=True, metavar="K=V", help="A variable for placeholders.")
@click.option(
    "--name", metavar="N", help="The name of the instance.  [default: the workflow's and a few digits]"
)
@click.option("--reference", metavar="KEY", help="Your own key for it, found by `wfe list`.")
@click.option("--ttl", metavar="DURATION", help="How long it is kept after its end, as in 7d.")
@click.option("--force", is_flag=True, help="With a file: take over what somebody else manages.")
@wait_options
@place_options
@click.pass_context
def command(context: click.Context, /, what: str, **options: object) -> None:
    """Start an instance in a cluster, of a workflow there or of a file.

    A file is applied first. WFE_CONFIG holds variables as JSON. Exit code 0 when the instance was made; with --wait
    or --logs as it ended: 0 Complete, 1 Failed, 3 Suspended, 4 Terminated.
    """
    wish, wait = _wish(options), _wait(options)
    variables = {**wish.variables, **wish.variable_texts}

    async def submitted(room: Room) -> int:
        target = await _target(room, what, options, variables)
        for one in target.applied:
            click.echo(str(one), err=True)
        made = (await submit(room, target, wish))["metadata"]["name"]
        return await told(room, made, f"{made}: started; `{room.place.line('watch', made)}` follows it", wait)

    sys.exit(in_room(place_of(context), submitted))


async def _target(room: Room, what: str, options: dict[str, object], variables: dict[str, Json]) -> Target:
    workflow = options["workflow"]
    if is_file(what):
        chosen = None if workflow is None else str(workflow)
        return await from_file(room, Path(what), chosen, variables, force=bool(options["force"]))
    if workflow is not None:
        raise click.BadParameter("it chooses one of a file's workflows", param_hint="--workflow")
    return await from_cluster(room, what)


def _wish(options: dict[str, object]) -> Wish:
    path, version = options["inputs_file"], options["version"]
    return Wish(
        input_texts=pairs(_texts(options["inputs"]), "--input"),
        inputs=read_inputs(path if isinstance(path, Path) else None),
        variable_texts=pairs(_texts(options["variables"]), "--var"),
        variables=config_variables(os.environ),
        name=_text(options["name"]),
        reference=_text(options["reference"]),
        ttl=_text(options["ttl"]),
        version=version if isinstance(version, int) else None,
    )


def _wait(options: dict[str, object]) -> Wait:
    return Wait(bool(options["wait"]), bool(options["logs"]), _text(options["output"]))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
