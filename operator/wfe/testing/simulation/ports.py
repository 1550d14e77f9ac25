"""The ports of one simulated host. Every call is a chance for a fault, before it has its effect and after."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from wfe.errors import StoreUnavailable
from wfe.model.decision import Decision
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.signals import TaskEnded, TaskOutcome
from wfe.model.task import ProcessTask, Task
from wfe.ports.store import Published
from wfe.providers.memory import MemoryLeases
from wfe.runtime.trees import root_of
from wfe.testing.simulation.faults import Fault, Side
from wfe.testing.simulation.world import Claim, Mortal, World

T = TypeVar("T")
OTHERS_ARE_HEARD_AFTER = 0.1
WRITES = frozenset({"post", "publish", "offer", "withdraw", "put_definition"})


class Gate:
    """The door between a host and the world."""

    def __init__(self, host: Mortal, world: World) -> None:
        self.host = host
        self.world = world

    async def call(self, name: str, effect: Callable[[], Awaitable[T]]) -> T:
        """Let a call through to the world, or not, or not its answer."""
        await self._alive()
        self.world.calls += 1
        number = self.world.calls
        latency = self.world.faults.latency()
        if latency:
            await asyncio.sleep(latency / 2)
        await self._fault(number, name, "before")
        answer = await effect()
        if latency:
            await asyncio.sleep(latency / 2)
        await self._fault(number, name, "after")
        return answer

    def note(self, said: str) -> None:
        self.world.note(f"{self.host.name}: {said}")

    async def _alive(self) -> None:
        if self.host.dead:
            # A process that is gone does nothing more, not even tidy up.
            raise asyncio.CancelledError

    async def _fault(self, number: int, name: str, side: Side) -> None:
        await self._alive()
        match self.world.faults.at(number, name, side):
            case Fault.CRASH:
                self.note(f"crash {side} call {number}, {name}")
                self.host.crash()
                await asyncio.get_running_loop().create_future()
            case Fault.UNAVAILABLE:
                self.note(f"unavailable {side} call {number}, {name}")
                raise StoreUnavailable(f"simulated, {side} {name}")
            case Fault.CONFLICT:
                raise _Overtaken


class _Overtaken(Exception):
    """Somebody else saves first."""


class SimulatedStore:
    """The world's store as one host reaches it. Methods that are not here go through unchanged, as calls."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._world = gate.world
        self._heard = asyncio.Event()
        self._world.listeners.append(self._heard)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method = getattr(self._world.store, name)

        async def called(*arguments: Any, **options: Any) -> Any:
            if name == "post":
                self._gate.note(f"post {arguments}")
            answer = await self._gate.call(f"store.{name}", lambda: method(*arguments, **options))
            if name in WRITES:
                self._world.stir()
            return answer

        return called

    async def create(self, decision: Decision) -> bool:
        return await self._gate.call("store.create", lambda: self._create(decision))

    async def _create(self, decision: Decision) -> bool:
        created = await self._world.store.create(decision)
        if created:
            self._world.oracles.on_write(decision, self._world.now())
            self._gate.note(f"create {decision.instance.name}")
            self._world.stir()
        return created

    async def save(self, decision: Decision, *, consumed: Sequence[int] = ()) -> None:
        try:
            await self._gate.call("store.save", lambda: self._save(decision, consumed))
        except _Overtaken:
            await self._overtake(decision.instance)
            await self._save(decision, consumed)

    async def _save(self, decision: Decision, consumed: Sequence[int]) -> None:
        await self._world.store.save(decision, consumed=consumed)
        self._world.oracles.on_write(decision, self._world.now())
        self._gate.note(f"save {decision.instance.name} {decision.instance.revision}: {_said(decision)}")
        self._world.stir()

    async def _overtake(self, instance: Instance) -> None:
        """Another host consumes stale mail, say."""
        stored = await self._world.store.load(instance.id)
        if stored is not None and not stored.status.is_final:
            await self._save(Decision(instance=replace(stored, revision=stored.revision + 1)), ())

    async def changes(self) -> Published:
        await self._heard.wait()
        await asyncio.sleep(OTHERS_ARE_HEARD_AFTER)
        self._heard.clear()
        return None


def _said(decision: Decision) -> str:
    commands = ", ".join(f"{type(command).__name__} {command.path}" for command in decision.commands)
    ended = ", ".join(f"{record.path} {record.status}" for record in decision.records)
    return f"{decision.instance.status}; {ended or '-'}; {commands or '-'}"


class SimulatedExecutor:
    """Runs tasks in the world, where they outlive the host."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._world = gate.world

    @property
    def admits(self) -> bool:
        return self._world.scenario.pods

    def place(self, instance: Instance | None) -> str:
        if not self.admits:
            return self._world.incarnation
        return self._world.pods.get(root_of(instance), "") if instance else ""

    def takes(self, task: ProcessTask, incarnation: str) -> bool:  # noqa: ARG002
        return self._world.is_there(incarnation)

    async def admit(self, task: ProcessTask, instance: Instance) -> str:  # noqa: ARG002
        async def admit() -> str:
            return self._world.pod(root_of(instance))

        return await self._gate.call("executor.admit", admit)

    def expect(self, task: ProcessTask, incarnation: str) -> None: ...

    async def run(self, task: Task, incarnation: str = "") -> TaskEnded:
        # A start carries the incarnation that was saved; another one refuses it.
        async def start() -> Claim | None:
            is_here = not isinstance(task, ProcessTask) or self._world.is_there(incarnation)
            return self._world.claim(task.key) if is_here else None

        claim = await self._gate.call("executor.run", start)
        if claim is None:
            return TaskEnded(path=task.key.path, attempt=task.key.attempt, outcome=TaskOutcome.LOST)
        ended = await asyncio.shield(claim.end)
        claim.told.append(self._gate.host)
        await self._gate.call("executor.ended", _nothing)
        return ended

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:  # noqa: ARG002
        async def kill() -> None:
            self._world.kill(key)

        await self._gate.call("executor.kill", kill)

    async def close(self, grace: timedelta) -> None: ...


async def _nothing() -> None: ...


class SimulatedLeases:
    """Leases that may lie: two hosts are told that they hold the same."""

    def __init__(self, gate: Gate, holder: str) -> None:
        self._gate = gate
        self._real = MemoryLeases(gate.world.leases, holder, now=gate.world.now)

    async def acquire(self, key: str, ttl: timedelta) -> int | None:
        token = await self._gate.call("leases.acquire", lambda: self._real.acquire(key, ttl))
        return 1 if token is None and self._gate.world.faults.leases_lie() else token

    async def renew(self, ttl: timedelta) -> Sequence[str]:
        lost = await self._gate.call("leases.renew", lambda: self._real.renew(ttl))
        return [] if self._gate.world.faults.leases_lie() else lost

    async def release(self, key: str) -> None:
        await self._gate.call("leases.release", lambda: self._real.release(key))

    async def holder(self, key: str) -> str | None:
        return await self._gate.call("leases.holder", lambda: self._real.holder(key))

    async def holders(self, prefix: str) -> Mapping[str, str]:
        return await self._gate.call("leases.holders", lambda: self._real.holders(prefix))


class SimulatedClock:
    """The loop's time, and the world's dice."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()

    async def sleep_until(self, when: datetime) -> None:
        while (left := when - self.now()) > timedelta():  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(left.total_seconds())

    def jitter(self) -> float:
        return self._world.random.random()

    def new_id(self) -> str:
        return f"{self._world.random.getrandbits(128):032x}"
