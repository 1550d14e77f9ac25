"""What a store promises of concurrency groups: they change as a whole, and only from what they were."""

import asyncio

import pytest

from wfe.errors import Conflict
from wfe.model.concurrency import Group
from wfe.testing.store_contract import MakeStore, opened

ONE = Group(("i1",), ("i2", "i3"))
OTHER = Group(("i2",))
KEYS = ["deploy-prod", "", "with spaces / slashes", "Grüße 🚀", "nul\0byte", "x" * 3000]


class GroupsContract:
    """Groups of one store, and of another on the same place."""

    async def test_nobody_is_in_a_group_that_nobody_has_written(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            assert await store.group("k") == Group()

    @pytest.mark.parametrize("key", KEYS, ids=lambda key: repr(key[:12]))
    async def test_what_was_put_is_there_for_every_process(self, make_store: MakeStore, key: str) -> None:
        async with opened(make_store()) as store, opened(make_store()) as other:
            await store.put_group(key, Group(), ONE)
            assert await other.group(key) == ONE
            await other.put_group(key, ONE, OTHER)
            await store.put_group(key, OTHER, Group())
            assert await other.group(key) == Group()

    @pytest.mark.parametrize("after", [ONE, OTHER, Group()], ids=["same", "other", "empty"])
    @pytest.mark.parametrize("before", [OTHER, Group()], ids=["other", "empty"])
    async def test_a_group_that_is_another_by_now_stays_as_it_is(
        self, make_store: MakeStore, before: Group, after: Group
    ) -> None:
        async with opened(make_store()) as store:
            await store.put_group("k", Group(), ONE)
            with pytest.raises(Conflict):
                await store.put_group("k", before, after)
            assert await store.group("k") == ONE

    async def test_of_many_who_change_it_at_once_one_succeeds(self, make_store: MakeStore) -> None:
        async with opened(make_store()) as store:
            await store.put_group("k", Group(), ONE)
            changed = [store.put_group("k", ONE, Group((f"i{number}",))) for number in range(10)]
            ended = await asyncio.gather(*changed, return_exceptions=True)
            assert [type(error) for error in ended if error is not None] == [Conflict] * 9
