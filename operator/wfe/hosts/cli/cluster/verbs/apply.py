"""`wfe apply`"""

from pathlib import Path

import click

from wfe.hosts.cli.arguments import as_json, pairs
from wfe.hosts.cli.cluster.applying import Applied, apply, read_sources
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.options import output_option


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="NAME[=V]",
    help="A variable that placeholders may name; each instance brings its value.",
)
@click.option("--force", is_flag=True, help="Take over what somebody else manages.")
@output_option("text", "json", default="text")
@place_options
@click.pass_context
def command(
    context: click.Context, files: tuple[Path, ...], variables: tuple[str, ...], force: bool, output: str
) -> None:
    """Apply the workflows of files to a cluster.

    Includes, anchors and script files are resolved. Nothing is applied if a file has errors; each is told with its
    line and column. Instances that run keep the workflow that they started with.
    """
    names = pairs((text if "=" in text else f"{text}=" for text in variables), "--var")
    sources = read_sources(files, names)
    for source in sources:
        for problem in source.loaded.warnings:
            click.echo(neutral(str(problem)), err=True)

    async def applied(room: Room) -> list[Applied]:
        return [one for source in sources for one in await apply(room, source, force=force)]

    found = in_room(place_of(context), applied)
    if output == "json":
        click.echo(as_json([one.plain() for one in found]))
    else:
        for one in found:
            click.echo(str(one))
