"""`wfe rebuild-mirror`"""

import click

from wfe.hosts.cli.cluster.history import history_url_option, opened_history
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.rebuilding import Rebuilding
from wfe.hosts.cli.cluster.room import Room, in_room
from wfe.hosts.cli.display.neutral import neutral


@click.command()
@click.option("--all-namespaces", "-A", "everywhere", is_flag=True, help="In every namespace.")
@click.option(
    "--check", is_flag=True, help="Put nothing: print what differs, and exit with 1 if something does."
)
@history_url_option
@place_options
@click.pass_context
def command(context: click.Context, *, everywhere: bool, check: bool, history_url: str | None) -> None:
    """Fill the history of a cluster from what is in the cluster.

    The operator does this by itself. This does it without an operator, compares every step, and says how far it is.
    What was interrupted is begun again: what is alike is passed over.
    """

    async def rebuild(room: Room) -> int:
        async with opened_history(history_url) as mirror:
            namespace = None if everywhere else room.namespace
            rebuilding = Rebuilding(
                room.client, mirror, namespace, not check, lambda text: click.echo(text, err=True)
            )
            differences = await rebuilding.run()
        for line in differences:
            click.echo(neutral(line))
        said = (
            f"{rebuilding.looked} instances looked at, {rebuilding.put} put, {len(differences)} differences"
        )
        click.echo(said, err=True)
        return 1 if differences else 0

    context.exit(in_room(place_of(context), rebuild))
