"""The informer against a server that drops, forgets, lags and tells nonsense."""

import asyncio
from typing import Any

import pytest

from tests.unit.kube.following import WIDGETS, Told, Widget, decoded, following, widget
from wfe.kube import Informer
from wfe.testing.apiserver import serving
from wfe.testing.apiserver.objects import Change


async def test_what_is_there_is_listed_and_what_changes_is_told() -> None:
    async with following("a") as here:
        await here.create("b", 1)
        await here.resize("b", 2)
        await here.client.delete(WIDGETS, "a", "n")
        await here.told.until("-a")
        assert here.told.words == ["+a=0", "+b=1", "b=2", "-a"]
        assert here.there == {"b": 2}
        found = here.informer.get("n", "b")
        assert found is not None
        assert found.spec.size == 2


async def test_a_late_listener_hears_what_is_there() -> None:
    async with following("a", "b") as here:
        late = Told()
        here.informer.listen(late.note)
        assert late.words == ["+a=0", "+b=0"]


async def test_many_pages_are_taken_in_before_it_is_synced() -> None:
    names = [f"w{number:04}" for number in range(1001)]
    async with following(*names) as here:
        assert sorted(here.there) == names
        assert [seen.verb for seen in here.server.seen].count("list") == 3


async def test_a_watch_that_breaks_goes_on_where_it_was() -> None:
    async with following("a") as here:
        here.server.drop_watches()
        await here.create("b")
        await here.told.until("+b=0")
        assert [seen.verb for seen in here.server.seen].count("list") == 1


async def test_a_bookmark_carries_the_watch_past_a_compaction() -> None:
    async with following("a", labels="kind=x") as here:
        await here.create("other")
        here.server.bookmark()
        await here.client.raw("/version")
        here.server.compact()
        here.server.drop_watches()
        item = {"metadata": {"name": "b", "labels": {"kind": "x"}}}
        await here.client.create(WIDGETS, item, "n")
        await here.told.until("+b=0")
        assert [seen.verb for seen in here.server.seen].count("list") == 1


@pytest.mark.parametrize("in_stream", [True, False], ids=["in-the-stream", "as-an-answer"])
async def test_what_was_deleted_while_the_watch_was_too_old_is_told(*, in_stream: bool) -> None:
    async with following("a", "b", "c") as here:
        hold = here.server.faults.hold(verb="watch")
        if not in_stream:
            here.server.faults.answer(410, verb="watch")
        here.server.drop_watches(410 if in_stream else None)
        await here.watches(0)
        await hold.reached.wait()
        await here.client.delete(WIDGETS, "a", "n")
        await here.client.delete(WIDGETS, "b", "n")
        await here.create("b", 7)
        here.server.compact()
        hold.free.set()
        await here.told.while_not(lambda: here.there == {"b": 7, "c": 0})
        assert sorted(here.told.words[3:]) == ["+b=7", "-a", "-b"]
        assert here.told.words.index("-b") < here.told.words.index("+b=7")


async def test_a_selection_reports_what_leaves_it_as_gone() -> None:
    async with following("a", "b", fields="status.active!=false") as here:
        patch = {"status": {"active": False}}
        answer = await here.client.patch(WIDGETS, "a", "n", patch, subresource="status")
        await here.told.until("-a")
        # The answer to that very write may come after the news.
        here.informer.put(decoded(answer))
        assert here.there == {"b": 0}


async def test_our_own_write_is_there_at_once_and_its_echo_is_not_told_again() -> None:
    async with following("a") as here:
        hold = here.server.faults.hold(verb="watch")
        here.server.drop_watches()
        await hold.reached.wait()
        here.informer.put(decoded(await here.resize("a", 5)))
        here.informer.put(decoded(await here.create("b", 6)))
        assert here.there == {"a": 5, "b": 6}
        hold.free.set()
        await here.resize("a", 7)
        await here.told.until("a=7")
        assert here.told.words == ["+a=0", "a=5", "+b=6", "a=7"]


async def test_a_stale_list_takes_back_nothing_that_is_known() -> None:
    async with following("a") as here:
        past = here.server.objects.version
        await here.resize("a", 5)
        await here.create("b", 6)
        await here.told.until("+b=6")
        here.server.faults.stale(past)
        here.server.drop_watches(410)
        await here.create("c", 7)
        await here.told.until("+c=7")
        assert here.told.words == ["+a=0", "a=5", "+b=6", "+c=7"]
        assert here.there == {"a": 5, "b": 6, "c": 7}


async def test_our_own_delete_is_gone_at_once_and_its_echo_is_not_told_again() -> None:
    async with following("a", "b") as here:
        uid = here.server.objects.get(WIDGETS, "a", "n")["metadata"]["uid"]
        here.informer.drop("n", "a", uid)
        here.informer.drop("n", "b", "another")
        assert here.there == {"b": 0}
        await here.client.delete(WIDGETS, "a", "n")
        await here.resize("b", 1)
        await here.told.until("b=1")
        assert here.told.words == ["+a=0", "+b=0", "-a", "b=1"]


async def test_each_listed_namespace_is_followed_and_no_other() -> None:
    async with following("a", namespaces=["n", "m", "n"]) as here:
        await here.create("b", 1, namespace="m")
        await here.create("c", 2, namespace="other")
        await here.told.until("+b=1")
        here.server.drop_watches(410)
        await here.resize("a", 3)
        await here.told.until("a=3")
        assert here.there == {"a": 3, "b": 1}


async def test_no_namespaces_is_synced_and_hears_nothing() -> None:
    async with serving([WIDGETS]) as (_, client):
        informer = Informer(client, WIDGETS, Widget, namespaces=[])
        assert informer.synced.is_set()
        assert informer.age == 0
        await informer.run()


async def test_an_object_that_is_not_understood_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with following("a") as here:
        broken: dict[str, Any] = {"metadata": {"name": "broken"}, "spec": {"size": "large"}}
        await here.client.create(WIDGETS, broken, "n")
        await here.resize("a", 1)
        await here.told.until("a=1")
        await here.client.patch(WIDGETS, "a", "n", {"spec": {"size": "huge"}})
        here.server.drop_watches(410)
        await here.create("b", 2)
        await here.told.until("+b=2")
        # It stays as it was last understood.
        assert here.there == {"a": 1, "b": 2}
        assert "broken is not understood" in caplog.text
        await here.client.delete(WIDGETS, "a", "n")
        await here.client.delete(WIDGETS, "broken", "n")
        await here.told.until("-a")


async def test_nonsense_from_the_server_is_survived_by_a_new_list(caplog: pytest.LogCaptureFixture) -> None:
    async with following("a") as here:
        nonsense = {"metadata": {"name": "x", "namespace": "n", "uid": "ux", "resourceVersion": "soon"}}
        here.server.objects.version += 1
        here.server.objects._note(Change(here.server.objects.version, WIDGETS, None, nonsense))
        await here.create("b")
        await here.told.until("+b=0")
        assert here.there == {"a": 0, "b": 0}
        assert "following failed" in caplog.text


@pytest.mark.parametrize("status", [403, 429, 500])
async def test_refused_lists_and_watches_are_survived(status: int) -> None:
    async with following("a") as here:
        here.server.faults.answer(status, times=2, verb="watch")
        here.server.faults.answer(status, verb="list")
        here.server.drop_watches(410)
        await here.create("b")
        await here.told.until("+b=0")


async def test_a_listener_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with following("a") as here:

        def fails(*_: object) -> None:
            raise ValueError("no luck")

        here.informer.listen(fails)
        await here.create("b")
        await here.told.until("+b=0")
        await here.create("c")
        await here.told.until("+c=0")
        assert "no luck" in caplog.text


async def test_its_age_is_that_of_the_quietest_watch() -> None:
    async with following("a", namespaces=["n", "m"]) as here:
        loop = asyncio.get_running_loop()
        since = loop.time()
        await here.create("x", namespace="n")
        await here.told.until("+x=0")
        passed = loop.time() - since
        assert here.informer.age >= passed
        here.server.bookmark()
        while here.informer.age >= loop.time() - since:
            await here.client.raw("/version")


async def test_what_was_made_while_nobody_was_looking_is_new_although_the_name_is_old() -> None:
    async with serving([WIDGETS]) as (server, client):
        server.objects.create(WIDGETS, widget("a", 1), "n")
        informer = Informer(client, WIDGETS, Widget)
        told = Told()
        informer.listen(told.note)
        for _ in range(2):
            running = asyncio.create_task(informer.run())
            await informer.synced.wait()
            await told.while_not(lambda: bool(told.words))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            server.objects.delete(WIDGETS, "a", "n")
            server.objects.create(WIDGETS, widget("a", 2), "n")
        running = asyncio.create_task(informer.run())
        await told.until("-a", "+a=2")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
