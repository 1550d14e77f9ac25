"""What is held of instances: little of each, nothing twice, and less of those that nobody works on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from tests.unit.customresource.place import NAMESPACE, Place, a_place
from wfe.kube import Informer
from wfe.model.instance import Instance
from wfe.model.signals import CancelRequested
from wfe.model.status import InstanceStatus
from wfe.providers.customresource import INSTANCES, CustomResourceStore, InstanceObject
from wfe.testing.builders import a_decision, an_instance, running, the_next


@asynccontextmanager
async def an_informer(place: Place) -> AsyncIterator[Informer[InstanceObject]]:
    informer = Informer(place.client, INSTANCES, InstanceObject, namespaces=[NAMESPACE])
    following = asyncio.create_task(informer.run())
    await informer.synced.wait()
    try:
        yield informer
    finally:
        following.cancel()
        await asyncio.wait([following])


async def begun(place: Place, store: CustomResourceStore) -> Instance:
    """Begin an instance as its user made it."""
    spec = {"workflowRef": {"name": "pipeline"}, "inputs": {"much": "x" * 1000}}
    body: dict[str, Any] = {
        "apiVersion": INSTANCES.api_version,
        "kind": INSTANCES.kind,
        "metadata": {"name": "mine"},
        "spec": spec,
    }
    uid = (await place.client.create(INSTANCES, body, NAMESPACE))["metadata"]["uid"]
    instance = an_instance(uid, name="mine", status=InstanceStatus.RUNNING).with_step("a", running())()
    assert await store.create(a_decision(instance))
    return instance


async def heard(informer: Informer[InstanceObject], revision: int) -> InstanceObject:
    """Return the object once the informer has heard of a save."""
    while True:
        found = informer.get(NAMESPACE, "mine")
        if found is not None and found.status.engine is not None and found.status.engine.revision >= revision:
            return found
        await asyncio.sleep(0.005)


async def test_of_one_that_has_begun_the_informer_holds_what_the_host_asks_and_no_texts() -> None:
    async with a_place() as place, an_informer(place) as informer:
        store = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await store.open()
        instance = await begun(place, store)
        found = await heard(informer, instance.revision)
        assert (found.id, found.status.phase, found.spec.desired_state) == (instance.id, "Running", "Running")
        assert found.status.workflow["digest"] == instance.workflow.digest
        assert found.spec.inputs is None
        engine = found.status.engine
        assert engine is not None
        assert (engine.head, engine.parts, found.status.conditions) == ("", {}, [])
        await store.close()


async def test_another_store_on_the_same_informer_loads_what_the_first_has_heard() -> None:
    async with a_place() as place, an_informer(place) as informer:
        first = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await first.open()
        instance = await begun(place, first)
        await heard(informer, instance.revision)
        await first.close()
        second = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await second.open()
        assert await second.load(instance.id) == instance
        assert await second.unfinished() == [instance.id]
        await second.close()


async def test_a_store_that_is_closed_hears_nothing() -> None:
    async with a_place() as place, an_informer(place) as informer:
        store = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await store.open()
        await store.close()
        other = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await other.open()
        instance = await begun(place, other)
        await heard(informer, instance.revision)
        assert store._room.table.get(instance.id) is None
        await other.close()


async def test_one_that_rests_is_saved_and_loaded_as_before() -> None:
    async with a_place() as place, an_informer(place) as informer:
        store = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await store.open()
        instance = await begun(place, store)
        await heard(informer, instance.revision)
        store.rest(instance.id)
        store.rest("nobody")
        kept = store._room.table.get(instance.id)
        assert kept is not None
        assert (kept.stored, kept.fresh) == (None, None)
        changed = the_next(instance)
        await store.save(changed)
        store.rest(instance.id)
        assert await store.load(instance.id) == changed.instance
        await store.close()


async def test_of_an_instance_of_others_nothing_is_held_that_can_be_read() -> None:
    async with a_place() as place, an_informer(place) as informer:
        mine = CustomResourceStore(place.client, NAMESPACE)
        others = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        others.hold_only(lambda _: False)
        await others.open()
        instance = await begun(place, mine)
        await heard(informer, instance.revision)
        kept = others._room.table.get(instance.id)
        assert kept is not None
        assert kept.fresh is None
        assert await others.load(instance.id) == instance
        await others.close()


async def test_the_steps_of_others_are_no_news_but_what_they_end_and_tell_is() -> None:
    async with a_place() as place, an_informer(place) as informer:
        others = CustomResourceStore(place.client, NAMESPACE)
        store = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await store.open()
        changed = store._room.table.changed
        instance = await begun(place, others)
        for _ in range(3):
            decision = the_next(instance)
            instance = decision.instance
            await others.save(decision)
        await heard(informer, instance.revision)
        assert not changed.is_set()
        await others.post(instance.id, CancelRequested())
        await store.changes()
        number = (await store.inbox(instance.id))[0][0]
        ended = the_next(replace(instance, status=InstanceStatus.TERMINATED))
        await others.save(ended, consumed=[number])
        await store.changes()
        await store.close()


async def test_an_inbox_in_which_nothing_was_seen_is_not_asked_for() -> None:
    async with a_place() as place, an_informer(place) as informer:
        store = CustomResourceStore(place.client, NAMESPACE, instances=informer)
        await store.open()
        instance = await begun(place, store)
        await heard(informer, instance.revision)
        asked = len(place.server.seen)
        assert await store.inbox(instance.id) == []
        assert len(place.server.seen) == asked
        number = await store.post(instance.id, CancelRequested())
        assert [found for found, _ in await store.inbox(instance.id)] == [number]
        await store.close()
