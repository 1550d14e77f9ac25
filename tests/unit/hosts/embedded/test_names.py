"""The names of instances that were given none."""

from collections.abc import Awaitable, Callable

import pytest

from wfe import NameTaken, Workflow, WorkflowBuilder, WorkflowHost
from wfe.runtime.clock import SystemClock

IDS = [
    "0123456789ab" + "0" * 20,
    "012345" + "1" * 26,
    "0123456789ab" + "2" * 20,
    "012345" + "1" * 6 + "3" * 20,
]


async def nothing(_: object) -> None: ...


@pytest.mark.parametrize("begin", [WorkflowHost.start, WorkflowHost.submit])
async def test_names_grow_until_nobody_has_them(
    begin: Callable[[WorkflowHost, Workflow], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = WorkflowBuilder().start_with(nothing).build("flow", 1)
    async with WorkflowHost("memory:") as host:
        ids = iter(IDS)
        monkeypatch.setattr(SystemClock, "new_id", lambda _: next(ids))
        names = [(await host.get(await begin(host, flow))).name for _ in IDS]
    assert names == ["flow-012345", "flow-012345111111", "flow-0123456789ab", f"flow-{IDS[3]}"]


async def test_a_name_that_was_given_is_taken_as_it_is() -> None:
    flow = WorkflowBuilder().start_with(nothing).build("flow", 1)
    async with WorkflowHost("memory:") as host:
        await host.run(flow, name="mine")
        with pytest.raises(NameTaken):
            await host.run(flow, name="mine")
