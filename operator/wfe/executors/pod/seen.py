"""What of a pod is looked at, and what follows from it alone."""

from typing import Final

import msgspec

from wfe.kube.metadata import ObjectMeta
from wfe.kube.pods import Condition, PodStatus, State, Terminated
from wfe.pods import labels
from wfe.pods.attempt import CONTAINER

_OVER: Final = frozenset({"Succeeded", "Failed"})


class Gate(msgspec.Struct, frozen=True):
    """What keeps it from being scheduled."""

    name: str


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """What was asked for."""

    node_name: str = ""
    termination_grace_period_seconds: int = 30
    scheduling_gates: list[Gate] = []


class AttemptPod(msgspec.Struct, frozen=True):
    """A pod that was made for one attempt."""

    metadata: ObjectMeta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_gated(self) -> bool:
        """Whether nobody has let it run."""
        return any(gate.name == labels.GATE for gate in self.spec.scheduling_gates)

    @property
    def is_deleted(self) -> bool:
        """Whether somebody deleted it; the finalizer is all that keeps it."""
        return self.metadata.deletion_timestamp is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more, nor ever will.

        A pod on a node that does not answer is not over: it may run on.
        """
        never_ran = self.is_deleted and not self.spec.node_name
        return never_ran or self.terminated is not None or self.status.phase in _OVER

    @property
    def state(self) -> State:
        """The state of its container."""
        found = (each.state for each in self.status.container_statuses if each.name == CONTAINER)
        return next(found, State())

    @property
    def terminated(self) -> Terminated | None:
        """How its container ended, once it has."""
        return self.state.terminated

    @property
    def has_started(self) -> bool:
        """Whether there may be a log of it."""
        state = self.state
        return state.running is not None or (
            state.terminated is not None and bool(state.terminated.started_at)
        )

    @property
    def ending(self) -> str:
        """Why we are ending it; "" if we are not."""
        return self.metadata.annotations.get(labels.ENDING, "")

    def condition(self, type_: str) -> Condition | None:
        """Return a condition of it."""
        return next((each for each in self.status.conditions if each.type == type_), None)


def pod_from(item: dict[str, object]) -> AttemptPod:
    """Read an answer of the API."""
    return msgspec.convert(item, AttemptPod, strict=False)
