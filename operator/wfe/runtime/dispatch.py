"""Carrying out commands, one `match`; answers come back through the driver that gave the command."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

from wfe.model import commands as c
from wfe.model.instance import Instance
from wfe.ports.clock import Clock
from wfe.ports.store import ActivityOffer, Store
from wfe.runtime.children import Children
from wfe.runtime.driver import Driver
from wfe.runtime.events import Waiters
from wfe.runtime.nursery import Nursery
from wfe.runtime.patience import persistently
from wfe.runtime.tasks import TaskRunner


@dataclass(slots=True)
class Dispatch:
    """Carries out the commands of every driver of a host."""

    store: Store
    clock: Clock
    nursery: Nursery
    tasks: TaskRunner
    waiters: Waiters
    children: Children
    _followed: dict[str, dict[str, asyncio.Task[None]]] = field(default_factory=lambda: defaultdict(dict))

    def dispatch(self, driver: Driver, command: c.Command) -> None:
        """Carry out a command; the same one again changes nothing."""
        match command:
            case c.StartTask():
                self.tasks.start(driver.graph, driver.instance, command, driver.tell)
            case c.KillTask():
                self.tasks.kill(driver.instance, command)
            case c.AwaitEvent():
                key = self.waiters.add(driver.instance.id, command, driver.tell)
                self._later(driver, lambda: self.waiters.look(key))
            case c.StartChild():
                self._follow(driver, command)
            case c.CancelChild() | c.SuspendChild() | c.ResumeChild():
                self._later(driver, lambda: self.children.adjust(driver, command.path, command.child))
            case c.OfferActivity():
                self._later(driver, lambda: self._offer(driver, command))
            case c.Withdraw(path=path, attempt=attempt):
                self.waiters.remove(driver.instance.id, path, attempt)
                self._later(driver, lambda: self.store.withdraw(driver.instance.id, path, attempt))
            case _:
                assert_never(command)

    def forget(self, instance: str) -> None:
        """Let go of an instance that this host no longer drives."""
        self.waiters.forget(instance)
        self.tasks.detach(instance)
        for task in self._followed.pop(instance, {}).values():
            task.cancel()

    def leave(self, instance: str, wake: Callable[[str], object]) -> None:
        """An instance only waits: whatever it waits for wakes it, and nothing more is kept of it."""
        self._followed.pop(instance, None)
        for key in self.waiters.hand_over(instance, wake):
            self.nursery.start(
                persistently(self.clock, partial(self.waiters.look, key)), name="look for an event"
            )

    def _later(self, driver: Driver, work: Callable[[], Awaitable[object]]) -> asyncio.Task[None]:
        return self.nursery.start(self._carefully(driver, work), name="dispatch")

    async def _carefully(self, driver: Driver, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await persistently(self.clock, work)
        except Exception as error:  # noqa: BLE001 - it is that instance's, and no other's
            driver.give_up(error)

    def _follow(self, driver: Driver, command: c.StartChild) -> None:
        following = self._followed[driver.instance.id]
        known = following.get(command.child)
        if known is not None and not known.done():
            self._later(driver, lambda: self.children.adjust(driver, command.path, command.child))
        else:
            following[command.child] = self._later(driver, lambda: self.children.follow(driver, command))

    async def _offer(self, driver: Driver, command: c.OfferActivity) -> None:
        await self.store.offer(_offer(driver.instance, command))
        pointer = driver.instance.pointers.get(command.path)
        if pointer is None or pointer.attempt != command.attempt or pointer.stop is not None:
            # It was withdrawn while it was being offered.
            await self.store.withdraw(driver.instance.id, command.path, command.attempt)


def _offer(instance: Instance, command: c.OfferActivity) -> ActivityOffer:
    return ActivityOffer(
        instance=instance.id,
        path=command.path,
        attempt=command.attempt,
        name=command.name,
        params=command.params,
        claim=command.claim,
    )
