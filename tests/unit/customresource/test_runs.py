"""Whole runs over the store: what they write, how large the status gets, and what is left."""

from typing import Any

import pytest

from tests.unit.customresource.place import Host, Obliging, Place, a_place, status_size
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.providers.customresource import saving


def steps(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"name": f"step-{number}", "config": {"run": "true"}, **more} for number in range(count)]


SEQUENCE = {"steps": steps(300)}
SAGA = {"steps": [{"name": "s", "saga": steps(100, compensate={"config": {"run": "true"}})}]}
EACH = {
    "inputs": {"items": "list<string>"},
    "steps": [
        {
            "name": "each",
            "for_each": {"items": ".items", "collect": {"names": "name"}, "steps": steps(1)},
        }
    ],
}


async def run(
    place: Place, monkeypatch: pytest.MonkeyPatch, workflow: dict[str, Any], inputs: dict[str, Json]
) -> tuple[Instance, list[int]]:
    """Run a workflow; return how it ended, and the size of its status after every save."""
    sizes: list[int] = []
    inner = saving.patched

    async def patched(*arguments: Any, **named: Any) -> dict[str, Any]:
        answer = await inner(*arguments, **named)
        sizes.append(status_size(await place.status("i")))
        return answer

    monkeypatch.setattr(saving, "patched", patched)
    async with place.open_store() as store:
        host = Host(store, Obliging(name="a" * 20))
        ended = await host.run(workflow, inputs)
        assert await store.load("i") == ended
        history = await store.history("i")
        counts = ended.counts
        assert len(history) == counts.complete
        assert [record.seq for record in history] == sorted(record.seq for record in history)
        await store.settle("i")
        await host.close()
    return ended, sizes


@pytest.mark.parametrize(
    ("workflow", "items", "writes_a_step", "chunks_left"),
    [
        pytest.param(SEQUENCE, 300, 1.05, 2, id="sequence"),
        pytest.param(SAGA, 100, 1.05, 4, id="saga"),
        pytest.param(EACH, 500, 0.5, 6, id="for-each"),
    ],
)
async def test_a_run_is_one_write_a_step_and_a_small_status(
    monkeypatch: pytest.MonkeyPatch,
    workflow: dict[str, Any],
    items: int,
    writes_a_step: float,
    chunks_left: int,
) -> None:
    async with a_place() as place:
        hosts: list[Json] = [f"host-{number}" for number in range(items)]
        ended, sizes = await run(place, monkeypatch, workflow, {"items": hosts} if workflow is EACH else {})
        assert ended.status == "Complete"
        assert sorted(sizes)[int(len(sizes) * 0.99) - 1] < 20 * 1024
        assert place.writes()["patch workflowinstances"] <= writes_a_step * items
        assert len(await place.chunks()) <= chunks_left
        if workflow is EACH:
            assert ended.data["names"] == ["a" * 20] * items
