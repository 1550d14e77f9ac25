"""What every mirror promises. Subclass the suite and give it a fixture `make_mirror`.

`make_mirror()` returns an opened mirror on the same data at every call, as a context manager.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from wfe.errors import Permanent
from wfe.model.event import Event
from wfe.model.instance import Instance, ParentRef, WorkflowRef
from wfe.model.record import AttemptRecord
from wfe.model.status import InstanceStatus, StepStatus
from wfe.ports.mirror import Change, Kept, Mirror, MirrorQuery
from wfe.testing.builders import NOON, a_record, an_instance
from wfe.testing.store_contract import ODD, a_full_instance

MakeMirror = Callable[[], AbstractAsyncContextManager[Mirror]]
MINUTE = timedelta(minutes=1)
MONTH = timedelta(days=31)
FAILED = frozenset({InstanceStatus.FAILED})


def a_change(
    id: str = "i1",  # noqa: A002 (the word for it)
    *records: Any,
    namespace: str = "here",
    **changes: Any,
) -> Change:
    """Return a change of an instance that is the usual one but for the changes."""
    return Change(namespace=namespace, instance=an_instance(id, **changes)(), records=records)


def head_of(instance: Instance) -> Instance:
    """Return what is kept of an instance: neither data nor steps."""
    return replace(instance, inputs={}, variables={}, pointers={}, scopes={}, undo={}, lists={})


async def ids(mirror: Mirror, **query: Any) -> str:
    """Return the ids that a query finds, in their order."""
    return "".join(one.instance.id for one in (await mirror.list(MirrorQuery(**query))).found)


class MirrorContract:
    """The newest of everything, whatever the order it came in; pages; what is old goes in batches."""

    async def test_what_was_put_is_found_whole(self, make_mirror: MakeMirror) -> None:
        attempts = tuple(
            AttemptRecord(attempt=n, outcome="Failed", exit_code=n, started_at=NOON, ended_at=NOON)
            for n in (1, 2)
        )
        records = [
            replace(a_record(n, message="é\0"), outputs=ODD, attempt_records=attempts) for n in (0, 2, 10)
        ]
        instance = replace(a_full_instance()(), reference="é\0", outputs=ODD)
        async with make_mirror() as mirror:
            await mirror.put([Change(namespace="here", instance=instance, records=records)])
        async with make_mirror() as mirror:
            kept = await mirror.find("full")
            assert kept == Kept(namespace="here", instance=head_of(instance))
            assert await mirror.steps("full") == records
            assert await mirror.revisions(["full", "nobody"]) == {"full": instance.revision}

    async def test_what_is_not_there_is_nothing(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            assert await mirror.find("nobody") is None
            assert await mirror.steps("nobody") == []
            assert await mirror.revisions([]) == {}
            assert (await mirror.list(MirrorQuery())).found == []
            assert await mirror.purge(before=NOON, limit=10) == 0
            await mirror.put([])
            await mirror.put_events("here", [])

    @pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
    @pytest.mark.parametrize("together", [True, False], ids=["at-once", "one-by-one"])
    async def test_the_newest_revision_stays_whatever_the_order(
        self, make_mirror: MakeMirror, order: tuple[int, ...], *, together: bool
    ) -> None:
        changes = [
            a_change(
                "i1", a_record(0, status=StepStatus.COMPLETE), revision=1, status=InstanceStatus.RUNNING
            ),
            a_change("i1", a_record(1), revision=4, status=InstanceStatus.SUSPENDED),
            a_change(
                "i1",
                a_record(0, status=StepStatus.COMPENSATED),
                a_record(2),
                revision=7,
                status=InstanceStatus.FAILED,
                finished_at=NOON,
            ),
        ]
        async with make_mirror() as mirror:
            for batch in [order] if together else [(one,) for one in order]:
                await mirror.put([changes[number] for number in batch])
            kept = await mirror.find("i1")
            assert kept
            assert (kept.instance.revision, kept.instance.status) == (7, InstanceStatus.FAILED)
            found = [(record.seq, record.status) for record in await mirror.steps("i1")]
            assert found == [
                (0, StepStatus.COMPENSATED),
                (1, StepStatus.COMPLETE),
                (2, StepStatus.COMPLETE),
            ]
            assert await ids(mirror, statuses=FAILED) == "i1"
            assert await ids(mirror, statuses=frozenset({InstanceStatus.RUNNING})) == ""

    async def test_putting_again_changes_nothing(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            changes = [a_change(name, a_record(0), a_record(1)) for name in "abc"]
            for _ in range(2):
                await mirror.put(changes)
            assert await ids(mirror) == "cba"
            assert [len(await mirror.steps(name)) for name in "abc"] == [2, 2, 2]

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            pytest.param({}, "gfedcba", id="all-newest-first"),
            pytest.param({"limit": 2}, "gf", id="limit"),
            pytest.param({"namespace": "there"}, "g", id="namespace"),
            pytest.param({"statuses": FAILED}, "gec", id="one-status"),
            pytest.param(
                {"statuses": FAILED | {InstanceStatus.RUNNING}, "limit": 3}, "ged", id="two-statuses"
            ),
            pytest.param({"workflow": "other"}, "fe", id="workflow"),
            pytest.param({"workflow": "other", "statuses": FAILED}, "e", id="workflow-and-status"),
            pytest.param({"workflow": "other", "statuses": FAILED, "namespace": "there"}, "", id="none"),
            pytest.param({"reference": "r"}, "ca", id="reference"),
            pytest.param({"parent": "a"}, "d", id="parent"),
            pytest.param({"roots_only": True}, "gfecba", id="roots-only"),
            pytest.param(
                {"since": NOON + ord("c") * MONTH, "until": NOON + ord("e") * MONTH}, "dc", id="time"
            ),
        ],
    )
    async def test_a_list_is_filtered(
        self, make_mirror: MakeMirror, query: dict[str, Any], expected: str
    ) -> None:
        async with make_mirror() as mirror:
            await mirror.put([shelved(name, **changes) for name, changes in _SHELF.items()])
            assert await ids(mirror, **query) == expected

    @pytest.mark.parametrize("statuses", [frozenset(), FAILED], ids=["any", "failed"])
    async def test_pages_show_everything_once(
        self, make_mirror: MakeMirror, statuses: frozenset[InstanceStatus]
    ) -> None:
        async with make_mirror() as mirror:
            await mirror.put(  # pairs of the same age: the id decides; over the end of a month
                [
                    a_change(
                        f"i{n:02}", created_at=NOON + n // 2 * 3 * MONTH / 10, status=InstanceStatus.FAILED
                    )
                    for n in range(23)
                ]
            )
            seen: list[str] = []
            after = None
            while True:
                page = await mirror.list(MirrorQuery(limit=4, statuses=statuses, after=after))
                seen += [one.instance.id for one in page.found]
                if (after := page.next) is None:
                    break
            assert seen == [f"i{n:02}" for n in reversed(range(23))]

    async def test_a_page_begins_where_both_its_limits_are_kept(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            await mirror.put(
                [a_change(name, created_at=NOON + number * MINUTE) for number, name in enumerate("abcde")]
            )
            after = (await mirror.list(MirrorQuery(limit=1))).next
            for until, expected in ((1, "a"), (4, "dcba"), (5, "dcba")):
                assert await ids(mirror, after=after, until=NOON + until * MINUTE) == expected

    async def test_a_page_that_is_just_full_is_the_last(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            await mirror.put([a_change(name) for name in "ab"])
            assert (await mirror.list(MirrorQuery(limit=2))).next is None

    async def test_a_place_that_is_none_is_refused(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            with pytest.raises(Permanent, match="use `next` of the page before"):
                await mirror.list(MirrorQuery(after="i1"))

    async def test_a_name_finds_the_newest_and_an_id_its_own(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            for number, (name, namespace) in enumerate(
                (("n", "here"), ("n", "here"), ("n", "there"), ("i0", "here"))
            ):
                created = NOON + number * MONTH
                await mirror.put([a_change(f"i{number}", namespace=namespace, name=name, created_at=created)])
            words = [
                ("n", None),
                ("n", "here"),
                ("n", "there"),
                ("n", "nowhere"),
                ("i0", None),
                ("i0", "there"),
            ]
            found = [await mirror.find(word, namespace=namespace) for word, namespace in words]
            assert [one and one.instance.id for one in found] == ["i2", "i1", "i2", None, "i0", None]

    async def test_steps_come_in_pages(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            await mirror.put([a_change("i1", *(a_record(number) for number in range(7)))])
            assert [record.seq for record in await mirror.steps("i1", after=2, limit=3)] == [3, 4, 5]

    async def test_events_are_kept_once_in_their_order(self, make_mirror: MakeMirror) -> None:
        def event(sequence: int, key: str = "k \ud83d\0") -> Event:
            return Event(
                sequence=sequence, name="e", key=key, payload=ODD, published_at=NOON + sequence * MONTH
            )

        async with make_mirror() as mirror:
            await mirror.put_events("here", [event(10), event(9), event(9)])
            await mirror.put_events("here", [event(10), event(7, "other")])
            assert await mirror.events("here", "e", event(0).key) == [event(9), event(10)]
            assert await mirror.events("there", "e", event(0).key) == []
            assert await mirror.purge(before=NOON + 10 * MONTH, limit=10) == 2
            assert await mirror.events("here", "e", event(0).key) == [event(10)]

    async def test_what_ended_long_ago_goes_in_batches(self, make_mirror: MakeMirror) -> None:
        async with make_mirror() as mirror:
            for number in range(7):
                ended = NOON + number * MINUTE
                change = a_change(
                    str(number), a_record(0), created_at=NOON - MONTH, finished_at=ended if number else None
                )
                await mirror.put([change])
            batches = [await mirror.purge(before=NOON + 6 * MINUTE, limit=2) for _ in range(4)]
            assert batches == [2, 2, 1, 0]
            assert await ids(mirror) == "60"
            assert [len(await mirror.steps(str(number))) for number in range(7)] == [1, 0, 0, 0, 0, 0, 1]
            await mirror.put([a_change("1", a_record(0), created_at=NOON - MONTH)])
            assert await ids(mirror) == "610"


def shelved(name: str, **changes: Any) -> Change:
    """Return a change of an instance that is as old as its name says."""
    return a_change(name, created_at=NOON + ord(name) * MONTH, **changes)


_SHELF: dict[str, dict[str, Any]] = {
    "a": {"reference": "r"},
    "b": {"status": InstanceStatus.RUNNING},
    "c": {"status": InstanceStatus.FAILED, "reference": "r"},
    "d": {"status": InstanceStatus.RUNNING, "parent": ParentRef("a", "p", 1)},
    "e": {"workflow": WorkflowRef("other", 1, "1" * 64), "status": InstanceStatus.FAILED},
    "f": {"workflow": WorkflowRef("other", 2, "2" * 64)},
    "g": {"status": InstanceStatus.FAILED, "namespace": "there"},
}
