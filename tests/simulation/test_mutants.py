"""Hosts that break a rule on purpose: the simulation finds each of them out, and says which invariant it was."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from tests.simulation.scenarios import SCENARIOS
from wfe.errors import Conflict, Retryable
from wfe.graph.graph import Graph
from wfe.model.commands import AwaitEvent
from wfe.model.decision import Decision
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.json import Json
from wfe.model.signals import Signal
from wfe.model.task import ProcessTask
from wfe.ports.store import Published
from wfe.runtime.driver import Driver
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Admitted, TaskRunner
from wfe.testing.simulation import Parts, Scenario, Violation, exhaustive, random_run
from wfe.testing.simulation.ports import SimulatedClock

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


class DispatchesBeforeItSaves(Driver):
    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        for command in decision.commands:
            self._dispatcher.dispatch(self, command)
        await super()._save(decision, consumed)


class IgnoresConflicts(Driver):
    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        try:
            await super()._save(decision, consumed)
        except Conflict:
            self._took(decision)


class SavesAgainWithoutLooking(Driver):
    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        while True:
            try:
                return await super()._save(decision, consumed)
            except Retryable:
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=5))


class ForgetsWhatIsOutstanding(Driver):
    def _dispatch_outstanding(self) -> None: ...


class NeverReadsItsMail(Driver):
    async def _mail(self) -> list[tuple[int, Signal]]:
        return []


class ConsumesItsMailTooEarly(Driver):
    async def _mail(self) -> list[tuple[int, Signal]]:
        mail = await super()._mail()
        if mail:
            read = Decision(instance=replace(self.instance, revision=self.instance.revision + 1))
            await super()._save(read, [sequence for sequence, _ in mail])
        return mail


class SendsToWhateverIncarnationThereIs(TaskRunner):
    async def _run(self, key: AttemptKey, incarnation: str) -> None:
        del incarnation
        await super()._run(key, self.place(None))


class SavesNoPlace(TaskRunner):
    """Looks for a place when it starts an attempt, and not before its save."""

    async def admit(self, graph: Graph, decision: Decision) -> Admitted:
        del graph
        self.deciding = decision.instance
        return Admitted()

    async def _run(self, key: AttemptKey, incarnation: str) -> None:
        task = self._running[key].task
        assert isinstance(task, ProcessTask)
        found = await self.executors.processes.admit(task, self.deciding)
        await super()._run(key, incarnation or found)


class TellsSignalsOnlyInMemory(Runtime):
    async def signal(self, instance_id: str, signal: Signal) -> None:
        if (drive := self._drives.get(instance_id)) is not None:
            drive.driver.tell(signal)


class TellsNobodyOfEvents(Runtime):
    async def publish_event(self, name: str, key: str, payload: Json) -> int:
        return (await self.store.publish(name, key, payload, now=self.clock.now())).sequence

    async def _look_around(self, published: Published) -> None: ...


class HearsOnlyOfNewEvents(Runtime):
    def __post_init__(self) -> None:
        super().__post_init__()
        add = self._waiters.add

        def add_without_a_look(
            instance: str, wait: AwaitEvent, tell: Callable[[Signal], object]
        ) -> tuple[str, str, int]:
            add(instance, wait, tell)
            return ("", "", 0)

        self._waiters.add = add_without_a_look  # type: ignore[method-assign]


class NeverAdjustsChildren(Runtime):
    def __post_init__(self) -> None:
        super().__post_init__()

        async def nothing(
            driver: Driver, path: str, child: str, *, since: Instance | None = None
        ) -> None: ...

        self._dispatch.children.adjust = nothing  # type: ignore[method-assign]


class IsFast(SimulatedClock):
    def now(self) -> datetime:
        return super().now() + timedelta(seconds=1)


def with_driver(driver: type[Driver]) -> Parts:
    return Parts(runtime=partial(Runtime, driver_type=driver))


MUTANTS = [
    pytest.param(with_driver(DispatchesBeforeItSaves), "sequence", "I1", id="dispatches-before-it-saves"),
    pytest.param(with_driver(IgnoresConflicts), "two hosts: retry", "", id="ignores-conflicts"),
    pytest.param(with_driver(SavesAgainWithoutLooking), "sequence", "I3", id="saves-again-without-looking"),
    pytest.param(with_driver(ForgetsWhatIsOutstanding), "sequence", "I3", id="forgets-what-is-outstanding"),
    pytest.param(with_driver(NeverReadsItsMail), "cancel", "I3", id="never-reads-its-mail"),
    pytest.param(with_driver(ConsumesItsMailTooEarly), "cancel", "I3", id="consumes-mail-too-early"),
    pytest.param(
        Parts(tasks=SendsToWhateverIncarnationThereIs), "sequence", "I1", id="sends-to-another-incarnation"
    ),
    pytest.param(Parts(tasks=SavesNoPlace), "in pods: sequence", "I1", id="saves-no-place"),
    pytest.param(Parts(runtime=TellsSignalsOnlyInMemory), "cancel", "I3", id="signals-in-memory"),
    pytest.param(
        Parts(runtime=TellsNobodyOfEvents), "wait, published late", "I3", id="events-told-to-nobody"
    ),
    pytest.param(Parts(runtime=HearsOnlyOfNewEvents), "wait, published early", "I3", id="only-new-events"),
    pytest.param(
        Parts(runtime=NeverAdjustsChildren), "child, cancelled with its parent", "I3", id="leaves-children"
    ),
    pytest.param(Parts(clock=IsFast), "delay", "I9", id="a-fast-clock"),
]


@pytest.mark.parametrize(("parts", "name", "invariant"), MUTANTS)
def test_a_host_that_breaks_a_rule_is_found_out(parts: Parts, name: str, invariant: str) -> None:
    with pytest.raises(Violation, match=f"^{invariant}"):
        play_everything(BY_NAME[name], parts)


def play_everything(scenario: Scenario, parts: Parts) -> None:
    exhaustive(scenario, parts=parts)
    exhaustive(scenario, parts=parts, loses=True)
    for seed in range(40):
        random_run(scenario, seed, parts=parts)
