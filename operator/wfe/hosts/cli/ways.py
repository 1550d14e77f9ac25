"""How an earlier command ran an instance, and a host that runs it so again."""

import os
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wfe.errors import NotFound
from wfe.hosts.cli.display.display import Display
from wfe.hosts.cli.displays import display_for
from wfe.hosts.cli.finish import Asked
from wfe.hosts.cli.opening import open_host, prepare_store
from wfe.hosts.cli.remembered import Way, recall
from wfe.hosts.cli.secrets import missing_secrets, secrets_of
from wfe.hosts.embedded.host import WorkflowHost
from wfe.providers import find


@dataclass(frozen=True, slots=True)
class Again:
    """A host for an instance that was run before.

    Attributes:
        display: what shows its steps.
        way: how the instance was run, changed as asked.
        state: the state directory.
    """

    host: WorkflowHost
    display: Display
    way: Way
    state: Path


@asynccontextmanager
async def again(asked: Asked, instance: str) -> AsyncIterator[Again]:
    """Open a host in which an instance runs as it was run.

    Raises:
        NotFound: there is no such instance.
        click.BadParameter: it was run with secrets that are not given now.
    """
    secrets = secrets_of(asked, os.environ)
    way, state = await _way_of(asked, instance, secrets)
    display = display_for(asked.output)
    async with open_host(
        asked.store,
        way=way,
        secrets=secrets,
        max_tasks=asked.max_tasks,
        sink=display.wrote,
        copies=asked.copies,
    ) as host:
        yield Again(host, display, way, state)


async def _way_of(asked: Asked, instance: str, secrets: Container[str]) -> tuple[Way, Path]:
    """Return how an instance was run, changed as asked, and the state directory."""
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
