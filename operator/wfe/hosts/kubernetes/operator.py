"""The operator of one replica: its caches, probes and metrics, and its share of the work."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog

from wfe.hosts.kubernetes import shortcomings
from wfe.hosts.kubernetes.archive import Archives
from wfe.hosts.kubernetes.building import Caches, footing_of, valkey_of
from wfe.hosts.kubernetes.clocks import ServerClock
from wfe.hosts.kubernetes.copies.history import History
from wfe.hosts.kubernetes.copies.making import history_of, searched_of
from wfe.hosts.kubernetes.copies.searched import Searched
from wfe.hosts.kubernetes.copies.telling import told
from wfe.hosts.kubernetes.health import Health, Lag
from wfe.hosts.kubernetes.homes import TreeHomes
from wfe.hosts.kubernetes.leasing import Leasing
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.notices import Notices
from wfe.hosts.kubernetes.settings import Settings
from wfe.hosts.kubernetes.shards import Share, group_of
from wfe.hosts.kubernetes.site import site
from wfe.hosts.kubernetes.streams import CountingClient
from wfe.hosts.kubernetes.term import Term, World
from wfe.kube import Access
from wfe.providers.customresource import EventObject, InstanceObject, KubernetesLeases
from wfe.runtime.copies.delivery import Delivery
from wfe.runtime.copies.lag import Lag as CopyLag

log: Any = structlog.get_logger(__name__)
USER_AGENT: Final = "wfe-operator"
SEND_WITHIN: Final = timedelta(seconds=3)


class Operator:
    """Makes the caches, serves the probes, and works its share."""

    def __init__(self, settings: Settings, access: Access) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.client = CountingClient(access, user_agent=USER_AGENT, observe=self.metrics.observe)
        self.clock = ServerClock(self.client.now)
        self.caches = Caches.of(self.client, settings)
        self.notices = Notices(self.client, instance=settings.identity, now=self.client.now)
        self.lag = Lag()
        self.health = Health(self.caches.by_name(), self.lag)
        # A URL that nobody understands is told before anything begins.
        searched_of(settings, Archives(self.client, TreeHomes("")), self.clock)
        history_of(settings, self.client, self.clock)
        self._valkey = valkey_of(settings, now=self.client.now)
        self._term: Term | None = None
        self._works: frozenset[int] = frozenset()
        self._has_lost = asyncio.Event()
        self._copies: Searched | None = None
        self._history: History | None = None
        self.caches.instances.listen(lambda key, _before, after: self._instance_changed(key, after))
        self.caches.events.listen(lambda key, _before, after: self._event_changed(key, after))
        self.caches.workflows.listen(lambda key, _before, _after: self._workflow_changed(key))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect, and serve the probes meanwhile."""
        probes = site(
            self.settings.port,
            live=self.health.live,
            ready=self.health.ready,
            metrics=self.measured,
            detail=self._detail,
        )
        async with probes as port:
            log.info("serving probes and metrics", port=port)
            await self.client.open()
            try:
                yield
            finally:
                if self._valkey is not None:
                    await self._valkey.close()
                await self.client.close()

    async def run(self) -> None:
        """Follow the cluster, and work this replica's share; until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, cache in self.caches.by_name().items():
                group.create_task(cache.run(), name=f"watch {name}")
            group.create_task(self.lag.run(), name="measure the loop")
            group.create_task(self.notices.run(), name="post events")
            group.create_task(shortcomings.tell(self.settings, self.client), name="tell what is missing")
            if self._valkey is not None:
                connecting = Delivery("leases of Valkey", self.clock)
                group.create_task(connecting.persistently(self._valkey.open), name="connect to valkey")
            group.create_task(self._leasing().run(self._work), name="work")

    def _leasing(self) -> Leasing:
        settings, now = self.settings, self.client.now
        cluster, beacon = (
            KubernetesLeases(self.client, settings.home, settings.identity, now=now) for _ in range(2)
        )
        valkey = self._valkey.leases(settings.identity, now=now) if self._valkey is not None else None
        group = group_of(settings.namespaces)
        return Leasing(settings.identity, valkey, cluster, beacon, group=group, told=self._told)

    async def _work(self, share: Share) -> None:
        """Work term after term: one ends when shards were lost, which others work from now on."""
        while True:
            self._has_lost.clear()
            tasks = [
                asyncio.create_task(self._work_on(share), name="term"),
                asyncio.create_task(self._has_lost.wait(), name="lose shards"),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                worked, _ = await asyncio.gather(*tasks, return_exceptions=True)
            if isinstance(worked, Exception):
                raise worked

    async def _work_on(self, share: Share) -> None:
        settings, caches = self.settings, self.caches
        homes = TreeHomes(settings.runner.image)
        archives = Archives(self.client, homes)
        copies = searched_of(settings, archives, self.clock)
        archives.copy = copies
        footing = footing_of(archives, caches, homes, settings, self.metrics, share)
        history = history_of(settings, self.client, self.clock)
        world = World(
            settings, self.client, self.clock, caches, self.metrics, self.notices, share, copies, history
        )
        term = Term(world, homes, footing)
        self._term, self._copies, self._history = term, copies, history
        try:
            await term.run()
        finally:
            self._term = self._copies = self._history = None
            await asyncio.gather(*(one.close(SEND_WITHIN) for one in (copies, history) if one is not None))

    def _told(self, works: frozenset[int]) -> None:
        lost, gained = self._works - works, works - self._works
        self._works = works
        self.metrics.shards.set(len(works))
        log.info(
            "works", shards=len(works), gained=len(gained), lost=len(lost), identity=self.settings.identity
        )
        if lost:
            self._has_lost.set()
        elif self._term is not None:
            self._term.gained(gained)

    def _instance_changed(self, key: tuple[str, str], found: InstanceObject | None) -> None:
        if self._term is not None:
            self._term.instance_changed(key, found)

    def _event_changed(self, key: tuple[str, str], event: EventObject | None) -> None:
        if self._term is not None and event is not None:
            self._term.event_changed(key[0], event)

    def _workflow_changed(self, key: tuple[str, str]) -> None:
        if self._term is not None:
            self._term.workflow_changed(key)

    def _lags(self) -> Mapping[str, CopyLag]:
        lags = {} if self._copies is None else dict(self._copies.lags())
        return lags if self._history is None else {**lags, "history": self._history.lag()}

    def _detail(self) -> Sequence[str]:
        kept = self._term.kept if self._term is not None else 0
        said = [f"{kept} instances are kept past their time until their copies are whole"] if kept else []
        return [*told(self._lags()), *said]

    def measured(self) -> bytes:
        """Return the metrics, those that are looked up brought up to date."""
        phases = Counter(str(found.status.phase or "Pending") for found in self.caches.instances.values())
        self.metrics.instances.clear()
        for phase, number in phases.items():
            self.metrics.instances.labels(phase).set(number)
        for name, cache in self.caches.by_name().items():
            self.metrics.watch_age.labels(name).set(cache.age)
        self.metrics.loop_lag.set(self.lag.most)
        self.metrics.sessions.set(self.client.sessions)
        term = self._term
        for queue, waiting in (term.waiting if term is not None else {}).items():
            self.metrics.queue_depth.labels(queue).set(waiting)
        self.metrics.copies(self._lags())
        self.metrics.rooms.set(len(term.rooms) if term is not None else 0)
        return self.metrics.text()
