"""`wfe graph`"""

from pathlib import Path

import click

from wfe.hosts.cli.arguments import pairs
from wfe.hosts.cli.drawing import FORMATS, diagram_of
from wfe.hosts.embedded.files import chosen, load_workflows


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--workflow", metavar="ID", help="Which of the file's workflows.  [default: the one no other calls]"
)
@click.option(
    "--var", "variables", multiple=True, metavar="K=V", help="A variable that placeholders may name."
)
@click.option(
    "--format", "-f", "format_", type=click.Choice(list(FORMATS)), default="mermaid", show_default=True
)
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
def command(
    file: Path, workflow: str | None, variables: tuple[str, ...], format_: str, to: Path | None
) -> None:
    """Draw the workflow of a file.

    As Mermaid or DOT text, as an SVG picture, or as an outline for the terminal.
    """
    found = chosen(load_workflows(file, pairs(variables, "--var")), workflow, str(file))
    drawn = FORMATS[format_](diagram_of(found.graph))
    if to is None:
        click.echo(drawn, nl=False)
    else:
        to.write_text(drawn, "utf-8")
