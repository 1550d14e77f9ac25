"""Index templates are made, replaced by later versions, and left alone by earlier ones."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import pytest

from tests.contract.opensearch_prefix import ask
from tests.integration.opensearch.prefix import a_prefix, count, indices
from wfe import providers
from wfe.errors import Permanent, StoreUnavailable
from wfe.ports.logs import RecordsRefused
from wfe.testing.builders import NOON
from wfe.testing.logs_contract import a_record, lines, read
from wfe.testing.search_contract import a_document, eventually, ids

pytestmark = pytest.mark.integration
SECOND = timedelta(seconds=1)


@pytest.fixture
def url(opensearch_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    with a_prefix(opensearch_url, request.node.name.replace("_", "")[4:60].lower()) as url:
        yield url


def prefix_of(url: str) -> str:
    return url.partition("prefix=")[2].partition("&")[0]


async def test_templates_are_strict_and_have_a_version(opensearch_url: str, url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    await provider.open()
    await provider.close()
    for name in ("instances", "logs"):
        answer = ask(opensearch_url, "GET", f"/_index_template/{prefix_of(url)}{name}")
        template = answer["index_templates"][0]["index_template"]
        assert template["version"] == 1
        assert template["template"]["mappings"]["dynamic"] == "strict"
        assert template["template"]["settings"]["index"]["refresh_interval"] == "50ms"


async def test_a_template_of_a_later_version_is_left_alone(opensearch_url: str, url: str) -> None:
    name = f"/_index_template/{prefix_of(url)}logs"
    ask(opensearch_url, "PUT", name, {"index_patterns": [f"{prefix_of(url)}logs-*"], "version": 99})
    with pytest.raises(Permanent, match=r"later version of WFE \(99, this one knows 1\)"):
        await providers.find(url).open()
    assert ask(opensearch_url, "GET", name)["index_templates"][0]["index_template"]["version"] == 99


async def test_a_template_of_an_earlier_version_is_replaced(opensearch_url: str, url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    assert provider.logs
    template = f"/_index_template/{prefix_of(url)}logs"
    ours = ask(opensearch_url, "GET", template)["index_templates"][0]["index_template"]
    earlier = deepcopy(ours) | {"version": 0}
    del earlier["template"]["mappings"]["properties"]["is_long"]
    ask(opensearch_url, "PUT", template, earlier)
    await provider.logs.append([a_record(b"short\n")])
    await provider.close()
    await provider.open()
    records = [a_record(b"short\n"), a_record(b"x" * 1000, offset=6)]
    await provider.logs.append(records)
    assert await read(provider.logs) == [record.segment for record in records]
    assert ask(opensearch_url, "GET", template)["index_templates"][0]["index_template"] == ours
    await provider.close()


async def test_an_index_that_was_dropped_comes_back_as_it_was(opensearch_url: str, url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    assert provider.search
    for reference in ("a", "b"):
        ask(opensearch_url, "DELETE", f"/{prefix_of(url)}instances")
        await provider.search.put([a_document("i1", "word", reference=reference)])
        await eventually(lambda: ids(provider.search, text="word"), ["i1"])  # type: ignore[arg-type]
    mapping = ask(opensearch_url, "GET", f"/{prefix_of(url)}instances/_mapping")
    assert mapping[f"{prefix_of(url)}instances"]["mappings"]["dynamic"] == "strict"
    await provider.close()


async def test_lines_around_midnight_are_written_once(opensearch_url: str, url: str) -> None:
    midnight = NOON.replace(hour=23, minute=59, second=58)
    records = [a_record(offset=5 * number, at=midnight + number * SECOND) for number in range(6)]
    provider = providers.find(url)
    await provider.open()
    assert provider.logs
    for _ in range(2):
        await provider.logs.append(records)
    assert await read(provider.logs) == [record.segment for record in records]
    assert count(opensearch_url, f"{prefix_of(url)}logs-*") == 6
    assert indices(opensearch_url, f"{prefix_of(url)}logs-*") == [
        f"{prefix_of(url)}logs-{day}" for day in ("2030.01.01", "2030.01.02")
    ]
    await provider.logs.expire(before=midnight + 2 * SECOND)
    assert await read(provider.logs) == [record.segment for record in records[2:]]
    await provider.close()


async def test_a_line_that_does_not_fit_takes_no_other_with_it(url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    assert provider.logs
    good = lines(10)
    with pytest.raises(RecordsRefused, match="refuses 1 of 11 log lines") as refused:
        await provider.logs.append([*good[:5], a_record(attempt=2**40), *good[5:]])
    assert refused.value.count == 1
    assert await read(provider.logs) == [record.segment for record in good]
    await provider.close()


async def test_a_full_disk_is_waited_for(opensearch_url: str, url: str) -> None:
    provider = providers.find(url)
    await provider.open()
    assert provider.logs
    records = lines(20)
    await provider.logs.append(records[:5])
    setting = f"/{prefix_of(url)}logs-*/_settings"
    ask(opensearch_url, "PUT", setting, {"index.blocks.read_only_allow_delete": True})
    with pytest.raises(StoreUnavailable, match="its disk is nearly full"):
        await provider.logs.append(records)
    ask(opensearch_url, "PUT", setting, {"index.blocks.read_only_allow_delete": None})
    await provider.logs.append(records)
    assert await read(provider.logs) == [record.segment for record in records]
    await provider.close()
