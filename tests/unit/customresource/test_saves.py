"""One patch a save, whoever else writes to the object meanwhile, and whatever happens to the answer."""

import asyncio
from typing import Any

import pytest

from tests.unit.customresource.place import NAMESPACE, PATCH, Place, a_place, status_size
from wfe.errors import Conflict, StoreUnavailable
from wfe.model.instance import Instance, ParentRef
from wfe.model.record import StepRecord
from wfe.model.signals import CancelRequested
from wfe.model.status import InstanceStatus
from wfe.providers.customresource import INSTANCES, CustomResourceStore
from wfe.providers.customresource.kinds import instance_object
from wfe.testing.builders import InstanceBuilder, a_decision, a_record, an_instance, running, the_next
from wfe.testing.store_contract import the_stored


async def a_users_object(place: Place, name: str = "mine", **spec: Any) -> str:
    """Make an object as a user does, and return the id of its instance."""
    body = {
        "apiVersion": INSTANCES.api_version,
        "kind": INSTANCES.kind,
        "metadata": {"name": name},
        "spec": {"workflowRef": {"name": "pipeline"}, **spec},
    }
    return str((await place.client.create(INSTANCES, body, NAMESPACE))["metadata"]["uid"])


async def label(place: Place, name: str, value: str) -> None:
    """Change something of the object that the engine does not care about."""
    patch = {"metadata": {"labels": {"users": value}}}
    await place.client.patch(INSTANCES, name, NAMESPACE, patch)


async def test_the_instance_of_a_users_object_has_its_uid_and_its_name() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place, inputs={"n": 1})
        instance = an_instance(uid, name="mine", status=InstanceStatus.RUNNING)()
        assert await store.create(a_decision(instance))
        assert not await store.create(a_decision(instance))
        found = await place.object("mine")
        assert (found["status"]["phase"], found["status"]["active"]) == ("Running", True)
        assert found["spec"]["inputs"] == {"n": 1}
        assert [await store.resolve(word) for word in ("mine", uid)] == [uid, uid]
        assert place.writes()["patch workflowinstances"] == 1


async def test_two_controllers_begin_an_instance_once() -> None:
    async with a_place() as place, place.open_store() as one, place.open_store() as other:
        uid = await a_users_object(place)
        decision = a_decision(an_instance(uid, name="mine"))
        assert sorted(await asyncio.gather(one.create(decision), other.create(decision))) == [False, True]


async def test_a_child_is_an_object_of_its_parents() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        await store.create(a_decision(an_instance(uid, name="mine")))
        child = an_instance("c" * 32, name="mine/build", parent=ParentRef(uid, "build", 1), root=uid)
        assert await store.create(a_decision(child))
        assert not await store.create(a_decision(child))
        found = await place.object("mine-cccccccccccc")
        assert found["metadata"]["ownerReferences"][0]["uid"] == uid
        assert found["spec"]["parent"] == {
            "id": uid,
            "name": "mine",
            "uid": uid,
            "path": "build",
            "attempt": 1,
        }
        assert await store.load("c" * 32) == child()
        assert await store.resolve("mine/build") == "c" * 32


async def test_a_child_whose_first_status_was_not_written_is_begun_again() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        await store.create(a_decision(an_instance(uid, name="mine")))
        child = a_decision(
            an_instance("c" * 32, name="mine/build", parent=ParentRef(uid, "build", 1), root=uid)
        )
        place.server.faults.answer(422, **PATCH)
        with pytest.raises(Exception, match="refuses"):
            await store.create(child)
        assert await store.load("c" * 32) is None
        assert await store.create(child)
        assert await store.load("c" * 32) == child.instance


async def test_a_save_is_one_patch() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance().with_data(n=0)()
        await store.create(a_decision(instance))
        place.server.seen.clear()
        for _ in range(5):
            decision = the_next(instance)
            await store.save(decision)
            instance = decision.instance
        assert place.writes() == {"patch workflowinstances": 5}
        assert not [seen for seen in place.server.seen if seen.verb == "get"]


async def test_a_change_of_the_spec_is_no_conflict() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance("i1").with_data(n=0)()
        await store.create(a_decision(instance))
        for number in range(3):
            await label(place, "i1", str(number))
            decision = the_next(instance)
            await store.save(decision)
            instance = decision.instance
        assert await store.load("i1") == instance


async def test_a_save_of_another_controller_is_a_conflict() -> None:
    async with a_place() as place, place.open_store() as one, place.open_store() as other:
        instance = an_instance().with_data(n=0)()
        await one.create(a_decision(instance))
        await other.save(the_next(instance, reference="other"))
        with pytest.raises(Conflict):
            await one.save(the_next(instance, reference="one"))
        assert (await the_stored(one, "i1")).reference == "other"
        await one.save(the_next(await the_stored(one, "i1"), reference="one"))


async def test_a_lost_answer_is_found_to_be_our_own_write() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance().with_data(n=0)()
        await store.create(a_decision(instance))
        place.server.faults.lose(**PATCH)
        decision = the_next(instance)
        await store.save(decision)
        await store.save(the_next(decision.instance))
        assert (await the_stored(store, "i1")).revision == 2


async def test_a_lost_answer_to_the_first_status_is_found_too() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        place.server.faults.lose(**PATCH)
        instance = an_instance(uid, name="mine")()
        assert await store.create(a_decision(instance))
        await store.save(the_next(instance))


async def test_a_store_that_failed_goes_on_from_what_is_stored() -> None:
    async with a_place() as place, place.open_store() as store:
        before = an_instance().with_data(a=1, b=2)()
        await store.create(a_decision(before))
        after = an_instance(revision=1).with_data(a=3)()
        place.server.faults.answer(403, **PATCH)
        with pytest.raises(StoreUnavailable, match="forbids"):
            await store.save(a_decision(after, touched=frozenset({"d/\na", "d/\nb"})))
        assert await store.load("i1") == before
        await store.save(a_decision(after, touched=frozenset({"d/\na", "d/\nb"})))
        assert await store.load("i1") == after


async def test_a_save_after_somebody_deleted_the_object_is_a_conflict_and_then_it_is_gone() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance()()
        await store.create(a_decision(instance))
        await place.client.delete(INSTANCES, "i1", NAMESPACE)
        with pytest.raises(Conflict):
            await store.save(the_next(instance))
        assert await store.load("i1") is None


async def test_an_object_of_the_same_name_is_another_instance() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        instance = an_instance(uid, name="mine")()
        await store.create(a_decision(instance))
        await place.client.delete(INSTANCES, "mine", NAMESPACE)
        again = await a_users_object(place)
        with pytest.raises(Conflict):
            await store.save(the_next(instance))
        assert await store.load(uid) is None
        await asyncio.sleep(0)
        assert await store.create(a_decision(an_instance(again, name="mine")))


async def test_a_signal_between_two_saves_is_kept_and_consumed_with_the_next() -> None:
    async with a_place() as place, place.open_store() as one, place.open_store() as other:
        instance = an_instance().with_data(n=0)()
        await one.create(a_decision(instance))
        number = await other.post("i1", CancelRequested())
        decision = the_next(instance)
        await one.save(decision)
        assert [seq for seq, _ in await one.inbox("i1")] == [number]
        await one.save(the_next(decision.instance), consumed=[number])
        assert await one.inbox("i1") == []


async def test_the_inbox_does_not_grow_without_end() -> None:
    async with a_place() as place, place.open_store() as store:
        await store.create(a_decision())
        for _ in range(14):
            await store.post("i1", CancelRequested(reason="x" * 9500))
        with pytest.raises(StoreUnavailable, match="full"):
            await store.post("i1", CancelRequested())
        assert status_size(await place.status("i1")) < 256 * 1024


async def test_the_epoch_of_a_runner_is_given_to_one_controller() -> None:
    async with a_place() as place, place.open_store() as one, place.open_store() as other:
        instance = an_instance()()
        await one.create(a_decision(instance))
        raised = await asyncio.gather(
            *(store.raise_epoch("i1", pod="p") for store in (one, other, one, other))
        )
        assert sorted(raised) == [1, 2, 3, 4]
        await one.save(the_next(instance, incarnation="pod-uid"))
        assert (await place.status("i1"))["runner"] == {"epoch": 4, "pod": "p", "uid": "pod-uid"}


async def test_settling_is_the_last_write_and_only_of_what_has_ended() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance()()
        await store.create(a_decision(instance))
        with pytest.raises(Conflict, match="has not ended"):
            await store.settle("i1")
        await store.save(the_next(instance, status=InstanceStatus.COMPLETE, finished_at=instance.created_at))
        assert (await place.status("i1"))["active"] is True
        await store.settle("i1")
        assert (await place.status("i1"))["active"] is False
        place.server.seen.clear()
        await store.settle("i1")
        assert place.writes() == {}


async def test_an_instance_that_cannot_begin_says_so_once() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        for _ in range(2):
            await store.refuse("mine", "WorkflowInvalid", "workflow `pipeline` is not there", uid=uid)
        status = await place.status("mine")
        assert (status["phase"], status["reason"]) == ("Pending", "WorkflowInvalid")
        assert place.writes()["patch workflowinstances"] == 1
        assert await store.load(uid) is None
        assert await store.create(a_decision(an_instance(uid, name="mine", status=InstanceStatus.RUNNING)))
        after = await place.status("mine")
        assert after.get("reason") is None
        assert {one["type"]: one["status"] for one in after["conditions"]} == {"Accepted": "True"}


async def test_the_generation_that_was_acted_on_is_said_with_the_next_save() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        instance = an_instance(uid, name="mine")()
        await store.create(a_decision(instance))
        patch = {"spec": {"desiredState": "Suspended"}}
        await place.client.patch(INSTANCES, "mine", NAMESPACE, patch)
        first = the_next(instance)
        await store.save(first)
        assert (await place.status("mine"))["observedGeneration"] == 1
        store.observe(uid, generation=2, resumes=1)
        await store.save(the_next(first.instance))
        status = await place.status("mine")
        assert (status["observedGeneration"], status["resumes"]) == (2, 1)


async def test_the_cache_keeps_no_texts_of_what_was_loaded() -> None:
    async with a_place() as place, place.open_store() as first:
        await first.create(a_decision(an_instance().with_data(text="x" * 500)))
        async with place.open_store() as store:
            held = store._own[0].get(NAMESPACE, "i1")
            assert held is not None
            assert held.status.engine is not None
            assert (held.status.engine.head, held.status.engine.parts) == ("", {})
            place.server.seen.clear()
            assert (await the_stored(store, "i1")).data == {"text": "x" * 500}
            assert [seen for seen in place.server.seen if seen.verb == "get"] == []
            kept = store._room.table.get("i1")
            assert kept is not None
            assert kept.fresh is None


async def test_instances_that_ended_are_found_though_nobody_watches_them() -> None:
    async with a_place() as place, place.open_store() as store:
        uid = await a_users_object(place)
        ended = an_instance(uid, name="mine", status=InstanceStatus.COMPLETE)
        await store.create(a_decision(ended))
        tool = CustomResourceStore(place.client, NAMESPACE)
        await tool.open()
        assert [await tool.resolve(word) for word in ("mine", uid)] == [uid, uid]
        assert await tool.load(uid) == ended()
        assert await tool.unfinished() == []


async def big_run(place: Place, steps: int, **data: Any) -> tuple[Instance, list[int]]:
    """Save an instance often, with data and records, and return it and the sizes of its status on the way."""
    sizes = []
    async with place.open_store() as store:
        instance = an_instance().with_data(**data)()
        await store.create(a_decision(instance))
        for number in range(steps):
            grown: InstanceBuilder = an_instance(revision=instance.revision + 1).with_data(
                **{**instance.data, f"key{number}": "v" * 300}
            )
            touched = frozenset({f"d/\nkey{number}"})
            decision = a_decision(grown.with_step("now", running()), touched=touched | {"p/now"})
            await store.save(
                type(decision)(
                    instance=decision.instance, touched=decision.touched, records=(a_record(number),)
                )
            )
            instance = decision.instance
            sizes.append(status_size(await place.status("i1")))
    return instance, sizes


async def test_data_grows_and_the_status_does_not() -> None:
    async with a_place() as place:
        instance, sizes = await big_run(place, 200, big="B" * 60_000)
        assert max(sizes) < 20 * 1024
        async with place.open_store() as store:
            assert await store.load("i1") == instance
            assert [record.seq for record in await store.history("i1")] == list(range(200))
        assert len(await place.chunks()) < 20, "small chunks become one, and what nobody refers to goes"


async def test_a_chunk_is_written_before_the_status_that_refers_to_it() -> None:
    async with a_place() as place, place.open_store() as store:
        before = an_instance().with_data(a="small")()
        await store.create(a_decision(before))
        after = an_instance(revision=1).with_data(a="x" * 50_000)()
        place.server.faults.answer(403, verb="create", resource="configmaps")
        with pytest.raises(StoreUnavailable):
            await store.save(a_decision(after, touched=frozenset({"d/\na"})))
        assert await store.load("i1") == before
        place.server.faults.answer(403, **PATCH)
        with pytest.raises(StoreUnavailable):
            await store.save(a_decision(after, touched=frozenset({"d/\na"})))
        assert await store.load("i1") == before
        assert len(await place.chunks()) == 1, "written for nothing, and in nobody's way"
        await store.save(a_decision(after, touched=frozenset({"d/\na"})))
        assert await store.load("i1") == after


async def test_settling_deletes_what_was_written_for_nothing() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance().with_data(a="x" * 50_000)()
        await store.create(a_decision(instance))
        place.server.faults.answer(403, **PATCH)
        wasted = an_instance(revision=1).with_data(a="y" * 50_000)()
        with pytest.raises(StoreUnavailable):
            await store.save(a_decision(wasted, touched=frozenset({"d/\na"})))
        assert len(await place.chunks()) == 2
        done = the_next(instance, status=InstanceStatus.COMPLETE)
        await store.save(a_decision(done.instance, touched=frozenset()))
        await store.settle("i1")
        assert len(await place.chunks()) == 1
        assert await store.load("i1") == done.instance


async def test_a_reader_that_is_behind_looks_again() -> None:
    async with a_place() as place, place.open_store() as one:
        first = an_instance().with_data(a="x" * 50_000)()
        await one.create(a_decision(first))
        async with place.open_store() as other:
            after = an_instance(revision=1).with_data(a="y" * 50_000)()
            await one.save(a_decision(after, touched=frozenset({"d/\na"})))
            await one._room.close()
            assert await other.load("i1") == after


async def test_values_of_megabytes_lie_in_several_objects() -> None:
    async with a_place() as place, place.open_store() as store:
        noise = "".join(chr(33 + (number * 7919 + number // 13) % 90) for number in range(3_000_000))
        instance = an_instance().with_data(noise=noise)()
        await store.create(a_decision(instance))
        assert await store.load("i1") == instance
        assert status_size(await place.status("i1")) < 4096


async def test_a_head_of_any_size_is_listed_and_loaded() -> None:
    async with a_place() as place, place.open_store() as store:
        ended = an_instance(status=InstanceStatus.COMPLETE, outputs={"big": "x" * 100_000}, pins={"a": "b"})()
        await store.create(a_decision(ended))
        assert await store.load("i1") == ended
        assert status_size(await place.status("i1")) < 4096
        found = instance_object(await place.object("i1"))
        assert found.status.engine is not None
        assert len(found.status.engine.head) < 1000


async def test_records_of_any_size_are_history() -> None:
    async with a_place() as place, place.open_store() as store:
        instance = an_instance()()
        await store.create(a_decision(instance))
        written: list[StepRecord] = []
        for number in range(40):
            outputs = {"noise": "".join(chr(33 + (i * i * 31 + number) % 90) for i in range(9000))}
            records = tuple(a_record(3 * number + i, outputs=outputs if i else {}) for i in range(3))
            decision = the_next(instance, records=records)
            await store.save(decision)
            written += records
            instance = decision.instance
            assert status_size(await place.status("i1")) < 12 * 1024
        assert await store.history("i1") == written


async def test_history_that_a_stale_controller_wrote_is_true_and_taken_once() -> None:
    async with a_place() as place, place.open_store() as one, place.open_store() as other:
        instance = an_instance()()
        await one.create(a_decision(instance))
        for number in range(14):
            decision = the_next(instance, records=(a_record(number, path="p" * 200),))
            await one.save(decision)
            instance = decision.instance
        # The other one archives what is in the status, and then is told that it comes too late.
        await the_stored(other, "i1")
        late = place.server.faults.hold(**PATCH)
        saving = asyncio.create_task(other.save(the_next(instance, records=(a_record(99),))))
        await late.reached.wait()
        mine = the_next(instance, records=(a_record(14),))
        await one.save(mine)
        late.free.set()
        with pytest.raises(Conflict):
            await saving
        assert [record.seq for record in await one.history("i1")] == list(range(15))
