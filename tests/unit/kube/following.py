"""An informer that runs against a fake server, and what it told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from wfe.kube import Client, Informer, ObjectMeta, Resource
from wfe.kube.cache import Key
from wfe.testing.apiserver import ApiServer, Served, serving

WIDGETS = Resource("example.test", "v1", "widgets", "Widget")


class Spec(msgspec.Struct, frozen=True):
    """What of a widget matters here."""

    size: int = 0


class Widget(msgspec.Struct, frozen=True):
    """As little of it as is needed."""

    metadata: ObjectMeta
    spec: Spec = Spec()


class Told:
    """What listeners were told, in words: `+a=1` new, `a=2` changed, `-a` gone."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._came = asyncio.Event()

    def note(self, key: Key, before: Widget | None, after: Widget | None) -> None:
        if after is None:
            self.words.append(f"-{key[1]}")
        else:
            self.words.append(f"{'' if before else '+'}{key[1]}={after.spec.size}")
        self._came.set()

    async def until(self, *words: str) -> None:
        """Wait until the last words are these."""
        await self.while_not(lambda: self.words[-len(words) :] == list(words))

    async def while_not(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds that follows from what is told."""
        while not holds():
            self._came.clear()
            await self._came.wait()


@dataclass
class Following:
    """A server, a client, an informer of widgets, and what it told."""

    server: ApiServer
    client: Client
    informer: Informer[Widget]
    told: Told

    async def create(self, name: str, size: int = 0, namespace: str = "n") -> dict[str, Any]:
        """Make a widget, through the API."""
        return await self.client.create(WIDGETS, widget(name, size), namespace)

    async def resize(self, name: str, size: int) -> dict[str, Any]:
        """Change a widget."""
        return await self.client.patch(WIDGETS, name, "n", {"spec": {"size": size}})

    async def watches(self, count: int = 1) -> None:
        """Wait until the server has that many watches."""
        while self.server.watching != count:
            await self.client.raw("/version")

    @property
    def there(self) -> dict[str, int]:
        return {item.metadata.name: item.spec.size for item in self.informer.values()}


def widget(name: str, size: int = 0, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **more}, "spec": {"size": size}}


def decoded(item: dict[str, Any]) -> Widget:
    return msgspec.convert(item, Widget)


@asynccontextmanager
async def following(
    *before: str,
    namespaces: Sequence[str] | None = None,
    labels: str | None = None,
    fields: str | None = None,
) -> AsyncIterator[Following]:
    """Follow the widgets of a server on which these are already."""
    async with serving([Served(WIDGETS, selectable=("status.active",))]) as (server, client):
        for name in before:
            server.objects.create(WIDGETS, widget(name), "n")
        informer = Informer(client, WIDGETS, Widget, namespaces=namespaces, labels=labels, fields=fields)
        told = Told()
        informer.listen(told.note)
        running = asyncio.create_task(informer.run())
        await informer.synced.wait()
        here = Following(server, client, informer, told)
        await here.watches(1 if namespaces is None else len(set(namespaces)))
        try:
            yield here
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
