"""A process that uses a store to the end, or until it is killed.

`python -m wfe.testing.store_process VERB URL …`, where VERB is one of:

`save URL` creates instances and saves them for ever, printing `<id> <revision>` for every answer it gets.
`count URL ID N` adds one to an instance's data N times, deciding again after each conflict.
`post URL ID` leaves one signal and ends.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from wfe import providers
from wfe.errors import Conflict
from wfe.model.signals import CancelRequested
from wfe.ports.store import Store
from wfe.testing.builders import a_decision, a_record, an_instance, the_next
from wfe.testing.store_contract import the_stored

TOGETHER = 8


async def save(store: Store) -> None:
    """Save as fast as the store can, many instances at once."""

    async def live(name: str) -> None:
        instance = an_instance(name).with_data(n=0)()
        await store.create(a_decision(instance))
        while True:
            decision = the_next(instance, records=(a_record(instance.revision),))
            await store.save(decision)
            instance = decision.instance
            print(instance.id, instance.revision, flush=True)  # noqa: T201 (the parent reads it)

    await asyncio.gather(*(live(f"i{number}") for number in range(TOGETHER)))


async def count(store: Store, instance: str, times: str) -> None:
    """Add one that often, whoever else does the same."""
    for _ in range(int(times)):
        while not await _added_one(store, instance):
            pass


async def _added_one(store: Store, instance: str) -> bool:
    before = await the_stored(store, instance)
    n = before.data["n"]
    assert isinstance(n, int)
    grown = an_instance(instance, revision=before.revision + 1).with_data(n=n + 1)
    try:
        await store.save(a_decision(grown))
    except Conflict:
        return False
    return True


async def post(store: Store, instance: str) -> None:
    """Leave a signal."""
    await store.post(instance, CancelRequested())


VERBS: dict[str, Callable[..., Awaitable[None]]] = {"save": save, "count": count, "post": post}


async def main(verb: str, url: str, *arguments: str) -> None:
    store = providers.find(url).store
    assert store
    await store.open()
    await VERBS[verb](store, *arguments)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
