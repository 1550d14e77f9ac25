"""The server that the operator copies to, where its user names it: what instances wrote that are deleted is there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from wfe.errors import NotFound, Retryable
from wfe.hosts.cli.asking import opened_logs, opened_search
from wfe.hosts.cli.cluster.logs.archive import Kept
from wfe.hosts.cli.cluster.logs.lines import Line
from wfe.ports.logs import LogStore
from wfe.ports.search import Search, SearchQuery
from wfe.ports.store import Summary
from wfe.providers import find

MOST_CHILDREN = 1000


@dataclass(frozen=True, slots=True)
class Copy:
    """What is kept of instances and lines; `search` is None where only lines are kept."""

    logs: LogStore
    search: Search | None = None


@asynccontextmanager
async def opened_copy(url: str | None) -> AsyncIterator[Copy | None]:
    """Open the copy at a URL; None, and a word about it, if it cannot be reached now.

    Raises:
        Permanent: it will never be reached like that.
    """
    if url is None:
        yield None
        return
    provider = find(url)
    if provider.logs is None:
        async with opened_logs(url):  # which says why not
            return
    try:
        await provider.open()
    except Retryable as error:
        click.echo(f"wfe: {error}; what follows is only what the cluster has", err=True)
        yield None
        return
    try:
        yield Copy(provider.logs, provider.search)
    finally:
        await provider.close()


async def find_deleted(search: Search, namespace: str, word: str) -> Summary | None:
    """Return the newest instance that was named so in a namespace, or that has that id."""
    page = await search.find(SearchQuery(name=f"{namespace}/{word}", limit=1))
    found = page.found or await search.kept([word])
    return found[0] if found else None


async def deleted_log(copy: Copy, namespace: str, word: str) -> list[Line] | None:
    """Return the lines of an instance that only its copy knows, and of those that its steps started.

    None if the copy does not know it either.
    """
    if copy.search is None:
        return None
    found = await find_deleted(copy.search, namespace, word)
    if found is None:
        return None
    members = [(found.id, "")]
    for instance, prefix in members:
        query = SearchQuery(parent=instance, limit=MOST_CHILDREN)
        # Which step started a child is not known any more; its own name has to do.
        members += [
            (child.id, f"{prefix}{child.name.rpartition('/')[2]}/")
            for child in (await copy.search.find(query)).found
        ]
    return await Kept(copy=copy.logs).lines(members)


async def id_of(url: str, namespace: str, word: str) -> str:
    """Return the id of an instance by its name.

    Raises:
        NotFound: there is none.
    """
    async with opened_search(url) as search:
        found = await find_deleted(search, namespace, word)
    if found is None:
        raise NotFound(
            f"there is no instance `{word}` of namespace `{namespace}` in the copy; "
            f"`wfe search --cluster -n {namespace}` shows those there are"
        )
    return found.id
