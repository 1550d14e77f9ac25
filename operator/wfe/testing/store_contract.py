"""What every store promises about instances. Subclass the suite and give it a fixture `make_store`.

`make_store()` returns a store on the same data at every call; durable ones may be open several at a time,
as if in several processes. `messages_contract` has the rest of the port, `durability_contract` what survives.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from wfe.errors import Conflict, NameTaken
from wfe.model.codec import NotJson
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Counts, Instance, ParentRef, Scope, Undo, WorkflowRef
from wfe.model.parts import data_part, pointer_part
from wfe.model.pointer import Progress, Span
from wfe.model.signals import CancelRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Query, Store, Summary
from wfe.testing.builders import (
    NOON,
    InstanceBuilder,
    a_decision,
    a_pointer,
    a_record,
    an_instance,
    running,
    the_next,
)

MakeStore = Callable[[], Store]
ODD: dict[str, Any] = {
    "null": None,
    "nested": {"a": None, "b": {"c": [None, {}]}},
    "big": 2**64,
    "bigger": -(10**60),
    "one": 1,
    "one.0": 1.0,
    "": "the empty key",
    "line\nbreak": "\0",
    "half \ud83d": "\udfff",
    '"quoted"': "ключ 😀",
}


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """Open the store, and close it whatever happens."""
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def a_full_instance(id: str = "full") -> InstanceBuilder:  # noqa: A002 (the word for it)
    """Return an instance with every kind of part and odd user data in each."""
    spans = (Span(start=0, stop=2, writes=ODD), Span(start=5, stop=6))
    undo = Undo(seq=3, saga="s", path="s/a", node="s/a", scope="", outputs=ODD, record=a_record())
    scopes = {
        "": Scope(parent=None, data=ODD, size=9),
        "each[0]": Scope(parent="", locals=ODD, cursors={"event\nkey": 2**40}, held=1, closed=True),
    }
    return (
        an_instance(
            id, parent=ParentRef("mother", "child", 2), failure=Failure(reason=Reason.ERROR, message="é")
        )
        .with_(
            scopes=scopes,
            undo={3: undo},
            lists={"each": (1, None, ODD)},
            inputs=ODD,
            variables=ODD,
            outputs=ODD,
        )
        .with_step("build", running(attempt=2))
        .with_step("each", a_pointer(result=ODD, progress=Progress(total=9, spans=spans)))
    )


class StoreContract:
    """Instances: created once, saved by compare-and-swap, found, listed, deleted."""

    async def test_an_instance_comes_back_as_it_was_saved(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            instance = a_full_instance()()
            assert await store.create(a_decision(instance))
            assert await store.load("full") == instance
            kinds = {key: type(value) for key, value in (await the_stored(store, "full")).data.items()}
            assert kinds == {key: type(value) for key, value in ODD.items()}, "1 and 1.0 are different values"

    async def test_what_is_not_there_is_none(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            assert await store.load("nobody") is None
            assert await store.resolve("nobody") is None
            assert await store.history("nobody") == []
            assert await store.inbox("nobody") == []
            assert await store.list(Query()) == []
            assert not await store.delete("nobody")

    async def test_creating_twice_changes_nothing(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            first = an_instance("a", name="n").with_data(x=1)()
            assert await store.create(a_decision(first))
            assert not await store.create(a_decision(an_instance("a", name="other").with_data(x=2)))
            assert await store.load("a") == first
            assert await store.resolve("other") is None

    async def test_a_name_belongs_to_one_instance(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance("a", name="n")))
            with pytest.raises(NameTaken, match="`n`"):
                await store.create(a_decision(an_instance("b", name="n")))
            assert await store.load("b") is None

    async def test_an_id_is_resolved_before_a_name(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance("a", name="b")))
            await store.create(a_decision(an_instance("b", name="c")))
            found = [await store.resolve(word) for word in ("a", "b", "c")]
            assert found == ["a", "b", "b"]

    async def test_a_save_writes_touched_parts_and_removes_those_that_are_gone(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            before = an_instance().with_step("a").with_step("b").with_data(x=1, y=2)()
            await store.create(a_decision(before))
            after = an_instance(revision=1).with_step("b", running()).with_data(y=3)()
            touched = frozenset(
                {pointer_part("a"), pointer_part("b"), data_part("", "x"), data_part("", "y")}
            )
            await store.save(a_decision(after, touched=touched))
            assert await store.load("i1") == after

    async def test_a_save_writes_no_part_that_is_not_touched(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance().with_data(x=1, y=1)))
            changed = an_instance(revision=1).with_data(x=2, y=2)
            await store.save(a_decision(changed, touched=frozenset({data_part("", "x")})))
            assert (await the_stored(store, "i1")).data == {"x": 2, "y": 1}

    async def test_a_stale_save_conflicts_and_changes_nothing(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            instance = an_instance().with_data(x=1)()
            await store.create(a_decision(instance))
            posted = await store.post("i1", CancelRequested())
            await store.save(the_next(instance))
            stale = the_next(instance, records=(a_record(),), status=InstanceStatus.FAILED)
            with pytest.raises(Conflict, match=r"revision 1, not 0"):
                await store.save(stale, consumed=[posted])
            assert await store.load("i1") == the_next(instance).instance
            assert await store.history("i1") == []
            assert [sequence for sequence, _ in await store.inbox("i1")] == [posted]

    async def test_a_save_of_what_is_not_there_conflicts(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            with pytest.raises(Conflict):
                await store.save(the_next(an_instance()()))
            assert await store.load("i1") is None

    async def test_a_value_that_is_not_json_is_refused_and_changes_nothing(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            instance = an_instance().with_data(x=1)()
            await store.create(a_decision(instance))
            bad: Any = {"": Scope(parent=None, data={"x": float("nan")})}
            with pytest.raises(NotJson):
                await store.save(the_next(instance, scopes=bad))
            assert await store.load("i1") == instance

    async def test_what_was_saved_does_not_change_with_the_callers_values(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store()) as store:
            mine: list[Any] = [1]
            await store.create(a_decision(an_instance().with_data(x=mine)))
            mine.append(2)
            theirs = await the_stored(store, "i1")
            assert theirs.data == {"x": [1]}
            theirs.data["x"].append(3)  # type: ignore[union-attr]
            assert (await the_stored(store, "i1")).data == {"x": [1]}

    async def test_of_saves_that_race_one_wins(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            instance = an_instance()()
            await store.create(a_decision(instance))
            races = [store.save(the_next(instance, reference=str(number))) for number in range(20)]
            answers = await asyncio.gather(*races, return_exceptions=True)
            won = [str(number) for number, answer in enumerate(answers) if answer is None]
            assert won == [(await the_stored(store, "i1")).reference]
            assert all(isinstance(answer, Conflict) for answer in answers if answer is not None)

    async def test_thirty_instances_at_once_do_not_disturb_each_other(self, make_store: MakeStore) -> None:
        async def live(store: Store, number: int) -> Instance:
            instance = an_instance(f"i{number}").with_data(n=0)()
            assert await store.create(a_decision(instance))
            for step in range(5):
                decision = the_next(instance, records=(a_record(step),))
                await store.save(decision)
                instance = decision.instance
            return instance

        async with opened(make_store()) as store:
            lived = await asyncio.gather(*(live(store, number) for number in range(30)))
            assert [await store.load(instance.id) for instance in lived] == lived
            assert {len(await store.history(instance.id)) for instance in lived} == {5}

    async def test_one_that_fails_among_many_fails_alone(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance("a", name="a")))
            answers = await asyncio.gather(
                store.create(a_decision(an_instance("b", name="b"))),
                store.create(a_decision(an_instance("c", name="a"))),
                store.create(a_decision(an_instance("d", name="b"))),
                store.save(the_next(an_instance("a", revision=7)())),
                store.save(the_next(an_instance("a", name="a")())),
                store.create(a_decision(an_instance("b", name="z"))),
                store.post("nobody", CancelRequested()),
                return_exceptions=True,
            )
            words = [answer if answer is None else type(answer).__name__ for answer in answers]
            assert words == ["bool", "NameTaken", "NameTaken", "Conflict", None, "bool", "NotFound"]
            assert [one.id for one in await store.list(Query())] == ["b", "a"]

    async def test_history_is_in_start_order_whenever_the_visits_ended(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            instance = an_instance()()
            await store.create(a_decision(instance, records=(a_record(4),)))
            first = the_next(instance, records=(a_record(10), a_record(2)))
            await store.save(first)
            await store.save(the_next(first.instance, records=(a_record(3, message="é"),)))
            assert [record.seq for record in await store.history("i1")] == [2, 3, 4, 10]
            assert (await store.history("i1"))[1] == a_record(3, message="é")

    async def test_unfinished_are_those_that_have_not_ended_oldest_first(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            for number, status in enumerate(InstanceStatus):
                aged = NOON - timedelta(hours=number)
                await store.create(a_decision(an_instance(status.value, created_at=aged, status=status)))
            assert await store.unfinished() == ["Suspended", "Running", "Pending"]
            ended = the_next(await the_stored(store, "Running"), status=InstanceStatus.COMPLETE)
            await store.save(ended)
            assert await store.unfinished() == ["Suspended", "Pending"]

    async def test_a_summary_says_what_the_instance_says(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            counts = Counts(complete=3, failed=1)
            instance = a_full_instance().with_(reference="r", reason="why", counts=counts)()
            await store.create(a_decision(instance))
            after = the_next(instance, status=InstanceStatus.FAILED, finished_at=NOON + timedelta(hours=1))
            await store.save(after)
            assert await store.list(Query()) == [Summary.of(after.instance)]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            pytest.param(Query(), "edcba", id="all-newest-first"),
            pytest.param(Query(limit=2), "ed", id="limit"),
            pytest.param(Query(statuses=frozenset({InstanceStatus.RUNNING})), "db", id="one-status"),
            pytest.param(
                Query(statuses=frozenset({InstanceStatus.RUNNING, InstanceStatus.FAILED}), limit=2),
                "dc",
                id="two-statuses-are-merged-by-age",
            ),
            pytest.param(Query(workflow="other"), "e", id="workflow"),
            pytest.param(Query(reference="r"), "ca", id="reference"),
            pytest.param(Query(parent="a"), "d", id="parent"),
            pytest.param(Query(roots_only=True), "ecba", id="roots-only"),
            pytest.param(Query(reference="r", statuses=frozenset({InstanceStatus.FAILED})), "c", id="both"),
            pytest.param(Query(workflow="nothing"), "", id="none"),
        ],
    )
    async def test_a_list_is_filtered(self, make_store: MakeStore, query: Query, expected: str) -> None:
        async with opened(make_store()) as store:
            for name, changes in _SHELF.items():
                aged = NOON + timedelta(minutes=ord(name))
                await store.create(a_decision(an_instance(name, created_at=aged, **changes)))
            assert "".join(one.id for one in await store.list(query)) == expected

    @pytest.mark.parametrize("statuses", [frozenset(), frozenset(InstanceStatus)], ids=["any", "each"])
    async def test_pages_show_everything_once(
        self, make_store: MakeStore, statuses: frozenset[InstanceStatus]
    ) -> None:
        async with opened(make_store()) as store:
            for number in range(23):  # pairs of the same age: the id decides
                aged = NOON + timedelta(minutes=number // 2)
                await store.create(a_decision(an_instance(f"i{number:02}", created_at=aged)))
            query, seen = Query(limit=4, statuses=statuses), []
            while page := await store.list(query):
                seen += [one.id for one in page]
                query = replace(query, before=page[-1])
            assert seen == [f"i{number:02}" for number in reversed(range(23))]

    async def test_deleting_leaves_nothing_behind(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.create(a_decision(an_instance("kept").with_data(x=1)))
            await store.create(a_decision(an_instance("a", name="n").with_data(x=1), records=(a_record(),)))
            await store.post("a", CancelRequested())
            assert await store.delete("a")
            assert (await store.load("a"), await store.resolve("n"), await store.inboxes()) == (
                None,
                None,
                [],
            )
            assert [one.id for one in await store.list(Query())] == ["kept"]
            assert await store.create(a_decision(an_instance("a", name="n")))
            assert (await store.history("a"), await store.inbox("a")) == ([], [])
            assert (await the_stored(store, "a")).data == {}
            assert (await the_stored(store, "kept")).data == {"x": 1}


async def the_stored(store: Store, instance: str) -> Instance:
    """Return the instance, which has to be there."""
    found = await store.load(instance)
    assert found is not None
    return found


_SHELF: dict[str, dict[str, Any]] = {
    "a": {"reference": "r"},
    "b": {"status": InstanceStatus.RUNNING},
    "c": {"status": InstanceStatus.FAILED, "reference": "r"},
    "d": {"status": InstanceStatus.RUNNING, "parent": ParentRef("a", "p", 1)},
    "e": {"workflow": WorkflowRef("other", 1, "1" * 64)},
}
