"""Rooms: one for each namespace in use, made when something is to be done there.

A room has a store and a runtime, and what the operator has noted about the instances in it. It is dropped when
nothing has been in it for a while; a namespace that is deleted empties its room by itself. What breaks one room is
told to its owner, and every other room goes on.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wfe.hosts.kubernetes.homes import EpochStore, Place
from wfe.model.instance import Instance
from wfe.runtime.runtime import Runtime

log = logging.getLogger(__name__)


class RoomStore(EpochStore, Protocol):
    """The store of a namespace, and what a host tells it besides."""

    async def settle(self, instance: str, *, mirrored: bool | None = None) -> None:
        """Say that nothing is left to do for an instance that has ended: the last write to it.

        Args:
            mirrored: whether the history has all of it; None where there is no history.
        """
        ...

    async def refuse(self, name: str, reason: str, message: str, *, uid: str) -> None:
        """Say why the instance of the object with that name and uid cannot begin."""
        ...

    async def never_begin(self, name: str, *, uid: str, generation: int) -> bool:
        """End an instance before it begins. False if it has begun, or its object changed, meanwhile."""
        ...

    async def take_reports(self, *, now: datetime, refused: Callable[[str, str], None]) -> int:
        """Hand reports of activities to their instances; tell why others are refused."""
        ...

    def rest(self, instance: str) -> None:
        """Nobody works on an instance for now: hold nothing of it that can be read again."""
        ...

    def observe(self, instance: str, *, generation: int, resumes: int = 0) -> None:
        """Take note which spec has been acted on; the next save says so."""
        ...


class Ground(Protocol):
    """What the steps of a namespace stand on."""

    async def clear(self, instance: Instance) -> None:
        """Keep the log of an instance that has ended with its object, and give back what its steps had."""
        ...

    async def forget(self, instance: str) -> None:
        """An instance is gone: give back what it had, and keep nothing."""
        ...


@dataclass(slots=True)
class Room:
    """One namespace.

    Attributes:
        ids: the instances that were taken note of, by the names of their objects.
        refused: why objects cannot begin as things are, by their names.
        resumed: how often each instance has been told to resume.
        awaited: names of children that have ended and are to be read, by the ids of their parents.
        finishing: what is being done for instances that have ended, by their ids.
        failures: how often each instance could not be driven in a row.
    """

    namespace: str
    store: RoomStore
    runtime: Runtime
    ground: Ground
    ids: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    resumed: dict[str, int] = field(default_factory=dict)
    awaited: dict[str, set[str]] = field(default_factory=dict)
    finishing: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        return Place(self.namespace, self.store, self.runtime.definitions)

    @property
    def is_empty(self) -> bool:
        return not self.ids and not self.refused

    def name_of(self, instance: str) -> str | None:
        """Return the name of an instance's object."""
        return next((name for name, known in self.ids.items() if known == instance), None)

    def forget(self, name: str) -> None:
        """Take an instance out of the notes."""
        self.refused.pop(name, None)
        instance = self.ids.pop(name, None)
        if instance is not None:
            self.resumed.pop(instance, None)
            self.failures.pop(instance, None)

    async def open(self) -> None:
        await self.store.open()
        self.runtime.open()

    async def close(self) -> None:
        """Let go of everything; what runs goes on, and is found again."""
        try:
            for task in self.finishing.values():
                task.cancel()
            await self.runtime.close()
        finally:
            await self.store.close()


class Rooms:
    """The rooms of one term. `broke` is told of a room that was dropped because it broke."""

    def __init__(self, make: Callable[[str], Room], broke: Callable[[Room], None]) -> None:
        self._make = make
        self._broke = broke
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._open: dict[str, Room] = {}
        self._guards: dict[str, asyncio.Task[None]] = {}
        # Rooms in which nothing was at the last look, and which nobody has entered since.
        self._unused: set[str] = set()

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Room]:
        return list(self._open.values())

    def get(self, namespace: str) -> Room | None:
        """Return the room of a namespace, if there is one."""
        return self._open.get(namespace)

    async def enter(self, namespace: str) -> Room:
        """Return the room of a namespace; made and opened by the first who enters."""
        self._unused.discard(namespace)
        if (room := self._open.get(namespace)) is not None:
            return room
        if namespace not in self._opening:
            self._opening[namespace] = asyncio.create_task(self._opened(namespace), name=f"open {namespace}")
        return await asyncio.shield(self._opening[namespace])

    async def _opened(self, namespace: str) -> Room:
        try:
            room = self._make(namespace)
            await room.open()
            self._open[namespace] = room
            self._guards[namespace] = asyncio.create_task(self._guard(room), name=f"guard {namespace}")
        finally:
            del self._opening[namespace]
        return room

    async def _guard(self, room: Room) -> None:
        """Drop a room that breaks: its watching has failed in a way that nobody has thought of."""
        try:
            await room.runtime.nursery.broken()
        except Exception:
            log.exception("the room of namespace %s broke, and is made anew", room.namespace)
        self._guards.pop(room.namespace, None)
        await self._drop(room)
        self._broke(room)

    async def drop_empty(self) -> None:
        """Close the rooms in which nothing was at the last look either.

        Whoever has just entered one has yet to put something in.
        """
        for room in self.all():
            if not room.is_empty:
                self._unused.discard(room.namespace)
            elif room.namespace not in self._unused:
                self._unused.add(room.namespace)
            else:
                self._unused.discard(room.namespace)
                if (guard := self._guards.pop(room.namespace, None)) is not None:
                    guard.cancel()
                await self._drop(room)

    async def _drop(self, room: Room) -> None:
        if self._open.get(room.namespace) is room:
            del self._open[room.namespace]
        await room.close()

    async def close(self) -> None:
        """Close every room."""
        for task in (*self._opening.values(), *self._guards.values()):
            task.cancel()
        rooms, self._open = list(self._open.values()), {}
        results = await asyncio.gather(*(room.close() for room in rooms), return_exceptions=True)
        for room, result in zip(rooms, results, strict=True):
            if isinstance(result, Exception):
                log.error("the room of namespace %s did not close: %s", room.namespace, result)
