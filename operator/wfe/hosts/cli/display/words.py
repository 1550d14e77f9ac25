"""How durations, states and times are written for people."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from wfe.model.status import InstanceStatus, StepStatus

GLYPHS: Final[Mapping[StepStatus, str]] = {
    StepStatus.PENDING: "·",
    StepStatus.RUNNING: "▶",
    StepStatus.SLEEPING: "…",
    StepStatus.WAITING: "…",
    StepStatus.COMPLETE: "✓",
    StepStatus.FAILED: "✗",
    StepStatus.SKIPPED: "-",
    StepStatus.CANCELLED: "■",
    StepStatus.COMPENSATED: "↶",
}
COLORS: Final[Mapping[str, str]] = {
    StepStatus.RUNNING: "cyan",
    StepStatus.SLEEPING: "yellow",
    StepStatus.WAITING: "yellow",
    StepStatus.COMPLETE: "green",
    StepStatus.FAILED: "red",
    StepStatus.CANCELLED: "magenta",
    StepStatus.COMPENSATED: "magenta",
    InstanceStatus.SUSPENDED: "yellow",
    InstanceStatus.TERMINATED: "magenta",
}


def duration(span: timedelta) -> str:
    """Return a duration in its two largest units: `340ms`, `2.1s`, `3m20s`, `2h05m`, `1d4h`."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def clock_time(moment: datetime) -> str:
    """Return the time of day here, to the millisecond."""
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def since(start: datetime | None, end: datetime | None) -> str:
    """Return how long something took, or nothing if it never started or has not ended."""
    return duration(end - start) if start and end else ""
