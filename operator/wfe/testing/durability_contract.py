"""What durable stores promise: an answered write survives, processes share one truth. See `store_contract`.

Give the suite a fixture `store_url` too: the URL of what `make_store` opens, for other processes.
"""

import asyncio
from itertools import islice

from wfe.ports.store import Query, Store
from wfe.testing.builders import NOON, a_decision, a_record, an_instance, the_next
from wfe.testing.messages_contract import a_definition, an_offer
from wfe.testing.processes import another_process
from wfe.testing.store_contract import MakeStore, a_full_instance, opened, the_stored

ANSWERS = 300
INCREMENTS = 40


class DurabilityContract:
    """What was answered is there after a crash; several processes may use one store."""

    async def test_everything_is_there_after_opening_again(self, make_store: MakeStore) -> None:
        instance = a_full_instance()()
        async with opened(make_store()) as store:
            await store.create(a_decision(instance, records=(a_record(),)))
            event = await store.publish("e", "k", {"n": 2**70}, now=NOON)
            await store.put_definition(a_definition("w", 1, "source"))
            await store.offer(an_offer())
        async with opened(make_store()) as store:
            assert await store.load("full") == instance
            assert await store.history("full") == [a_record()]
            assert await store.first_event("e", "k", after=0, since=None) == event
            assert await store.definition("sha-source") == a_definition("w", 1, "source")
            claim = await store.claim_activity("approval", "w", now=NOON)
            assert claim
            assert claim.offer == an_offer()

    async def test_writes_that_wait_at_closing_are_written(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            creating = [asyncio.ensure_future(create(store, f"i{number}")) for number in range(50)]
            await asyncio.sleep(0)  # each has asked, none is answered
        assert await asyncio.gather(*creating) == [True] * 50
        async with opened(make_store()) as store:
            assert len(await store.list(Query())) == 50

    async def test_every_answered_save_survives_a_kill(self, make_store: MakeStore, store_url: str) -> None:
        answered: dict[str, int] = {}
        with another_process("store_process", "save", store_url) as process:
            assert process.stdout
            for line in islice(process.stdout, ANSWERS):
                name, number = line.split()
                answered[name] = int(number)
        assert sum(answered.values()) >= ANSWERS
        async with opened(make_store()) as store:
            for name, revision in answered.items():
                instance = await the_stored(store, name)
                assert instance.revision >= revision
                records = [record.seq for record in await store.history(name)]
                assert records == list(range(instance.revision)), (
                    "a save is there with all it wrote, or not at all"
                )
                await store.save(the_next(instance))

    async def test_no_increment_of_two_processes_is_lost(self, make_store: MakeStore, store_url: str) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance().with_data(n=0)))
            arguments = ("store_process", "count", store_url, "i1", str(INCREMENTS))
            with another_process(*arguments) as one, another_process(*arguments) as other:
                ended = [await asyncio.to_thread(process.wait) for process in (one, other)]
            assert ended == [0, 0]
            instance = await the_stored(store, "i1")
            assert (instance.data, instance.revision) == ({"n": 2 * INCREMENTS}, 2 * INCREMENTS)

    async def test_a_write_of_another_process_wakes_who_waits_for_changes(
        self, make_store: MakeStore, store_url: str
    ) -> None:
        async with opened(make_store()) as store, asyncio.timeout(20):
            await store.create(a_decision())
            await store.changes()
            waiting = asyncio.create_task(store.changes())
            with another_process("store_process", "post", store_url, "i1") as process:
                await waiting
                await asyncio.to_thread(process.wait)
            assert len(await store.inbox("i1")) == 1

    async def test_stores_that_open_at_once_make_one_schema(self, make_store: MakeStore) -> None:
        stores = [make_store() for _ in range(4)]
        await asyncio.gather(*(store.open() for store in stores))
        created = await asyncio.gather(*(create(store, f"i{number}") for number, store in enumerate(stores)))
        assert created == [True] * 4
        assert {len(await store.list(Query())) for store in stores} == {4}
        await asyncio.gather(*(store.close() for store in stores))


async def create(store: Store, name: str) -> bool:
    return await store.create(a_decision(an_instance(name)))
