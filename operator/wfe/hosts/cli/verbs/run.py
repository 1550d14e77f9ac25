"""`wfe run`"""

import asyncio
import os
import sys
from pathlib import Path

import click

from wfe.errors import NameTaken
from wfe.graph.fields import coerce_inputs
from wfe.graph.workflow import Workflow
from wfe.hosts.cli.arguments import config_variables, pairs, read_inputs
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.displays import display_for
from wfe.hosts.cli.finish import Asked, followed
from wfe.hosts.cli.options import open_host, prepare_store, running_options, store_option
from wfe.hosts.cli.remembered import Way, remember
from wfe.hosts.cli.secrets import secrets_of
from wfe.hosts.embedded import WorkflowHost
from wfe.hosts.embedded.files import chosen, load_file, workflows_of
from wfe.hosts.embedded.laptop import ignored_here, require_runnable
from wfe.language import Loaded
from wfe.model.json import Data


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--workflow", metavar="ID", help="Which of the file's workflows.  [default: the one no other calls]"
)
@click.option(
    "--input", "-i", "inputs", multiple=True, metavar="K=V", help="An input; JSON unless declared string."
)
@click.option(
    "--inputs", "inputs_file", type=click.Path(path_type=Path), metavar="FILE", help="Inputs as JSON or YAML."
)
@click.option("--var", "variables", multiple=True, metavar="K=V", help="A variable for placeholders.")
@click.option("--name", metavar="N", help="A unique name for the instance.")
@running_options
@store_option
def command(file: Path, **options: object) -> None:
    """Run a workflow file and follow it to its end.

    The run survives this command: after a crash `wfe resume` goes on with it. WFE_CONFIG holds variables as JSON.
    """
    sys.exit(asyncio.run(_run(file, options)))


async def _run(file: Path, options: dict[str, object]) -> int:
    asked = Asked.of(options)
    texts = pairs(asked.texts("variables"), "--var")
    config = config_variables(os.environ)
    loaded = load_file(file, {**config, **texts})
    workflows = workflows_of(loaded)
    require_runnable(loaded)
    _say_what_is_odd(loaded)
    workflow = chosen(workflows, asked.text("workflow"), str(file))
    given = pairs(asked.texts("inputs"), "--input")
    path = options["inputs_file"]
    inputs = {
        **read_inputs(path if isinstance(path, Path) else None),
        **coerce_inputs(workflow.graph, given),
    }
    variables = {**config, **coerce_inputs(workflow.graph, texts)}
    secrets = secrets_of(asked, os.environ)
    way = Way(secrets=tuple(secrets)).with_asked(asked.workspace or Path(), asked.env)
    display = display_for(asked.output)
    async with open_host(
        asked.store,
        create=True,
        way=way,
        secrets=secrets,
        max_tasks=asked.max_tasks,
        sink=display.wrote,
    ) as host:
        host.register(*workflows.values())

        async def start() -> str:
            if await host.is_changed(workflow):
                known = str(workflow.graph.workflow)
                click.echo(f"{known} is another than before; instances that run keep the old one", err=True)
            instance = await _start(host, workflow, inputs, variables, asked.text("name"))
            remember(prepare_store(asked.store, create=True), instance, way)
            return instance

        return await followed(host, start, display, asked)


def _say_what_is_odd(loaded: Loaded) -> None:
    for problem in loaded.warnings:
        click.echo(neutral(str(problem)), err=True)
    if ignored := ignored_here(loaded):
        words = ", ".join(f"`{word}`" for word in ignored)
        mean = "means" if len(ignored) == 1 else "mean"
        click.echo(f"steps are processes of this machine, so {words} {mean} nothing here", err=True)


async def _start(
    host: WorkflowHost, workflow: Workflow, inputs: Data, variables: Data, name: str | None
) -> str:
    try:
        return await host.start(workflow, inputs, name=name, variables=variables)
    except NameTaken as error:
        raise NameTaken(
            f"there is an instance `{name}` already; `wfe resume {name}` goes on with it, "
            "or choose another --name"
        ) from error
