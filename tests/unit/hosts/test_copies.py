"""The copies of a host: away, they hold nothing up; shared with the store, they are opened with it."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from wfe import WorkflowBuilder, WorkflowHost
from wfe.errors import Permanent
from wfe.hosts.embedded.finding import NotKept
from wfe.hosts.wiring.engine_room import Settings
from wfe.model.status import InstanceStatus
from wfe.ports.logs import LogQuery, Segment
from wfe.ports.search import SearchQuery
from wfe.providers import find
from wfe.testing.builders import NOON
from wfe.testing.logs_contract import a_record, read
from wfe.testing.search_contract import eventually


async def hello(_: object) -> dict[str, str]:
    return {"greeting": "salut"}


FLOW = WorkflowBuilder().start_with(hello).build("hello", 1)


@pytest.mark.parametrize("search", ["memory:", "sqlite:{directory}/w.db", "sqlite:{directory}/search.db"])
async def test_a_program_finds_what_it_ran(tmp_path: Path, search: str) -> None:
    url = search.format(directory=tmp_path)
    async with WorkflowHost(f"sqlite:{tmp_path}/w.db", search=url, logs="memory:", recover=False) as host:
        instance = await host.start(FLOW, name="first")
        await host.wait(instance)

        async def found() -> list[str]:
            page = await host.search(SearchQuery(text="salut", statuses=frozenset({InstanceStatus.COMPLETE})))
            return [one.name for one in page.found]

        await eventually(found, ["first"])
        assert (await host.search_logs(LogQuery())).found == []
        assert set(host.lags()) == {"search", "logs"}


async def test_a_host_without_copies_says_so(tmp_path: Path) -> None:
    async with WorkflowHost(state=tmp_path) as host:
        with pytest.raises(NotKept, match="has no search; give it one"):
            await host.search(SearchQuery())
        with pytest.raises(NotKept, match="keeps no logs to search; give it a place"):
            await host.search_logs(LogQuery())
        assert host.lags() == {}


async def test_a_copy_that_cannot_be_used_refuses_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    host = WorkflowHost(state=tmp_path / "state", logs=f"files:{tmp_path}/file/logs")
    with pytest.raises(Permanent, match="logs cannot be kept in"):
        await host.start_host()
    await host.stop()


async def test_old_logs_go(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path}/logs.db"
    kept = find(url)
    await kept.open()
    assert kept.logs
    await kept.logs.append([a_record(at=NOON - timedelta(days=20_000))])
    settings = Settings(state=tmp_path / "state", logs=url, keep_logs=timedelta(days=30))
    async with WorkflowHost(settings=settings):
        nothing: list[Segment] = []
        await eventually(partial(read, kept.logs), nothing)
    await kept.close()
