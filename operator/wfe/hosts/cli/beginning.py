"""Which workflow of which file begins, and with what."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from wfe.errors import NameTaken
from wfe.graph.fields import coerce_inputs
from wfe.graph.workflow import Workflow
from wfe.hosts.cli.arguments import config_variables, pairs
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.finish import Asked
from wfe.hosts.cli.inputs import read_inputs
from wfe.hosts.embedded.files import chosen, load_file, workflows_of
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.embedded.laptop import begun_with, ignored_here, require_runnable
from wfe.language.load import Loaded
from wfe.model.json import Data

F = TypeVar("F", bound=Callable[..., Any])


def beginning_options(function: F) -> F:
    """Add the argument FILE, and what an instance begins with."""
    options = (
        click.argument("file", type=click.Path(path_type=Path)),
        click.option(
            "--workflow",
            metavar="ID",
            help="Which of the file's workflows.  [default: the one no other calls]",
        ),
        click.option(
            "--input",
            "-i",
            "inputs",
            multiple=True,
            metavar="K=V",
            help="An input; JSON unless declared string.",
        ),
        click.option(
            "--inputs",
            "inputs_file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Inputs as JSON or YAML.",
        ),
        click.option("--var", "variables", multiple=True, metavar="K=V", help="A variable for placeholders."),
        click.option("--name", metavar="N", help="A unique name for the instance."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Beginning:
    """A workflow of a file, and what an instance of it begins with."""

    workflows: Mapping[str, Workflow]
    workflow: Workflow
    inputs: Data
    variables: Data
    name: str | None

    async def register(self, host: WorkflowHost) -> None:
        """Make the file's workflows known, and say so if the store knows other ones."""
        host.register(*self.workflows.values())
        if await host.is_changed(self.workflow):
            known = str(self.workflow.graph.workflow)
            click.echo(f"{known} is another than before; instances that run keep the old one", err=True)

    async def made(self, host: WorkflowHost, *, detach: bool) -> str:
        """Start the instance, or leave that to a worker, and return its id.

        Raises:
            NameTaken: another instance has the name.
        """
        make = host.submit if detach else host.start
        try:
            return await make(self.workflow, self.inputs, name=self.name, variables=self.variables)
        except NameTaken as error:
            raise NameTaken(
                f"there is an instance `{self.name}` already; `wfe resume {self.name}` goes on with it, "
                "or choose another --name"
            ) from error


def read_beginning(file: Path, asked: Asked) -> Beginning:
    """Read the file and the options.

    Raises:
        NotFound: the file cannot be read.
        DefinitionInvalid: it has problems, or it is not clear which workflow is meant.
    """
    texts = pairs(asked.texts("variables"), "--var")
    config = config_variables(os.environ)
    loaded = load_file(file, {**config, **texts})
    workflows = workflows_of(loaded)
    workflow = chosen(workflows, asked.text("workflow"), str(file))
    begun = begun_with(loaded, workflow)
    require_runnable(begun)
    _say_what_is_odd(loaded, ignored_here(begun))
    path = asked.raw["inputs_file"]
    inputs = {
        **read_inputs(path if isinstance(path, Path) else None),
        **coerce_inputs(workflow.graph, pairs(asked.texts("inputs"), "--input")),
    }
    variables = {**config, **coerce_inputs(workflow.graph, texts)}
    return Beginning(workflows, workflow, inputs, variables, asked.text("name"))


def _say_what_is_odd(loaded: Loaded, ignored: Sequence[str]) -> None:
    for problem in loaded.warnings:
        click.echo(neutral(str(problem)), err=True)
    if ignored:
        words = ", ".join(f"`{word}`" for word in ignored)
        mean = "means" if len(ignored) == 1 else "mean"
        click.echo(f"steps are processes of this machine, so {words} {mean} nothing here", err=True)
