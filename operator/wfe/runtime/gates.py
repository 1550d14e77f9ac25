"""Gates: an instance of a workflow with `concurrency` begins when its group has a place for it.

A place is taken by a compare-and-swap before the instance begins, and given back after its end is saved. A host
that dies in between leaves a holder that has ended, or is gone: whoever finds the group full looks for those. So a
limit holds whoever dies, and nobody waits for the dead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from typing import Final

from wfe.engine import ScopeNames
from wfe.errors import Conflict, NotFound, Permanent
from wfe.expr.template import render
from wfe.graph.graph import Graph
from wfe.model.concurrency import Concurrency, Group, Policy
from wfe.model.failure import Failure, Reason
from wfe.model.instance import ROOT, Instance, Scope
from wfe.model.signals import CancelRequested, FailRequested, Signal
from wfe.ports.clock import Clock
from wfe.ports.store import Store
from wfe.runtime.driver import Driver
from wfe.runtime.patience import persistently

# Those who leave tell; this is for those who could not.
LOOK_EVERY: Final = timedelta(seconds=5)


class Turn(Enum):
    """Whether an instance may begin."""

    NOW = auto()
    LATER = auto()
    NEVER = auto()


@dataclass(slots=True)
class Gates:
    """The gates of a host. `signal` gives a signal to any instance of the store."""

    store: Store
    clock: Clock
    signal: Callable[[str, Signal], Awaitable[None]]
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """Somebody may have left a group."""
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def open(self, driver: Driver) -> None:
        """Wait for an instance's turn, and let its driver begin, or end it if there will be none."""
        rule, instance = driver.graph.concurrency, driver.instance
        if rule is None or instance.started_at is not None:
            return
        try:
            key = key_of(driver.graph, instance)
        except Permanent as error:
            driver.tell(FailRequested(failure=Failure(reason=Reason.CONFIG_INVALID, message=str(error))))
            return
        replaced: set[str] = set()
        while True:
            stirred = self._stirred
            turn, older = await persistently(self.clock, partial(self._enter, rule, key, instance))
            match turn:
                case Turn.NOW:
                    driver.may_begin()
                    return
                case Turn.NEVER:
                    driver.tell(
                        CancelRequested(reason=f"skipped: another instance runs in concurrency group `{key}`")
                    )
                    return
                case Turn.LATER:
                    await self._replace(instance, key, [one for one in older if one not in replaced])
                    replaced.update(older)
                    await self._pause(stirred)

    async def leave(self, graph: Graph, instance: Instance) -> None:
        """Give the place of an instance that has ended to whoever is next."""
        if graph.concurrency is None:
            return
        key = key_of(graph, instance)
        while True:
            group = await self.store.group(key)
            try:
                await self.store.put_group(key, group, group.without({instance.id}))
            except Conflict:
                continue
            self.stir()
            return

    async def _enter(self, rule: Concurrency, key: str, instance: Instance) -> tuple[Turn, Collection[str]]:
        while True:
            group = await self.store.group(key)
            after = group.joined(instance.id, rule.limit)
            if instance.id not in after.holders:
                gone = await self._gone(group, instance.id)
                after = group.without(gone).joined(instance.id, rule.limit)
            holds = instance.id in after.holders
            if not holds and rule.policy is Policy.SKIP:
                return Turn.NEVER, ()
            try:
                await self.store.put_group(key, group, after)
            except Conflict:
                continue
            older = after.older(instance.id, rule.limit) if rule.policy is Policy.REPLACE else ()
            return (Turn.NOW if holds else Turn.LATER), older

    async def _gone(self, group: Group, me: str) -> frozenset[str]:
        """Return the members that have ended, or were deleted."""
        gone = set()
        for member in group.members:
            found = None if member == me else await self.store.load(member)
            if member != me and (found is None or found.status.is_final):
                gone.add(member)
        return frozenset(gone)

    async def _replace(self, instance: Instance, key: str, older: Collection[str]) -> None:
        why = CancelRequested(reason=f"replaced by `{instance.name}` in concurrency group `{key}`")
        for one in older:
            try:
                await persistently(self.clock, partial(self.signal, one, why))
            except NotFound:
                continue

    async def _pause(self, stirred: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                await stirred.wait()
        except TimeoutError:
            pass


def key_of(graph: Graph, instance: Instance) -> str:
    """Return the key of an instance's concurrency group; it is made of what the instance began with."""
    written = graph.concurrency.key if graph.concurrency else ""
    # Not its data of now: an output may have an input's name.
    scope = Scope(parent=None, data=instance.inputs)
    return str(render(written, ScopeNames(scopes={ROOT: scope}, scope=ROOT, variables=instance.variables)))
