"""When the world misbehaves. A fault is asked for at every outward call of a host, before and after it."""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Literal, Protocol

Side = Literal["before", "after"]


class Fault(StrEnum):
    """What can go wrong at a call."""

    CRASH = "crash"
    UNAVAILABLE = "unavailable"
    CONFLICT = "conflict"


class Faults(Protocol):
    """Decides about faults; counts those that hit."""

    hits: dict[str, int]

    def at(self, call: int, name: str, side: Side) -> Fault | None: ...

    def latency(self) -> float: ...

    def restart_after(self) -> float: ...

    def loses_executors(self) -> bool: ...

    def leases_lie(self) -> bool: ...


class NoFaults:
    """Everything works; calls take no time."""

    def __init__(self) -> None:
        self.hits: dict[str, int] = {}

    def at(self, call: int, name: str, side: Side) -> Fault | None:  # noqa: ARG002
        return None

    def latency(self) -> float:
        return 0.0

    def restart_after(self) -> float:
        return 0.5

    def loses_executors(self) -> bool:
        return False

    def leases_lie(self) -> bool:
        return False


class Crash(NoFaults):
    """The host crashes at these calls, each on one side of it."""

    def __init__(self, *places: tuple[int, Side], loses: bool = False) -> None:
        super().__init__()
        self._places = frozenset(places)
        self._loses = loses

    def at(self, call: int, name: str, side: Side) -> Fault | None:
        if (call, side) not in self._places:
            return None
        self.hits[f"crash {side} call {call}, {name}"] = 1
        return Fault.CRASH

    def loses_executors(self) -> bool:
        return self._loses


@dataclass
class RandomFaults:
    """A mixture of faults, its strengths drawn from the seed; it ends after a budget."""

    seed: int
    hits: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - it keeps no secret
        draw = self.random
        self._crash = draw.choice((0.0, 0.01, 0.03, 0.1))
        self._unavailable = draw.choice((0.0, 0.02, 0.1, 0.3))
        self._conflict = draw.choice((0.0, 0.05, 0.2))
        self._latency = draw.choice((0.0, 0.01, 0.3))
        self._lies = draw.random() < 0.3
        self._losses = draw.choice((0, 0, 1, 2))
        self._budget = draw.choice((3, 10, 30))
        # A run without any fault would show nothing.
        self._first_at_the_latest = draw.randint(1, 8)

    def at(self, call: int, name: str, side: Side) -> Fault | None:
        if self._budget <= 0:
            return None
        overdue = not self.hits and call >= self._first_at_the_latest
        fault = Fault.CRASH if overdue else self._draw(name, side)
        if fault is not None:
            self._budget -= 1
            self._hit(f"{fault} {side}")
        return fault

    def _draw(self, name: str, side: Side) -> Fault | None:
        if self.random.random() < self._crash:
            return Fault.CRASH
        kind, _, verb = name.partition(".")
        if kind in {"store", "leases"} and self.random.random() < self._unavailable:
            return Fault.UNAVAILABLE
        if verb == "save" and side == "before" and self.random.random() < self._conflict:
            return Fault.CONFLICT
        return None

    def _hit(self, name: str) -> None:
        self.hits[name] = self.hits.get(name, 0) + 1

    def latency(self) -> float:
        return self.random.random() * self._latency

    def restart_after(self) -> float:
        return self.random.choice((0.0, 0.5, 5.0, 60.0))

    def loses_executors(self) -> bool:
        if self._losses and self.random.random() < 0.5:
            self._losses -= 1
            self._hit("executor lost")
            return True
        return False

    def leases_lie(self) -> bool:
        return self._lies
