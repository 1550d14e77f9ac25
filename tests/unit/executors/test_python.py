"""Calls of this process's own functions."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wfe.executors.python import PythonContext, PythonExecutor
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.signals import TaskOutcome
from wfe.model.task import PythonTask

KEY = AttemptKey("run-1", "a/b", 2)
TASK = PythonTask(key=KEY, callable_id="f", data={"x": 1}, locals={"i": 0}, config={"c": True})
NO_TIME = timedelta()


def an_executor(function: Callable[..., Any]) -> PythonExecutor:
    return PythonExecutor({"f": function}, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))


async def test_an_async_callable_runs_in_the_loop_and_a_plain_one_in_a_thread() -> None:
    seen: list[int] = []

    def plain(_: PythonContext) -> None:
        seen.append(threading.get_ident())

    async def in_loop(_: PythonContext) -> None:
        seen.append(threading.get_ident())

    for function in (plain, in_loop):
        assert (await an_executor(function).run(TASK)).outcome is TaskOutcome.COMPLETE
    assert seen[0] != threading.get_ident() == seen[1]


async def test_a_callable_knows_what_it_works_on() -> None:
    async def tell(context: PythonContext) -> dict[str, Any]:
        return {
            "who": [context.instance, context.step, context.attempt, context.key == KEY.token],
            "sees": [context.data, context.locals, context.config],
        }

    ended = await an_executor(tell).run(TASK)
    assert ended.outputs == {"who": ["run-1", "a/b", 2, True], "sees": [{"x": 1}, {"i": 0}, {"c": True}]}


@pytest.mark.parametrize(
    ("returned", "outputs"),
    [(None, {}), ({}, {}), ({"a": (1, 2)}, {"a": [1, 2]}), ({"n": 2**70}, {"n": 2**70})],
)
async def test_what_it_returns_are_its_outputs_as_they_will_be_stored(
    returned: Any, outputs: dict[str, Any]
) -> None:
    assert (await an_executor(lambda _: returned).run(TASK)).outputs == outputs


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (5, "returned int"),
        ({"a": object()}, "object"),
        ({"a": "x" * 70_000}, "limit"),
        ({"a": float("nan")}, ""),
    ],
)
async def test_what_cannot_be_outputs_fails_the_step(returned: Any, words: str) -> None:
    failure = (await an_executor(lambda _: returned).run(TASK)).failure
    assert failure is not None
    assert failure.reason is Reason.OUTPUTS_INVALID
    assert words in failure.message


@pytest.mark.parametrize("error", [ValueError("bad luck"), SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "plain"])
async def test_an_error_is_the_steps_and_nobody_elses(error: BaseException, is_async: bool) -> None:
    def plain(_: PythonContext) -> None:
        raise error

    async def in_loop(_: PythonContext) -> None:
        raise error

    ended = await an_executor(in_loop if is_async else plain).run(TASK)
    assert ended.failure is not None
    assert (ended.outcome, ended.failure.reason) == (TaskOutcome.FAILED, Reason.ERROR)
    assert (str(error) or "Interrupt") in ended.failure.message


async def test_a_callable_nobody_registered_is_told_by_name() -> None:
    failure = (await an_executor(print).run(replace(TASK, callable_id="g"))).failure
    assert failure is not None
    assert (failure.reason, "`g`" in failure.message) == (Reason.NO_EXECUTOR, True)


async def test_many_runs_of_one_key_are_one_call() -> None:
    calls: list[int] = []
    gate = asyncio.Event()

    async def count(_: PythonContext) -> None:
        calls.append(1)
        await gate.wait()

    executor = an_executor(count)
    runs = [asyncio.create_task(executor.run(TASK)) for _ in range(3)]
    await asyncio.sleep(0)
    runs[0].cancel()
    gate.set()
    ends = [await runs[1], await runs[2], await executor.run(TASK)]
    assert {end.outcome for end in ends} == {TaskOutcome.COMPLETE}
    assert calls == [1]


async def test_a_kill_cancels_an_async_callable() -> None:
    begun, tidied = asyncio.Event(), asyncio.Event()

    async def wait(context: PythonContext) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            assert context.is_cancelled
            tidied.set()

    executor = an_executor(wait)
    run = asyncio.create_task(executor.run(TASK))
    await begun.wait()
    await executor.kill(KEY, timedelta(minutes=1))
    assert (await run).outcome is TaskOutcome.CANCELLED
    assert tidied.is_set()


async def test_a_kill_is_heard_in_a_thread() -> None:
    begun, heard = threading.Event(), threading.Event()

    def wait(context: PythonContext) -> None:
        begun.set()
        context.cancelled.wait(60)
        heard.set()

    executor = an_executor(wait)
    run = asyncio.create_task(executor.run(TASK))
    await asyncio.to_thread(begun.wait)
    await executor.kill(KEY, timedelta(minutes=1))
    assert (await run).outcome is TaskOutcome.CANCELLED
    assert heard.is_set()


async def test_who_does_not_listen_is_left_behind() -> None:
    gate = threading.Event()
    executor = an_executor(lambda _: gate.wait(60))
    ended = await executor.run(replace(TASK, timeout=timedelta(milliseconds=10), grace=NO_TIME))
    assert ended.outcome is TaskOutcome.TIMEOUT
    await executor.close(NO_TIME)
    gate.set()


async def test_a_timeout_ends_an_async_callable() -> None:
    async def wait(_: PythonContext) -> None:
        await asyncio.Event().wait()

    ended = await an_executor(wait).run(replace(TASK, timeout=timedelta(milliseconds=10)))
    assert ended.failure is not None
    assert (ended.outcome, ended.failure.reason) == (TaskOutcome.TIMEOUT, Reason.TIMEOUT)


async def test_a_key_killed_before_its_start_never_starts() -> None:
    calls: list[int] = []
    executor = an_executor(lambda _: calls.append(1))
    await executor.kill(KEY, NO_TIME)
    assert (await executor.run(TASK)).outcome is TaskOutcome.CANCELLED
    assert calls == []


async def test_closing_waits_for_what_runs_and_no_longer_than_told() -> None:
    finished: list[str] = []

    async def short(_: PythonContext) -> None:
        await asyncio.sleep(0)
        finished.append("short")

    async def endless(_: PythonContext) -> None:
        await asyncio.Event().wait()

    executor = PythonExecutor(
        {"short": short, "endless": endless}, now=lambda: datetime(2030, 1, 1, tzinfo=UTC)
    )
    tasks = [replace(TASK, key=replace(KEY, path=name), callable_id=name) for name in ("short", "endless")]
    runs = [asyncio.create_task(executor.run(task)) for task in tasks]
    await asyncio.sleep(0)
    await executor.close(timedelta(milliseconds=20))
    assert finished == ["short"]
    assert (await runs[0]).outcome is TaskOutcome.COMPLETE
    await asyncio.wait([runs[1]])
    assert runs[1].cancelled()


async def test_threads_are_used_again() -> None:
    seen: set[int] = set()
    executor = an_executor(lambda _: seen.add(threading.get_ident()))
    for number in range(20):
        await executor.run(replace(TASK, key=replace(KEY, attempt=number)))
    await executor.close(NO_TIME)
    assert len(seen) == 1
