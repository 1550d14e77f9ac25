"""The states of an instance and of a step's visit; which of them are final."""

from enum import StrEnum


class InstanceStatus(StrEnum):
    """The state of an instance; the last three are final."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    COMPLETE = "Complete"
    FAILED = "Failed"
    TERMINATED = "Terminated"

    @property
    def is_final(self) -> bool:
        return self in FINAL_INSTANCE


class StepStatus(StrEnum):
    """The state of one visit of a step; the last five are final."""

    PENDING = "Pending"
    RUNNING = "Running"
    SLEEPING = "Sleeping"
    WAITING = "Waiting"
    COMPLETE = "Complete"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"
    COMPENSATED = "Compensated"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STEP


FINAL_INSTANCE = frozenset({InstanceStatus.COMPLETE, InstanceStatus.FAILED, InstanceStatus.TERMINATED})
FINAL_STEP = frozenset(
    {
        StepStatus.COMPLETE,
        StepStatus.FAILED,
        StepStatus.SKIPPED,
        StepStatus.CANCELLED,
        StepStatus.COMPENSATED,
    }
)
