"""Gives back the pods of instances that only wait, where neither files nor services would go with them.

An instance may wait for days, and its pod holds memory meanwhile. It goes once its tree has only waited for a while and
is not due soon, if its workspace is a volume or none and it has no services; the next step gets a pod of its own again.
What was written there is kept before. An instance that wakes up in between waits until its pod is gone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from wfe.errors import WfeError
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.model.instance import Instance
from wfe.pods.home import Home
from wfe.pods.needs import Needs, WorkspaceKind

log: Any = structlog.get_logger(__name__)
LOOK_EVERY: Final = 5.0
GONE_EVERY: Final = 0.1


class Givers(Protocol):
    """What gives the pod of a tree back."""

    async def keep_tree(self, place: Place, instance: Instance) -> None:
        """Keep what was written there."""
        ...


class Runners(Protocol):
    """The pods of trees."""

    async def release(self, root: str) -> None:
        """Delete the pod of a tree."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """An instance that only waits: since when, and whether it still does, and here."""

    place: Place
    instance: Instance
    since: datetime
    is_parked: Callable[[str], bool]


def may_rest(needs: Needs) -> bool:
    """Whether an instance can go on in another pod as if it were the same."""
    return needs.workspace.kind is not WorkspaceKind.POD and not needs.services


@dataclass(slots=True)
class Rests:
    """The instances that only wait and have a pod.

    Attributes:
        after: how long an instance waits before its pod goes.
        has_pod: tells whether a tree has a pod that new steps would run in.
        leaving: the roots of the trees whose pods are just going.
    """

    runner: Runners
    keeper: Givers
    homes: TreeHomes
    after: timedelta
    now: Callable[[], datetime]
    has_pod: Callable[[str], bool]
    leaving: set[str] = field(default_factory=set)
    _waiting: dict[str, Waiting] = field(default_factory=dict)

    def begins(
        self,
        place: Place,
        home: Home,
        instance: Instance,
        *,
        due: datetime | None,
        is_parked: Callable[[str], bool],
    ) -> None:
        """An instance only waits from now on.

        Args:
            place, home: where it is, and where its processes ran.
            instance: as it was saved last.
            due: when it goes on by itself.
            is_parked: tells whether an instance still waits, and is still ours.
        """
        if home.root != instance.id or instance.incarnation is None or not may_rest(home.needs):
            return
        now = self.now()
        # A pod that is needed again soon is not worth a new one.
        if due is None or due - now > 2 * self.after:
            self._waiting[instance.id] = Waiting(place, instance, now, is_parked)

    def ends(self, instance: str) -> None:
        """An instance goes on, or is gone."""
        self._waiting.pop(instance, None)

    async def run(self) -> None:
        """Give back what has rested long enough, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(min(LOOK_EVERY, max(GONE_EVERY, self.after.total_seconds())))

    async def look(self) -> None:
        """Give back the pods of those that have waited long enough."""
        now = self.now()
        for one in [one for one in self._waiting.values() if now - one.since >= self.after]:
            if self._waiting.get(one.instance.id) is not one:
                continue  # it went on while another was looked at
            if not one.is_parked(one.instance.id) or not self.has_pod(one.instance.id):
                self.ends(one.instance.id)
                continue
            try:
                await self._give_back(one)
            except WfeError as error:
                log.warning("a pod that rests is not given back yet", error=str(error))

    async def _give_back(self, one: Waiting) -> None:
        root = one.instance.id
        self.leaving.add(root)
        try:
            await self.keeper.keep_tree(one.place, one.instance)
            await self.runner.release(root)
            while self.has_pod(root):  # noqa: ASYNC110 - the news of it is under way
                await asyncio.sleep(GONE_EVERY)
        finally:
            self.leaving.discard(root)
            if self._waiting.get(root) is one:
                # Nobody drives it: hold nothing of it.
                self.homes.forget([root])
        if self._waiting.get(root) is one:
            self.ends(root)
        log.info(
            "pod given back, its instance waits", namespace=one.place.namespace, instance=one.instance.name
        )
