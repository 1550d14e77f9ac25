"""`wfe search`"""

import asyncio
from collections.abc import Sequence

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.asking import moment, opened_search
from wfe.hosts.cli.options import find_options, search_option
from wfe.hosts.cli.verbs.list_ import print_table
from wfe.hosts.embedded.view import summary
from wfe.model.status import InstanceStatus
from wfe.ports.search import SearchQuery
from wfe.ports.store import Summary


@click.command()
@click.argument("words", nargs=-1)
@find_options
@search_option
def command(  # noqa: PLR0913  # an argument an option
    *,
    words: tuple[str, ...],
    status: tuple[str, ...],
    workflow: str | None,
    reference: str | None,
    since: str | None,
    limit: int,
    output: str,
    search: str | None,
) -> None:
    """Find instances by the words in them.

    All words have to be in the inputs, outputs, step names or failure of an instance, in any order and case;
    `deplo*` stands for all words that begin so. The newest come first.
    """
    query = SearchQuery(
        text=" ".join(words),
        statuses=frozenset(map(InstanceStatus, status)),
        workflow=workflow,
        reference=reference,
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
    async with opened_search(url) as search:
        return (await search.find(query)).found
