"""Why something failed, in a form that is stored, shown and handed to hooks."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Reason(StrEnum):
    """The kinds of failure; one word that a person can search for and a script can compare."""

    EXIT_CODE = "ExitCode"
    ERROR = "Error"
    TIMEOUT = "Timeout"
    LOST = "Lost"
    LOG_LIMIT = "LogLimit"
    CONFIG_INVALID = "ConfigInvalid"
    CONDITION_INVALID = "ConditionInvalid"
    OUTPUTS_INVALID = "OutputsInvalid"
    MAX_ITERATIONS = "MaxIterations"
    CHILD_FAILED = "ChildFailed"
    ENDED = "Ended"
    CANCELLED = "Cancelled"
    SERVICE_NOT_READY = "ServiceNotReady"
    WORKSPACE_LOST = "WorkspaceLost"
    NO_EXECUTOR = "NoExecutor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure: a reason, a sentence, the step it happened in, and what failed after it.

    `also` holds failures that followed from dealing with this one, such as a compensation that failed.
    """

    reason: Reason
    message: str
    step: str = ""
    exit_code: int | None = None
    also: tuple["Failure", ...] = ()

    def at(self, step: str) -> "Failure":
        """Return this failure with its place, unless it already has one."""
        return self if self.step else replace(self, step=step)

    def followed_by(self, other: "Failure") -> "Failure":
        """Return this failure with another that followed from it."""
        return replace(self, also=(*self.also, other))

    def __str__(self) -> str:
        place = f"step `{self.step}`: " if self.step else ""
        return "; then ".join([f"{place}{self.message}", *map(str, self.also)])
