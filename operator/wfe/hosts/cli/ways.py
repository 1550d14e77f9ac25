"""How an earlier command ran an instance, for the one that goes on with it."""

from collections.abc import Container
from pathlib import Path

from wfe.errors import NotFound
from wfe.hosts.cli.finish import Asked
from wfe.hosts.cli.options import prepare_store
from wfe.hosts.cli.remembered import Way, recall
from wfe.hosts.cli.secrets import missing_secrets
from wfe.providers import find


async def way_of(asked: Asked, instance: str, secrets: Container[str]) -> tuple[Way, Path]:
    """Return how an instance was run, changed as asked, and the state directory.

    Raises:
        NotFound: there is no such instance.
        click.BadParameter: it was run with secrets that are not given now.
    """
    state = prepare_store(asked.store, create=False)
    way = recall(state, await _root_of(asked.store, instance)).with_asked(asked.workspace, asked.env)
    missing_secrets([name for name in way.secrets if name not in secrets])
    return way, state


async def _root_of(url: str, instance: str) -> str:
    store = find(url).store
    if store is None:
        return instance
    await store.open()
    try:
        found = await store.resolve(instance)
        value = await store.load(found) if found else None
    finally:
        await store.close()
    if value is None:
        raise NotFound(f"there is no instance `{instance}`; `wfe list` shows those there are")
    return value.root or value.id
