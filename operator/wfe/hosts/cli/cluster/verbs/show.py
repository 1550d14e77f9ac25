"""`wfe show` in a cluster"""

import asyncio

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.cluster.ending import document
from wfe.hosts.cli.cluster.history import facts_of, found, history_options, opened_history, steps_in
from wfe.hosts.cli.cluster.looks import Look, look
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import Room, in_room, namespace_of
from wfe.hosts.cli.options import instance_argument, output_option
from wfe.hosts.cli.showing import print_instance
from wfe.hosts.embedded.view import document_of
from wfe.runtime.clock import SystemClock


@click.command()
@instance_argument
@output_option("text", "json", default="text")
@history_options
@place_options
@click.pass_context
def command(
    context: click.Context, *, instance: str, output: str, history: bool, history_url: str | None
) -> None:
    """Show an instance: its steps, errors, data and outputs.

    All is read from the cluster; no database is needed. With `--history`, what is gone from the cluster is shown too,
    without its data.
    """

    place = place_of(context)

    async def show_kept() -> None:
        async with opened_history(history_url) as mirror:
            kept = await found(mirror, instance, namespace_of(place))
            steps = await steps_in(mirror, kept)
        if output == "json":
            click.echo(as_json({**document_of(kept.instance, steps), "namespace": kept.namespace}))
        else:
            print_instance(kept.instance, steps, now=SystemClock().now(), facts=facts_of(kept))

    async def show(room: Room) -> None:
        seen = await look(room, instance)
        if output == "json":
            click.echo(as_json(await document(room, seen)))
        else:
            print_instance(seen.instance, seen.steps, now=room.client.now(), facts=_facts(seen))

    if history:
        asyncio.run(show_kept())
    else:
        in_room(place, show)


def _facts(found: Look) -> dict[str, str]:
    """Return what its object says: which is all there is to say before it has begun."""
    shown = found.phase
    facts = {"name": shown.name, "namespace": shown.namespace, "progress": shown.progress}
    return facts if shown.is_begun else {**facts, "workflow": shown.workflow}
