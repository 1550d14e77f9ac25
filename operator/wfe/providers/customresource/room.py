"""What the parts of a store share: the client and the namespace, what is known, and chores that may be done later."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeVar

from wfe.errors import WfeError
from wfe.kube import Client
from wfe.providers.customresource import names
from wfe.providers.customresource.blobs import Chunks, Metadata
from wfe.providers.customresource.steps import count_steps
from wfe.providers.customresource.table import Kept, Table

T = TypeVar("T")
MOST_COUNTED: Final = 1000


class Room:
    """One namespace."""

    def __init__(self, client: Client, namespace: str, identity: str) -> None:
        self.client = client
        self.namespace = namespace
        self.table = Table(namespace, f"{identity}/")
        self.chunks = Chunks(client, namespace)
        self.creating = asyncio.Lock()
        self._identity = identity
        self._numbers = count(1)
        self._steps: dict[str, int] = {}
        self._running: set[asyncio.Future[Any]] = set()

    def next_token(self) -> str:
        """Return a name that nothing else has been given, here or in another process."""
        return f"{self._identity}/{next(self._numbers)}"

    def metadata_of(self, kept: Kept, role: str, *, root: str | None = None) -> Metadata:
        """Return the metadata of an object that belongs to an instance, and goes with it."""
        owner = {
            "apiVersion": names.INSTANCES.api_version,
            "kind": names.INSTANCES.kind,
            "name": kept.name,
            "uid": kept.uid,
        }
        return {"labels": names.labels(role, id=kept.id, root=root or kept.id), "ownerReferences": [owner]}

    def counts(self, digest: str, source: str) -> None:
        """Remember how many steps a definition has."""
        if digest not in self._steps and len(self._steps) < MOST_COUNTED:
            self._steps[digest] = count_steps(source)

    def steps_of(self, digest: str) -> int:
        return self._steps.get(digest, 0)

    async def finishing(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what closing waits for."""
        return await asyncio.shield(self.begin(work))

    def begin(self, work: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Begin what closing waits for."""
        task = asyncio.ensure_future(work())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def later(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Do what is good to have done; if it fails, settling the instance does it again."""

        async def do() -> None:
            with suppress(WfeError):
                await chore()

        self.begin(do)

    async def close(self) -> None:
        """Wait for what was begun."""
        while self._running:
            await asyncio.wait(set(self._running))
