"""Faults to order: what goes wrong with the next requests of a kind."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

Trouble = Literal["answer", "refuse", "lose", "hold", "stale"]


@dataclass
class Seen:
    """A request: its verb as in RBAC (and `exec`, `log`), and what it is about."""

    verb: str
    resource: str
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""


class Kind(TypedDict, total=False):
    """Which requests: by verb, plural of the resource, name, subresource; what is left out may be any."""

    verb: str
    resource: str
    name: str
    subresource: str


@dataclass
class Fault:
    """One kind of trouble for some of the next requests; None stands for any."""

    trouble: Trouble
    times: int
    verb: str | None = None
    resource: str | None = None
    name: str | None = None
    subresource: str | None = None
    status: int = 0
    retry_after: int | None = None
    message: str = "a fault was ordered"
    as_of: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def is_for(self, seen: Seen) -> bool:
        """Tell whether the request is of that kind."""
        if self.trouble == "stale" and seen.verb != "list":
            return False
        pairs = (
            (self.verb, seen.verb),
            (self.resource, seen.resource),
            (self.name, seen.name),
            (self.subresource, seen.subresource),
        )
        return self.times > 0 and all(wanted is None or wanted == given for wanted, given in pairs)


class Faults:
    """The faults on order, which requests meet in the order they were ordered in."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def answer(
        self,
        status: int,
        *,
        times: int = 1,
        retry_after: int | None = None,
        message: str = "a fault was ordered",
        **kind: Unpack[Kind],
    ) -> Fault:
        """Answer with an error, and do nothing."""
        fault = Fault("answer", times, status=status, retry_after=retry_after, message=message, **kind)
        return self._order(fault)

    def refuse(self, *, times: int = 1, **kind: Unpack[Kind]) -> Fault:
        """Drop the connection, and do nothing."""
        return self._order(Fault("refuse", times, **kind))

    def lose(self, *, times: int = 1, **kind: Unpack[Kind]) -> Fault:
        """Do it, and drop the connection instead of an answer."""
        return self._order(Fault("lose", times, **kind))

    def hold(self, *, times: int = 1, **kind: Unpack[Kind]) -> Fault:
        """Do it only once the returned fault's `free` is set; `reached` is set when a request waits."""
        return self._order(Fault("hold", times, **kind))

    def stale(self, as_of: int, *, times: int = 1, **kind: Unpack[Kind]) -> Fault:
        """Answer lists as they were at a version; only lists meet it."""
        return self._order(Fault("stale", times, as_of=as_of, **kind))

    def clear(self) -> None:
        """Let everything work from now on."""
        for fault in self._ordered:
            fault.free.set()
        self._ordered.clear()

    def take(self, seen: Seen) -> Fault | None:
        """Return the fault that this request meets, and count it."""
        for fault in self._ordered:
            if fault.is_for(seen):
                fault.times -= 1
                return fault
        return None

    def _order(self, fault: Fault) -> Fault:
        self._ordered.append(fault)
        return fault
