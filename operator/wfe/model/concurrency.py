"""Concurrency groups: at most so many instances with one key run at a time."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """What becomes of a new instance whose group is full: it waits, ends the oldest, or ends itself."""

    QUEUE = "queue"
    REPLACE = "replace"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Concurrency:
    """What a workflow says of it; the key may have placeholders."""

    key: str
    limit: int = 1
    policy: Policy = Policy.QUEUE


@dataclass(frozen=True, slots=True)
class Group:
    """Who runs under a key and who waits, by instance id, in the order of their coming."""

    holders: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Return everybody, the oldest first."""
        return (*self.holders, *self.waiting)

    def without(self, instances: Collection[str]) -> "Group":
        """Return it without these."""
        return Group(
            tuple(one for one in self.holders if one not in instances),
            tuple(one for one in self.waiting if one not in instances),
        )

    def joined(self, instance: str, limit: int) -> "Group":
        """Return it after an instance has come, or has come again.

        It gets a place if one is free that nobody before it waits for.
        """
        if instance in self.holders:
            return self
        waiting = self.waiting if instance in self.waiting else (*self.waiting, instance)
        if waiting.index(instance) >= limit - len(self.holders):
            return Group(self.holders, waiting)
        return Group((*self.holders, instance), tuple(one for one in waiting if one != instance))

    def older(self, instance: str, limit: int) -> tuple[str, ...]:
        """Return those who have to end if an instance and the newest before it are to be all there are."""
        before = self.members
        if instance in before:
            before = before[: before.index(instance)]
        return before[: max(0, len(before) - limit + 1)]

    def to_text(self) -> str:
        """Return the stored form; equal groups have equal ones."""
        return json.dumps({"holders": self.holders, "waiting": self.waiting}, separators=(",", ":"))

    @classmethod
    def of_text(cls, text: str | None) -> "Group":
        """Read the stored form; none is an empty group."""
        said = json.loads(text) if text else {}
        return cls(tuple(said.get("holders", ())), tuple(said.get("waiting", ())))
