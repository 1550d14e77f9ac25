"""An object that was deleted and made anew under its name is another instance, whoever still means the first."""

import asyncio

import pytest

from tests.unit.customresource.place import NAMESPACE, PATCH, Place, a_place
from tests.unit.customresource.test_saves import a_users_object
from wfe.model.instance import Instance
from wfe.providers.customresource import INSTANCES, ObjectGone
from wfe.providers.customresource.kinds import instance_object
from wfe.providers.customresource.provider import StandaloneStore
from wfe.testing.builders import a_decision, an_instance


async def gone(place: Place) -> None:
    await place.client.delete(INSTANCES, "mine", NAMESPACE)


async def seen(store: StandaloneStore, uid: str) -> Instance:
    """Return an instance that is about to begin, of an object that the store knows."""
    assert await store.load(uid) is None
    return an_instance(uid, name="mine")()


async def test_an_instance_whose_object_was_deleted_is_not_begun_under_the_name_of_another() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = await seen(store, await a_users_object(place))
        await gone(place)
        again = await a_users_object(place)
        with pytest.raises(ObjectGone, match="instance `mine` is gone"):
            await store.create(a_decision(instance))
        assert await place.status("mine") == {}
        assert await store.create(a_decision(an_instance(again, name="mine")))


async def test_an_instance_whose_object_was_deleted_is_not_given_a_new_one() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = await seen(store, await a_users_object(place))
        await gone(place)
        with pytest.raises(ObjectGone):
            await store.create(a_decision(instance))
        assert [one async for one in place.client.list(INSTANCES, NAMESPACE)] == []


async def test_a_first_save_that_meets_another_object_begins_neither() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = await seen(store, await a_users_object(place))
        held = place.server.faults.hold(**PATCH)
        begun = asyncio.create_task(store.create(a_decision(instance)))
        await held.reached.wait()
        await gone(place)
        await a_users_object(place)
        held.free.set()
        with pytest.raises(ObjectGone):
            await begun
        assert await place.status("mine") == {}


async def test_a_refusal_is_told_to_the_object_that_was_meant() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        await gone(place)
        await a_users_object(place)
        await store.refuse("mine", "WorkflowNotFound", "there is none", uid=uid)
        assert await place.status("mine") == {}


async def test_late_news_of_an_object_that_was_deleted_is_not_taken_for_its_successor() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        before = instance_object(await place.object("mine"))
        await gone(place)
        again = await a_users_object(place)
        assert await store.create(a_decision(an_instance(again, name="mine")))
        table = store._room.table
        table.told((NAMESPACE, "mine"), None, before)
        assert table.get(uid) is None
        assert table.get(again) is not None


async def test_only_what_was_looked_at_is_ended_before_it_begins() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place, desiredState="Terminated")
        assert not await store.never_begin("mine", uid="another", generation=1)
        await place.client.patch(INSTANCES, "mine", NAMESPACE, {"spec": {"desiredState": "Running"}})
        assert not await store.never_begin("mine", uid=uid, generation=1)
        assert await place.status("mine") == {}
        assert await store.never_begin("mine", uid=uid, generation=2)
        status = await place.status("mine")
        assert (status["phase"], status["active"]) == ("Terminated", False)
