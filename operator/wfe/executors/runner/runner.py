"""A runner pod in use: whether steps can run in it now, and if not, whether they ever will."""

import asyncio
from collections.abc import Callable
from typing import Final

from wfe.errors import WfeError
from wfe.executors.runner.errors import ContainerStuck, PodGone
from wfe.executors.runner.homes import Homes, RunnerSettings
from wfe.executors.runner.patience import patiently
from wfe.executors.runner.pods import Pods
from wfe.executors.runner.seen import (
    Blocked,
    Coming,
    NotReady,
    Over,
    Seen,
    Unscheduled,
    Up,
    look,
    may_be_alive,
    why_gone,
)
from wfe.executors.runner.shapes import RunnerPod
from wfe.kube import ApiError, ApiForbidden, ApiNotFound, Client
from wfe.kube.resource import EVENTS, NODES
from wfe.model.failure import Failure, Reason
from wfe.pods.home import Home
from wfe.pods.services import ready_within, service_container
from wfe.ports.executor import CannotGoOn
from wfe.supervisor.pod import TERMINATION_GRACE_SECONDS

_LOOK_EVERY_SECONDS: Final = 5.0
_NODE_EVERY_SECONDS: Final = 10.0
_MOUNT_PROBLEMS: Final = frozenset({"FailedMount", "FailedAttachVolume"})


class Runner:
    """One pod of one tree, by its uid.

    Attributes:
        secrets: the values that were seen in any of its containers.
    """

    def __init__(
        self,
        client: Client,
        pods: Pods,
        homes: Homes,
        settings: RunnerSettings,
        *,
        home: Home,
        pod: RunnerPod,
    ) -> None:
        self.home = home
        self.uid = pod.uid
        self.name = pod.metadata.name
        self.namespace = pod.metadata.namespace
        self.is_ours = False
        self.secrets: set[str] = set()
        self._client = client
        self._pods = pods
        self._homes = homes
        self._settings = settings
        self._epoch: int | None = None
        self._was_overtaken = False

    @property
    def pod(self) -> RunnerPod | None:
        """The pod, unless it is gone."""
        return self._pods.by_uid(self.uid)

    async def epoch(self) -> int:
        """Return the epoch to attach with: what nobody saved, in a pod that this process made itself."""
        if self.is_ours and not self._was_overtaken:
            return 0
        if self._epoch is None:
            self._epoch = await self._homes.epoch(self.home.root)
        return self._epoch

    def note_overtaken(self) -> None:
        """Take note that another controller has been here: the next attach needs a higher epoch."""
        self._was_overtaken = True
        self._epoch = None

    def look(self, container: str) -> Seen:
        """Tell how things stand with a container."""
        return Over("its pod is gone") if self.pod is None else look(self.pod, container)

    async def read(self) -> RunnerPod | None:
        """Return the pod as it is now; None once it is gone."""
        pod = await patiently(lambda: self._pods.read(self.namespace, self.name))
        return pod if pod is not None and pod.uid == self.uid else None

    async def usable(self, container: str) -> None:
        """Wait until a container and all services run.

        Raises:
            PodGone, ContainerStuck, CannotGoOn: it will not be.
        """
        clock = _Clock(asyncio.get_running_loop().time)
        while True:
            if self.pod is None and await self.read() is None:
                await self.confirm_end()
                raise PodGone(self._last_words())
            seen = self.look(container)
            if isinstance(seen, Up):
                return
            await self._judge(seen, clock)
            patience = self._settings.start_patience.total_seconds()
            await self._pods.news(self.uid, min(_LOOK_EVERY_SECONDS, max(0.1, patience)))

    async def confirm_end(self) -> None:
        """Wait until nothing of a pod that is gone can still run: somebody may have removed it by force."""
        last = self._pods.gone(self.uid)
        while last is not None and may_be_alive(last):
            delay = await patiently(lambda: self._kill_delay(last.spec.node_name))
            if delay is not None:
                await asyncio.sleep(delay)
                return
            await asyncio.sleep(_NODE_EVERY_SECONDS)

    async def _kill_delay(self, name: str) -> float | None:
        """Return how long a node needs to end what it finds removed; None if it cannot be told that."""
        try:
            node = await self._client.get(NODES, name)
        except ApiNotFound:
            return 0.0
        except ApiForbidden:
            return TERMINATION_GRACE_SECONDS + _LOOK_EVERY_SECONDS
        taints = node.get("spec", {}).get("taints") or ()
        if any(taint.get("key") == "node.kubernetes.io/out-of-service" for taint in taints):
            return 0.0
        conditions = node.get("status", {}).get("conditions") or ()
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            return TERMINATION_GRACE_SECONDS + _LOOK_EVERY_SECONDS
        return None

    def _last_words(self) -> str:
        last = self._pods.gone(self.uid)
        return "its pod is gone" if last is None else why_gone(last)

    async def _judge(self, seen: Seen, clock: "_Clock") -> None:
        """Raise what is to be raised about a container that does not run."""
        since = clock.since(seen)
        match seen:
            case Over(message):
                raise PodGone(message)
            case Blocked(message, service, hopeless) if hopeless or self._is_enough(since):
                raise self._blocked(message, service)
            case NotReady(services):
                self._check_services(services, since)
            case Unscheduled(message) if since > self._settings.schedule_patience.total_seconds():
                raise ContainerStuck(f"no node takes its pod: {message}")
            case Coming() if self._is_enough(since):
                await self._check_mounts()

    def _is_enough(self, since: float) -> bool:
        return since > self._settings.start_patience.total_seconds()

    def _blocked(self, message: str, service: str) -> WfeError:
        if not service:
            return ContainerStuck(message)
        said = f"service `{service}` does not start: {message}"
        return CannotGoOn(Failure(reason=Reason.SERVICE_NOT_READY, message=said))

    def _check_services(self, late: tuple[str, ...], since: float) -> None:
        taken = {container.name for container in self.home.needs.containers}
        for name, service in self.home.needs.services.items():
            within = ready_within(service)
            if service_container(name, taken) in late and since > within.total_seconds():
                message = (
                    f"service `{name}` was not ready within {within.total_seconds():g} s; look at its log "
                    f"(kubectl -n {self.namespace} logs {self.name} -c {service_container(name, taken)}), "
                    "or give it more time in `readiness.timeout`"
                )
                raise CannotGoOn(Failure(reason=Reason.SERVICE_NOT_READY, message=message))

    async def _check_mounts(self) -> None:
        """A missing Secret keeps a pod from starting, and only an Event tells."""
        try:
            async for event in self._client.list(
                EVENTS, self.namespace, fields=f"involvedObject.uid={self.uid},type=Warning"
            ):
                if event.get("reason") in _MOUNT_PROBLEMS:
                    raise ContainerStuck(
                        f"its pod does not start: {event.get('message', '')}; if a Secret or one of its keys is "
                        "missing, create it"
                    )
        except ApiError:
            # It was to say what is wrong, and is not needed for anything else.
            return


class _Clock:
    """For how long things have stood as they stand."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kind: type[object] | None = None
        self._began = 0.0

    def since(self, seen: Seen) -> float:
        if type(seen) is not self._kind:
            self._kind, self._began = type(seen), self._now()
        return self._now() - self._began
