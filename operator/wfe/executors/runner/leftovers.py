"""What ended attempts have left in their pods. It stays there until what they wrote is kept elsewhere.

A pod has room for so much, and may go: `is_due` says when it is time to keep it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance

# A claim, its end and its files are a page of memory and a few of disk in the pod, whose volumes have 16 MiB and
# 2 GiB; the instances of a tree share them.
MOST_ATTEMPTS: Final = 256
MOST_BYTES: Final = 32 * 1024 * 1024
CROWDED: Final = 1024
LEAST_ATTEMPTS: Final = 8
# PID 1 prints what ended steps wrote, and takes a moment for it.
ACKNOWLEDGE_AFTER_SECONDS: Final = 5.0


class Holder(Protocol):
    """Where attempts have left something."""

    @property
    def uid(self) -> str:
        """The pod's."""
        ...

    def acknowledge(self, names: Sequence[str]) -> None:
        """Have the supervisor remove what attempts left, but for their claims."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """An attempt that has ended, and when."""

    key: AttemptKey
    ended_at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Leftover:
    """One attempt.

    Attributes:
        name: its key in the protocol.
        reading: the reading of its log; its result says whether that came to the end.
        size: how many bytes it took in the pod, roughly.
        since: when it ended, by the loop's clock.
    """

    key: AttemptKey
    name: str
    holder: Holder
    reading: "asyncio.Task[bool]"
    size: Callable[[], int]
    since: float

    @property
    def is_whole(self) -> bool:
        """Whether all of its log was handed on."""
        return self.reading.done() and not self.reading.cancelled() and self.reading.result()


class Leftovers:
    """Those of all pods, by instance."""

    def __init__(self) -> None:
        self._of: defaultdict[str, dict[AttemptKey, Leftover]] = defaultdict(dict)
        self._in: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._bytes: Counter[str] = Counter()
        self._bereft: set[str] = set()

    def add(self, leftover: Leftover) -> None:
        """An attempt has ended."""
        key = leftover.key
        self._drop(key)
        self._of[key.instance][key] = leftover
        self._in[leftover.holder.uid][key.instance] += 1
        leftover.reading.add_done_callback(lambda _: self._weigh(leftover))

    def _weigh(self, leftover: Leftover) -> None:
        if self._of.get(leftover.key.instance, {}).get(leftover.key) is leftover:
            self._bytes[leftover.key.instance] += leftover.size()

    def of(self, instance: str) -> Collection[Leftover]:
        """Return those of an instance."""
        return self._of.get(instance, {}).values()

    def instances(self, uid: str) -> set[str]:
        """Return the instances that have left something in a pod."""
        return set(self._in.get(uid, ()))

    def is_due(self, instance: str) -> bool:
        """Whether it is time to keep what an instance wrote."""
        found = self._of.get(instance)
        if instance in self._bereft:
            return True
        if not found:
            return False
        if len(found) >= MOST_ATTEMPTS or self._bytes[instance] >= MOST_BYTES:
            return True
        some = next(reversed(found.values()))
        return len(found) >= LEAST_ATTEMPTS and self._in[some.holder.uid].total() >= CROWDED

    def has_unread(self, instance: str) -> bool:
        """Whether the log of any attempt could not be handed on to its end."""
        return not all(one.is_whole for one in self.of(instance))

    def over(self, instance: Instance) -> list[Leftover]:
        """Return those whose ends a saved instance knows, and whose logs were handed on whole."""
        return [one for one in self.of(instance.id) if one.is_whole and _is_over(instance, one.key)]

    def kept(self, leftovers: Iterable[Leftover]) -> None:
        """What these wrote is kept elsewhere: have it removed, once PID 1 has had its moment."""
        loop = asyncio.get_running_loop()
        by_holder: defaultdict[Holder, list[Leftover]] = defaultdict(list)
        for one in leftovers:
            if self._of.get(one.key.instance, {}).get(one.key) is one:
                self._drop(one.key)
                by_holder[one.holder].append(one)
        for holder, found in by_holder.items():
            when = max(one.since for one in found) + ACKNOWLEDGE_AFTER_SECONDS
            names = [one.name for one in found]
            if when <= loop.time():
                holder.acknowledge(names)
            else:
                loop.call_at(when, holder.acknowledge, names)

    def relieved(self, instance: str) -> None:
        """All that was read of an instance is kept elsewhere."""
        self._bereft.discard(instance)

    def forget_pod(self, uid: str) -> None:
        """A pod is gone, with all that was in it: what was read of it is in no other place than here."""
        self._bereft |= self.instances(uid)
        for instance in self.instances(uid):
            for one in list(self.of(instance)):
                if one.holder.uid == uid:
                    self._drop(one.key)

    async def read(self, instance: str, within: timedelta) -> None:
        """Wait until the logs of those that ended have been handed on, or for so long."""
        readings = [one.reading for one in self.of(instance) if not one.reading.done()]
        if readings:
            await asyncio.wait(readings, timeout=within.total_seconds())

    def _drop(self, key: AttemptKey) -> None:
        found = self._of.get(key.instance)
        one = found.pop(key, None) if found is not None else None
        if one is None:
            return
        here = self._in[one.holder.uid]
        here[key.instance] -= 1
        if not here[key.instance]:
            del here[key.instance]
        if not here:
            del self._in[one.holder.uid]
        if one.reading.done():
            self._bytes[key.instance] -= one.size()
        if not found:
            del self._of[key.instance]
            del self._bytes[key.instance]


def _is_over(instance: Instance, key: AttemptKey) -> bool:
    pointer = instance.pointers.get(key.path)
    return pointer is None or pointer.attempt != key.attempt
