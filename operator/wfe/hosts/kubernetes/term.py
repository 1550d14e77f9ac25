"""One term: the rooms, the queues and the executors that work on the share of this replica, until that becomes less.

When the term ends, everything in it lets go: what runs in pods runs on, and the next term finds it, or that of another
replica. So what is given away needs no words of its own: it is what happens when a process dies.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any, Final

import structlog

from wfe.definition import graph_from_source
from wfe.errors import WfeError
from wfe.expr.duration import parse_duration
from wfe.hosts.kubernetes import shards
from wfe.hosts.kubernetes.beginnings import Beginnings
from wfe.hosts.kubernetes.building import Caches, pod_settings
from wfe.hosts.kubernetes.carrier import Carrier
from wfe.hosts.kubernetes.copies.comparing import Comparing
from wfe.hosts.kubernetes.copies.ended import EndedInstances
from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.driving import driver_type
from wfe.hosts.kubernetes.ground import Grounds, RoomGround, Wait
from wfe.hosts.kubernetes.heritage import Heritage
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.news import News
from wfe.hosts.kubernetes.notices import Notices
from wfe.hosts.kubernetes.observing import root_of
from wfe.hosts.kubernetes.placing import HomePlanner, NoCallables
from wfe.hosts.kubernetes.rooms import Room, Rooms
from wfe.hosts.kubernetes.settings import Settings
from wfe.hosts.kubernetes.shards import Share
from wfe.hosts.kubernetes.sweeping import FIRST_AGAIN, Ended, Sweeper
from wfe.hosts.kubernetes.timing import timed
from wfe.hosts.kubernetes.workflows import Workflows
from wfe.kube import Client, WorkQueue
from wfe.model.instance import Instance
from wfe.ports.clock import Clock
from wfe.providers.customresource import CustomResourceStore, EventObject, InstanceObject
from wfe.providers.memory import LeaseTable, MemoryLeases
from wfe.runtime.definitions import Definitions
from wfe.runtime.nursery import Nursery
from wfe.runtime.runtime import Runtime
from wfe.runtime.tasks import Executors, TaskRunner

log: Any = structlog.get_logger(__name__)
Key = tuple[str, str]
PARK_AFTER: Final = timedelta(seconds=5)
ORPHANS_EVERY: Final = 60.0


@dataclass(slots=True)
class World:
    """What a term works with: all but the copies outlives it.

    Attributes:
        share: which instances are worked here.
    """

    settings: Settings
    client: Client
    clock: Clock
    caches: Caches
    metrics: Metrics
    notices: Notices
    share: Share
    copies: Searched | None = None
    history: History | None = None


class Term:
    """Works on the share of this replica, until it is cancelled."""

    def __init__(self, world: World, homes: TreeHomes, footing: Grounds) -> None:
        self._world = world
        self._queue: WorkQueue[Key] = WorkQueue()
        self._workflow_queue: WorkQueue[Key] = WorkQueue()
        self._report_queue: WorkQueue[str] = WorkQueue()
        self._identity = f"{world.settings.identity}-{token_hex(4)}"
        self._table = LeaseTable()
        self._nursery = Nursery()
        self._homes = homes
        self._planner = HomePlanner(homes, pod_settings(world.settings.runner))
        self._footing = footing
        client, caches = world.client, world.caches
        is_first = self._is_first = partial(shards.is_first, world.share)
        self.rooms = Rooms(self._room, self._broke)
        self._workflows = Workflows(client, caches.workflows, is_first, self._judged)
        self._sweeper = Sweeper(
            client,
            self.rooms,
            world.settings.namespaces,
            world.settings.defaults.ttl_after_finished,
            parse_duration(world.settings.defaults.event_life),
            parse_duration(world.settings.defaults.definition_life),
            is_first,
        )
        self._comparing = _comparing_of(world)
        self._sweeper.is_copied = self._is_copied
        self._carrier = Carrier(
            client,
            caches.instances,
            self._queue,
            self.rooms,
            Beginnings(self._workflows, self._homes, Heritage(client)),
            self._homes,
            world.notices,
            world.share,
            self._finished,
            self._comparing.is_mirrored if self._comparing is not None else None,
        )

    # -- what the caches tell ----------------------------------------------------------------------------------

    def instance_changed(self, key: Key, found: InstanceObject | None) -> None:
        """Look at an instance that changed, or is gone; other replicas look at most of them."""
        if found is None or self._works(found):
            self._queue.add(key)

    def _works(self, found: InstanceObject) -> bool:
        return self._world.share.works(root_of(found))

    def _look_at(self, found: InstanceObject) -> None:
        self._queue.add((found.metadata.namespace, found.metadata.name))

    def workflow_changed(self, key: Key) -> None:
        self._workflow_queue.add(key)

    def event_changed(self, namespace: str, event: EventObject) -> None:
        if isinstance(event.spec.activity, dict):
            self._report_queue.add(namespace)
        elif self._comparing is not None:
            self._comparing.tell(event)

    def gained(self, more: frozenset[int]) -> None:
        """Look at what has become this replica's: shards that nobody works any more."""
        caches = self._world.caches
        for instance in caches.instances.values():
            if shards.shard_of(root_of(instance)) in more:
                self._look_at(instance)
        if shards.FIRST in more:
            self._look_at_what_is_done_once()
        if self._world.history is not None:
            # Whoever had them before may not have put all of it.
            self._world.history.came_back.set()

    def _look_at_what_is_done_once(self) -> None:
        caches = self._world.caches
        for workflow in caches.workflows.values():
            self.workflow_changed((workflow.metadata.namespace, workflow.metadata.name))
        for event in caches.events.values():
            self.event_changed(event.metadata.namespace, event)

    @property
    def waiting(self) -> dict[str, int]:
        """How many objects wait to be looked at."""
        return {"instances": len(self._queue), "workflows": len(self._workflow_queue)}

    @property
    def kept(self) -> int:
        """How many instances are kept past their time, since not all of them is copied yet."""
        return self._sweeper.kept

    # -- work --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work, until cancelled."""
        caches = self._world.caches
        for cache in caches.by_name().values():
            await cache.synced.wait()
        self._look_at_what_is_done_once()
        for instance in caches.instances.values():
            self._look_at(instance)
        metrics = self._world.metrics
        try:
            async with asyncio.TaskGroup() as group:
                workers = self._world.settings.workers
                look = timed(metrics, "instances", self._carrier.look)
                group.create_task(self._queue.run(look, workers=workers), name="instances")
                judge = timed(metrics, "workflows", self._workflows.look)
                group.create_task(self._workflow_queue.run(judge, workers=2), name="workflows")
                group.create_task(self._report_queue.run(self._take_reports, workers=2), name="reports")
                group.create_task(self._sweeper.run(), name="sweep")
                group.create_task(self._footing.tend(), name="tend the pool")
                group.create_task(self._release_orphans(), name="release orphans")
                self._copy(group)
        finally:
            await self._close()

    def _copy(self, group: asyncio.TaskGroup) -> None:
        copies, world = self._world.copies, self._world
        if copies is not None:
            group.create_task(copies.run(), name="send copies")
            ended = EndedInstances(
                world.client, world.settings.namespaces, copies, self._place, world.share.works
            )
            group.create_task(ended.run(), name="compare copies")
        if self._comparing is not None:
            group.create_task(self._comparing.run(), name="keep history")

    async def _is_copied(self, namespace: str, name: str, uid: str) -> bool:
        copies = self._world.copies
        if copies is not None and not await copies.has_end_of(uid):
            return False
        return self._comparing is None or await self._comparing.has_tree(namespace, name, uid)

    async def _place(self, namespace: str) -> Place:
        return (await self.rooms.enter(namespace)).place

    async def _close(self) -> None:
        await self.rooms.close()
        await self._nursery.close()
        await self._footing.close()

    async def _take_reports(self, namespace: str) -> None:
        """Hand the reports of outside workers to the instances that wait for them, whoever works those."""
        if not self._is_first():
            return

        def refused(name: str, why: str) -> None:
            log.warning("report refused", namespace=namespace, report=name, why=why)

        room = await self.rooms.enter(namespace)
        await room.store.take_reports(now=self._world.clock.now(), refused=refused)

    async def _release_orphans(self) -> None:
        while True:
            while not self._is_first():  # noqa: ASYNC110 - it may become so at any time
                await asyncio.sleep(FIRST_AGAIN)
            known = {found.metadata.uid for found in self._world.caches.instances.values()}
            try:
                await self._footing.release_orphans(known)
            except WfeError as error:
                log.warning("orphans were not released", error=str(error))
            await asyncio.sleep(ORPHANS_EVERY)

    # -- rooms -------------------------------------------------------------------------------------------------

    def _store(self, namespace: str) -> CustomResourceStore:
        world = self._world
        store = CustomResourceStore(
            world.client,
            namespace,
            instances=world.caches.instances,
            events=world.caches.events,
            identity=f"{self._identity}-{token_hex(4)}",
            event_life=parse_duration(world.settings.defaults.event_life),
        )
        store.hold_only(self._works)
        if self._comparing is not None:
            store.saved = self._comparing.hears(namespace)
        return store

    def _room(self, namespace: str) -> Room:
        world = self._world
        store = self._store(namespace)
        definitions = Definitions(store, graph_from_source)
        place = Place(namespace, store, definitions)
        nursery = Nursery()
        executors = Executors(self._footing.executor, NoCallables(world.clock.now))
        tasks = TaskRunner(executors, nursery, world.settings.max_tasks, self._planner)
        leases = MemoryLeases(self._table, self._identity, now=world.clock.now)

        async def prepare(instance: Instance) -> None:
            self._footing.goes_on(instance.id)
            if world.copies is not None:
                world.copies.meet(place, instance)
            await self._homes.learn(place, instance)

        def left(instance: Instance, due: datetime | None) -> None:
            if not instance.status.is_final:
                # It only waits; its home is found out again when it goes on.
                self._footing.waits(place, instance, Wait(due, runtime.is_parked), self._later)
                store.rest(instance.id)

        def held_up(instance: str, error: Exception) -> None:
            self._carrier.held_up(room, instance, error)

        def broke(instance: str, error: Exception) -> None:
            self._carrier.broke(room, instance, error)

        runtime = Runtime(
            store,
            leases,
            world.clock,
            definitions,
            tasks,
            nursery,
            driver_type=driver_type(prepare, left, held_up, broke),
            park_after=PARK_AFTER,
        )
        room = Room(namespace, store, runtime, RoomGround(self._footing, place, world.copies))
        news = News(room, world.caches.instances, world.notices, world.metrics)
        runtime.listeners.append(news.heard)
        runtime.listeners.append(lambda instance, change: self._footing.saved(instance, change, self._later))
        if (copies := world.copies) is not None:
            runtime.listeners.append(lambda instance, change: copies.heard(place, instance, change))
        return room

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        async def carefully() -> None:
            try:
                await work
            except WfeError as error:
                log.warning("something is left to be done again", error=str(error))

        self._nursery.start(carefully(), name="later")

    def _broke(self, room: Room) -> None:
        """A room is gone with all that it noted: look at everything in its namespace again."""
        for found in self._world.caches.instances.values():
            if found.metadata.namespace == room.namespace:
                self._look_at(found)

    def _judged(self, namespace: str) -> None:
        """A Workflow was read: what could not begin may be able to now."""
        room = self.rooms.get(namespace)
        for name in list(room.refused) if room is not None else ():
            self._queue.add((namespace, name))

    def _finished(self, found: InstanceObject) -> None:
        self._later(self._note_end(found))

    async def _note_end(self, found: InstanceObject) -> None:
        if found.spec.parent is not None:
            return
        status = found.status
        workflow = status.workflow if isinstance(status.workflow, dict) else {}
        ended = Ended(
            found.metadata.namespace,
            found.metadata.name,
            found.metadata.uid,
            str(status.phase),
            str(status.finished_at or ""),
            found.spec.ttl_after_finished,
            str(workflow.get("digest") or ""),
        )
        self._sweeper.note(ended, await self._sweeper.retention(ended))


def _comparing_of(world: World) -> Comparing | None:
    if world.history is None:
        return None
    caches = world.caches
    return Comparing(
        world.client, world.settings.namespaces, caches.instances, caches.events, world.history, world.share
    )
