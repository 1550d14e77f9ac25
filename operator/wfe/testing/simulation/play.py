"""Plays a scenario: hosts that crash and come back, people who act, until every instance has ended."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from wfe.engine import Birth
from wfe.errors import WfeError
from wfe.graph.graph import Graph
from wfe.model.instance import Instance
from wfe.model.signals import (
    CancelRequested,
    ResumeRequested,
    Signal,
    SuspendRequested,
    TaskEnded,
    TaskOutcome,
)
from wfe.ports.store import Query
from wfe.testing.simulation.faults import Faults
from wfe.testing.simulation.host import Host, Parts
from wfe.testing.simulation.loop import run_virtually
from wfe.testing.simulation.oracles import Oracles, Violation, require
from wfe.testing.simulation.scenario import Act, Scenario
from wfe.testing.simulation.world import World

ROOT: Final = "0" * 32
LIMIT_SECONDS: Final = 3600.0
LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    status: str
    data: Mapping[str, Any]
    ends: tuple[tuple[str, str], ...]
    calls: int
    starts: Counter[Any]
    hits: Mapping[str, int]
    seconds: float
    log: list[str]


@dataclass
class Play:
    """One run of a scenario in one world."""

    scenario: Scenario
    faults: Faults
    seed: int = 0
    parts: Parts = field(default_factory=Parts)

    def run(self) -> Outcome:
        """Play to the end and judge.

        Raises:
            Violation: something does not hold; its notes are the log of the run.
        """
        graphs: dict[str, Graph] = {
            graph.workflow.digest: graph for graph in (self.scenario.graph, *self.scenario.children)
        }
        dice = Random(self.seed)  # noqa: S311 - it keeps no secret
        self.world = World(self.scenario, self.faults, Oracles(graphs), dice)
        try:
            return run_virtually(self._play())
        except BaseException as error:
            error.add_note("\n".join(self.world.log[-400:]))
            raise

    async def _play(self) -> Outcome:
        self.hosts = [Host(self.world, f"host-{n}", self.parts) for n in range(self.scenario.hosts)]
        keepers = [asyncio.create_task(self._keep(number)) for number in range(len(self.hosts))]
        people = asyncio.create_task(self._act())
        try:
            await self._until_ended([people, *keepers])
        finally:
            for task in (people, *keepers):
                task.cancel()
            await asyncio.gather(people, *keepers, return_exceptions=True)
            for host in self.hosts:
                host.crash()
                await host.bury()
        return await self._judge()

    # -- hosts and people --------------------------------------------------------------------------------------

    async def _keep(self, number: int) -> None:
        """Open a host, and another in its place whenever it has crashed."""
        while True:
            host = self.hosts[number]
            works: list[asyncio.Task[Any]] = [
                asyncio.create_task(host.live()),
                asyncio.create_task(host.nursery.broken()),
                asyncio.create_task(host.gone.wait()),
            ]
            try:
                await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                for work in works:
                    if work.done() and not host.dead:
                        work.result()
            finally:
                for work in works:
                    work.cancel()
                await asyncio.gather(*works, return_exceptions=True)
            await host.bury()
            if self.faults.loses_executors():
                self.world.lose_executor()
            await asyncio.sleep(self.faults.restart_after())
            self.hosts[number] = Host(self.world, f"{host.name}'", self.parts)

    async def _act(self) -> None:
        await self._insist(lambda host: host.runtime.start(self.scenario.graph, self._birth()))
        workers = []
        for act in self.scenario.acts:
            await asyncio.sleep(max(0.0, act.at - asyncio.get_running_loop().time()))
            if act.once:
                await self.world.oracles.begun(act.once)
            self.world.note(f"act: {act}")
            if act.what == "work":
                workers.append(asyncio.create_task(self._work(act)))
            else:
                await self._insist(lambda host, act=act: self._do(host, act))
        await asyncio.gather(*workers)

    def _birth(self) -> Birth:
        return Birth(id=ROOT, name="run", inputs=dict(self.scenario.inputs))

    async def _insist(self, ask: Any) -> None:
        """Ask a living host until one has answered; it is asked from outside, so it dies with the answer."""
        while True:
            host = self.hosts[0]
            if not host.dead:
                asking = asyncio.create_task(ask(host))
                gone = asyncio.create_task(host.gone.wait())
                await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
                if asking.done() and not asking.cancelled():
                    if not isinstance(asking.exception(), WfeError):
                        asking.result()
                        return
                else:
                    asking.cancel()
                    await asyncio.gather(asking, return_exceptions=True)
            await asyncio.sleep(0.1)

    async def _do(self, host: Host, act: Act) -> None:
        if act.what == "publish":
            await host.runtime.publish_event(act.name, act.key, act.payload)
            return
        signals: dict[str, Signal] = {
            "suspend": SuspendRequested(),
            "resume": ResumeRequested(),
            "cancel": CancelRequested(),
        }
        await host.runtime.signal(await self._target(act), signals[act.what])

    async def _target(self, act: Act) -> str:
        found = await self.world.store.resolve(act.to) if act.to else ROOT
        return found or ROOT

    async def _work(self, act: Act) -> None:
        """Fetch an activity, then report; the claim of one whose report got lost expires, and it comes again."""
        while True:
            claim = await self.world.store.claim_activity(act.name, "worker", now=self.world.now())
            if claim is not None:
                await asyncio.sleep(1.0)
                await self._report(claim.token, act)
            await asyncio.sleep(1.0)

    async def _report(self, token: str, act: Act) -> None:
        offer = await self.world.store.close_activity(token, now=self.world.now())
        if offer is not None:
            ended = TaskEnded(
                path=offer.path, attempt=offer.attempt, outcome=TaskOutcome.COMPLETE, outputs=act.payload
            )
            await self._insist(lambda host: host.runtime.signal(offer.instance, ended))

    # -- the end -----------------------------------------------------------------------------------------------

    async def _until_ended(self, tasks: list[asyncio.Task[None]]) -> None:
        while not await self._all_ended():
            self.world.oracles.raise_first()
            for task in tasks:
                if task.done():
                    task.result()
            if asyncio.get_running_loop().time() > LIMIT_SECONDS:
                raise Violation(f"I3: not ended after {LIMIT_SECONDS:.0f} s: {await self._unfinished()}")
            await asyncio.sleep(LOOK_SECONDS)

    async def _all_ended(self) -> bool:
        return ROOT in self.world.oracles.saved and not await self.world.store.unfinished()

    async def _unfinished(self) -> str:
        said = []
        for instance in self.world.oracles.saved.values():
            if not instance.status.is_final:
                live = [f"{p.path} {p.phase} {p.status}" for p in instance.pointers.values()]
                said.append(f"{instance.name} is {instance.status} with {', '.join(live)}")
        return "; ".join(said)

    async def _judge(self) -> Outcome:
        oracles = self.world.oracles
        oracles.raise_first()
        ends = []
        for summary in await self.world.store.list(Query()):
            records = await self.world.store.history(summary.id)
            instance = await self._same_as_stored(summary.id)
            oracles.at_end(instance, {record.seq: record.path for record in records})
            ends += [(f"{summary.name}: {record.path}", record.status.value) for record in records]
        root = oracles.saved[ROOT]
        require(root.status == self.scenario.status, "end", f"{root.status} {root.failure}")
        return Outcome(
            status=root.status,
            data=dict(root.data),
            ends=tuple(sorted(ends)),
            calls=self.world.calls,
            starts=oracles.starts,
            hits=self.faults.hits,
            seconds=asyncio.get_running_loop().time(),
            log=self.world.log,
        )

    async def _same_as_stored(self, instance: str) -> Instance:
        stored = await self.world.store.load(instance)
        assert stored is not None
        require(stored == self.world.oracles.saved[instance], "store", f"{instance} was not stored as saved")
        return stored
