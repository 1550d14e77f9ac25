"""What instances wrote that are deleted, and what is found by its words, comes from where the operator copies to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.hosts.cli_cluster.cluster import NAMESPACE, Cluster
from tests.unit.hosts.cli_cluster.test_logs import keep, uid
from wfe.model.status import InstanceStatus
from wfe.ports.logs import LogRecord
from wfe.ports.provider import Provider
from wfe.ports.search import Document
from wfe.providers import find
from wfe.providers.customresource import INSTANCES
from wfe.testing.logs_contract import a_record
from wfe.testing.search_contract import a_document

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """A URL of a server in which two instances of this namespace are, and one of another; none has an object."""
    url = f"sqlite:{tmp_path / 'copy.db'}"
    documents = [
        _document("i1", f"{NAMESPACE}/one", "green apples"),
        _document("i2", f"{NAMESPACE}/one-child", "green pears", parent="i1"),
        _document("i3", "other/three", "green plums", status=InstanceStatus.FAILED),
    ]
    records = [
        _record("i1", f"{NAMESPACE}/one", "a", 1, b"apples fall\n"),
        _record("i2", f"{NAMESPACE}/one-child", "b", 2, b"pears fall\n"),
        _record("i3", "other/three", "c", 3, b"plums fall\n"),
    ]
    _fill(url, documents, records)
    return url


def _document(id_: str, name: str, text: str, **more: object) -> Document:
    return a_document(id_, text, name=name, created_at=NOON, **more)


def _record(instance: str, name: str, path: str, second: float, data: bytes, offset: int = 0) -> LogRecord:
    at = NOON + timedelta(seconds=second)
    return a_record(data, instance=instance, name=name, path=path, at=at, offset=offset)


def _fill(url: str, documents: list[Document], records: list[LogRecord]) -> None:
    async def fill(provider: Provider) -> None:
        assert provider.search
        assert provider.logs
        await provider.search.put(documents)
        await provider.logs.append(records)

    asyncio.run(_with(url, fill))


async def _with(url: str, work: Callable[[Provider], Awaitable[None]]) -> None:
    async with _opened(url) as provider:
        await work(provider)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Provider]:
    provider = find(url)
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()


def test_the_log_of_a_deleted_instance_is_read_with_its_children(cluster: Cluster, copy: str) -> None:
    printed = "12:00:01.000 a | apples fall\n12:00:02.000 one-child/b | pears fall\n"
    assert cluster.wfe("logs", "one", "--logs", copy).stdout == printed
    assert cluster.wfe("logs", "i1", "--url", copy).stdout == printed
    assert cluster.wfe("logs", "one", "--logs", copy, "--step", "b").stdout == "pears fall\n"


def test_a_name_belongs_to_its_namespace(cluster: Cluster, copy: str) -> None:
    assert "nor does the copy know it" in cluster.wfe("logs", "three", "--logs", copy, code=2).stderr
    assert cluster.wfe("logs", "three", "--logs", copy, "-n", "other", "--no-prefix").stdout == "plums fall\n"


def test_without_a_url_it_is_said_how_to_have_the_log_of_a_deleted_instance(cluster: Cluster) -> None:
    assert cluster.wfe("logs", "x", code=2).stderr == (
        "wfe: there is no instance `x` in namespace `demo`; `wfe list --cluster` shows those there are; what it wrote "
        "may be where the operator copies to: name that server with `--logs URL` (or WFE_LOGS)\n"
    )


def test_what_objects_and_copy_have_is_one_log(cluster: Cluster, tmp_path: Path) -> None:
    cluster.create(INSTANCES, "one", {"workflowRef": {"name": "w"}})
    keep(cluster, "one", ("a", 1, 1, "first\n"), ("a", 1, 3, "third\n"))
    cluster.status("one", phase="Complete", active=False)
    url, name = f"sqlite:{tmp_path / 'more.db'}", f"{NAMESPACE}/one"
    instance = uid(cluster, "one")
    records = [
        _record(instance, name, "a", 1, b"first\n"),
        _record(instance, name, "b", 2, b"second\n"),
    ]
    _fill(url, [], records)
    assert cluster.wfe("logs", "one", "--no-prefix", "--logs", url).stdout == "first\nsecond\nthird\n"
    followed = cluster.wfe("logs", "one", "-f", "--no-prefix", "--logs", url).stdout
    assert followed == "first\nsecond\nthird\n"


def test_what_the_copy_was_told_late_stands_where_it_was_written(cluster: Cluster, tmp_path: Path) -> None:
    name, url = f"{NAMESPACE}/one", f"sqlite:{tmp_path / 'late.db'}"
    records = [
        _record("i1", name, "a", 1, b"first\n"),
        _record("i1", name, "a", 9, b"second\n", offset=6),
        _record("i1", name, "a", 9, b"third\n", offset=13),
        _record("i1", name, "a", 3, b"fourth\n", offset=19),
        _record("i1", name, "b", 5, b"fifth\n"),
    ]
    _fill(url, [_document("i1", name, "")], records)
    printed = cluster.wfe("logs", "one", "--no-prefix", "--logs", url).stdout
    assert printed == "first\nsecond\nthird\nfourth\nfifth\n"


def test_a_copy_that_is_away_is_told_and_done_without(cluster: Cluster) -> None:
    cluster.create(INSTANCES, "one", {"workflowRef": {"name": "w"}})
    keep(cluster, "one", ("a", 1, 1, "first\n"))
    cluster.status("one", phase="Complete", active=False)
    result = cluster.wfe("logs", "one", "--no-prefix", "--logs", "http://127.0.0.1:9")
    assert result.stdout == "first\n"
    assert "what follows is only what the cluster has" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        pytest.param((), ["apples", "pears"], id="in-the-namespace"),
        pytest.param(("-A",), ["apples", "pears", "plums"], id="everywhere"),
        pytest.param(("-n", "other"), ["plums"], id="in-another"),
        pytest.param(("--step", "b"), ["pears"], id="of-a-step"),
        pytest.param(("--since", "2026-01-01T12:00:02+00:00"), ["pears"], id="since"),
        pytest.param(("one",), ["apples"], id="of-one"),
        pytest.param(("--workflow", "pipeline", "--limit", "1"), ["apples"], id="at-most"),
    ],
)
def test_lines_are_found_by_their_text(
    cluster: Cluster, copy: str, arguments: tuple[str, ...], found: list[str]
) -> None:
    lines = cluster.wfe("logs", "--search", "FALL", "--logs", copy, *arguments).stdout.splitlines()
    assert [line.rpartition(" | ")[2].split()[0] for line in lines] == found


def test_instances_are_found_by_their_words(cluster: Cluster, copy: str) -> None:
    assert [one["name"] for one in cluster.json("search", "green", "--search", copy)] == ["one-child", "one"]
    assert [one["name"] for one in cluster.json("search", "plum*", "-A", "--url", copy)] == ["other/three"]
    assert cluster.wfe("search", "plums", "--url", copy).stderr == "no instance has these words\n"
    table = cluster.wfe("search", "--status", "Failed", "-A", "--url", copy).stdout
    assert table.splitlines()[1].startswith("other/three")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("search", "x"), "`--search URL` (or WFE_SEARCH)", id="search"),
        pytest.param(("logs", "--search", "x"), "`--logs URL` (or WFE_LOGS)", id="logs"),
        pytest.param(("logs",), "name an instance", id="logs-of-nothing"),
        pytest.param(("logs", "x", "--since", "1d"), "--since goes with --search", id="since-alone"),
        pytest.param(("logs", "x", "--logs", "redis://h"), "keeps no logs", id="no-keeper"),
        pytest.param(("search", "x", "--search", "redis://h"), "has no search", id="no-search"),
    ],
)
def test_what_is_missing_is_said_with_the_way_out(
    cluster: Cluster, arguments: tuple[str, ...], says: str
) -> None:
    assert says in cluster.wfe(*arguments, code=2).stderr
