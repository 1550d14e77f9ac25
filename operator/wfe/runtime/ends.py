"""Ends that somebody waits for."""

import asyncio
from collections.abc import Sequence

from wfe.errors import NotFound
from wfe.model.instance import Instance
from wfe.ports.store import Store


class Ends:
    """The future end of every instance that is waited for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ends: dict[str, asyncio.Future[Instance]] = {}

    def of(self, instance: str) -> asyncio.Future[Instance]:
        """Return the future that has the instance once it has ended."""
        end = self._ends.get(instance)
        if end is None:
            end = self._ends[instance] = asyncio.get_running_loop().create_future()
        return end

    def awaited(self) -> Sequence[str]:
        return list(self._ends)

    def ended(self, instance: Instance) -> None:
        """Tell whoever waits that the instance has ended."""
        end = self._ends.pop(instance.id, None)
        if end is not None and not end.done():
            end.set_result(instance)

    def broke(self, instance: str, error: Exception) -> None:
        """Tell whoever waits that the instance cannot be driven here."""
        end = self._ends.pop(instance, None)
        if end is not None and not end.done():
            end.set_exception(error)

    async def look(self, instance: str) -> None:
        """See whether an instance that others drive has ended."""
        end = self._ends.get(instance)
        found = await self._store.load(instance)
        if found is not None and found.status.is_final:
            self.ended(found)
        elif found is None and end is not None and not end.done():
            self._ends.pop(instance, None)
            end.set_exception(
                NotFound(f"there is no instance `{instance}`; `wfe list` shows those there are")
            )
