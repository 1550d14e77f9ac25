"""History is written while the steps go on, and let go of by the save after."""

import asyncio

from tests.unit.customresource.place import Place, a_place
from wfe.model import codec
from wfe.model.instance import Instance
from wfe.model.status import InstanceStatus
from wfe.providers.customresource import CustomResourceStore
from wfe.providers.customresource.records import RING_BYTES
from wfe.providers.customresource.saves import weight_of
from wfe.testing.builders import a_decision, a_record, an_instance, the_next

LONG = "p" * 300
# So many of these fill the ring.
FULL = RING_BYTES // weight_of("0", codec.encode_record(a_record(0, path=LONG)).decode()) + 1


async def saved(store: CustomResourceStore, instance: Instance, count: int) -> Instance:
    """Save so many records, each with a save of its own."""
    for number in range(instance.revision, instance.revision + count):
        decision = the_next(instance, records=(a_record(number, path=LONG),))
        await store.save(decision)
        instance = decision.instance
    return instance


async def begun(store: CustomResourceStore) -> Instance:
    instance = an_instance()()
    await store.create(a_decision(instance))
    return instance


async def ring_of(place: Place) -> dict[str, str]:
    ring: dict[str, str] = (await place.status("i1"))["engine"].get("ring", {})
    return ring


async def test_a_save_does_not_wait_for_the_history_that_it_fills() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = await saved(store, await begun(store), FULL - 1)
        writing = place.server.faults.hold(verb="create", resource="configmaps")
        instance = await saved(store, instance, 1)
        await writing.reached.wait()
        assert len(await ring_of(place)) == FULL
        writing.free.set()
        await saved(store, instance, 1)
        assert list(await ring_of(place)) == [str(FULL)]
        assert [record.seq for record in await store.history("i1")] == list(range(FULL + 1))


async def test_a_save_waits_for_history_that_is_being_written() -> None:
    async with a_place() as place, place.open_store() as store:
        writing = place.server.faults.hold(verb="create", resource="configmaps")
        instance = await saved(store, await begun(store), FULL)
        await writing.reached.wait()
        next_save = asyncio.create_task(saved(store, instance, 1))
        await asyncio.sleep(0)
        assert not next_save.done()
        writing.free.set()
        await next_save
        assert list(await ring_of(place)) == [str(FULL)]
        assert place.writes()["create configmaps"] == 1


async def test_history_that_could_not_be_written_behind_a_save_is_written_by_the_next() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = await saved(store, await begun(store), FULL - 1)
        fault = place.server.faults.answer(403, verb="create", resource="configmaps")
        instance = await saved(store, instance, 1)
        await saved(store, instance, 1)
        assert fault.times == 0
        assert list(await ring_of(place)) == [str(FULL)]
        assert [record.seq for record in await store.history("i1")] == list(range(FULL + 1))


async def test_the_last_save_of_an_instance_begins_nothing() -> None:
    async with a_place() as place:
        async with place.open_store() as store:
            instance = await saved(store, await begun(store), FULL - 1)
            last = (a_record(FULL - 1, path=LONG),)
            await store.save(the_next(instance, records=last, status=InstanceStatus.COMPLETE))
        assert place.writes()["create configmaps"] == 0
