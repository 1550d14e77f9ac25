"""`wfe search` in a cluster"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.asking import moment, opened_search
from wfe.hosts.cli.cluster.place import place_of, place_options
from wfe.hosts.cli.cluster.room import namespace_of
from wfe.hosts.cli.options import copied_option, find_options
from wfe.hosts.cli.verbs.list_ import print_table
from wfe.hosts.embedded.view import summary
from wfe.model.status import InstanceStatus
from wfe.ports.search import SearchQuery
from wfe.ports.store import Summary


@click.command()
@click.argument("words", nargs=-1)
@click.option("--all-namespaces", "-A", "everywhere", is_flag=True, help="In every namespace.")
@find_options
@copied_option("--search", "--url")
@place_options
@click.pass_context
def command(  # noqa: PLR0913  # an argument an option
    context: click.Context,
    /,
    *,
    words: tuple[str, ...],
    everywhere: bool,
    status: tuple[str, ...],
    workflow: str | None,
    reference: str | None,
    since: str | None,
    limit: int,
    output: str,
    search: str | None,
) -> None:
    """Find instances by the words in them.

    Also those that are deleted are found, by the server that the operator copies to. All words have to be in the
    inputs, outputs, step names or failure of an instance, in any order and case; `deplo*` stands for all words that
    begin so. The newest come first.
    """
    query = SearchQuery(
        text=" ".join(words),
        statuses=frozenset(map(InstanceStatus, status)),
        workflow=workflow,
        reference=reference,
        namespace=None if everywhere else namespace_of(place_of(context)),
        since=moment(since, "--since"),
        limit=limit,
    )
    found = asyncio.run(_found(search, query))
    if output == "json":
        click.echo(as_json([summary(one) for one in found]))
    elif found:
        print_table(found)
    else:
        click.echo("no instance has these words", err=True)


async def _found(url: str | None, query: SearchQuery) -> Sequence[Summary]:
    async with opened_search(url, way_out=COPIED) as search:
        found = (await search.find(query)).found
    if query.namespace is None:
        return found
    return [replace(one, name=one.name.removeprefix(f"{query.namespace}/")) for one in found]


COPIED = (
    "no search is named: name the OpenSearch server that the operator copies to (`opensearch` of its chart) with "
    "`--search URL` (or WFE_SEARCH); without one, `wfe list` shows what is in the cluster"
)
