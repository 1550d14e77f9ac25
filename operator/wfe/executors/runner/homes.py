"""What the executor asks of its host: where an instance is at home, and which epoch is the next."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from wfe.pods.home import Home
from wfe.pods.settings import PodSettings


class Homes(Protocol):
    """Knows instances by their ids."""

    async def home(self, instance: str) -> Home:
        """Return the home of the instance's tree, whether the instance is its root or a child.

        Raises:
            Permanent: there is no such instance, or no pod can be what it needs.
            Retryable: it is not known yet.
        """
        ...

    async def epoch(self, root: str) -> int:
        """Raise the epoch that is saved with a root instance, and return it; the first is 1.

        Called before each first attach to a pod that this process did not make, and when a higher epoch was met.

        Raises:
            WfeError: somebody else drives the instance by now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerSettings:
    """How pods are made, and how long what may be waited for.

    Attributes:
        pods: what holds for every pod.
        start_patience: how long an image or a mount may be missing until its steps fail; the kubelet tries meanwhile.
        schedule_patience: how long a pod may wait for a node.
        log_patience: how long an outcome waits for the rest of its log.
        drain_patience: how long a pod is kept for the rest of its logs.
        streams: how many exec streams there are at once.
        attaches: how many of them are being opened at once.
    """

    pods: PodSettings = field(default_factory=PodSettings)
    start_patience: timedelta = timedelta(minutes=5)
    schedule_patience: timedelta = timedelta(hours=1)
    log_patience: timedelta = timedelta(seconds=2)
    drain_patience: timedelta = timedelta(minutes=10)
    streams: int = 256
    attaches: int = 8
