"""Whatever is asked for at once, SQLite in its groups answers as memory does one by one."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wfe.errors import WfeError
from wfe.model.signals import SuspendRequested
from wfe.model.status import InstanceStatus
from wfe.ports.store import Query, Store
from wfe.providers.memory import MemoryStore
from wfe.providers.sqlite import SqliteStore
from wfe.testing.builders import a_decision, a_record, an_instance
from wfe.testing.store_contract import opened

Ask = Callable[[Store], Awaitable[object]]
NAMES = {"a": "x", "b": "y", "c": "x"}  # of `a` and `c`, the first takes the name
ids = st.sampled_from(sorted(NAMES))


def creating(id_: str, n: int) -> Ask:
    return lambda store: store.create(a_decision(an_instance(id_, name=NAMES[id_]).with_data(n=n)))


def saving(id_: str, revision: int, n: int, status: InstanceStatus) -> Ask:
    # `n` is written by some saves and removed by others, `m` is left alone.
    builder = an_instance(id_, name=NAMES[id_], revision=revision, status=status)
    after = builder.with_data(n=n) if n % 2 else builder
    decision = a_decision(after, touched=frozenset({"d/\nn", "s/"}), records=(a_record(n % 3),))
    return lambda store: store.save(decision)


def posting(id_: str, reason: str) -> Ask:
    async def post(store: Store) -> None:
        await store.post(id_, SuspendRequested(reason=reason))

    return post


def deleting(id_: str) -> Ask:
    return lambda store: store.delete(id_)


asks = st.one_of(
    st.builds(creating, ids, st.integers(0, 9)),
    st.builds(saving, ids, st.integers(1, 4), st.integers(0, 9), st.sampled_from(InstanceStatus)),
    st.builds(posting, ids, st.text("rs", max_size=2)),
    st.builds(deleting, ids),
)


def outcome(answer: object) -> object:
    return (type(answer), str(answer)) if isinstance(answer, WfeError) else answer


async def everything(store: Store) -> list[Any]:
    signals = [[signal for _, signal in await store.inbox(id_)] for id_ in "abc"]
    instances = [(await store.load(id_), await store.history(id_)) for id_ in "abc"]
    found = [await store.resolve(name) for name in "abcxy"]
    return [signals, instances, found, await store.list(Query()), sorted(await store.unfinished())]


async def answers(store: Store, turns: list[list[Ask]]) -> list[Any]:
    said: list[Any] = []
    async with opened(store):
        for turn in turns:
            said += map(outcome, await asyncio.gather(*(ask(store) for ask in turn), return_exceptions=True))
            said += await everything(store)
    return said


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(asks, min_size=1, max_size=8), max_size=6))
def test_sqlite_answers_as_memory_does(turns: list[list[Ask]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        ours = asyncio.run(answers(SqliteStore(str(Path(directory) / "x.db")), turns))
    assert ours == asyncio.run(answers(MemoryStore(), turns))
