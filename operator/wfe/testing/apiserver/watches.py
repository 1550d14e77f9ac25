"""Watch streams: what changed since a version, as one selection sees it."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from wfe.kube.resource import Resource
from wfe.testing.apiserver.objects import Change, Objects
from wfe.testing.apiserver.refusals import Refused
from wfe.testing.apiserver.selectors import Matches

Object = dict[str, Any]


@dataclass(eq=False)
class Watch:
    """One stream."""

    objects: Objects
    resource: Resource
    matches: Matches
    since: int
    shape: Callable[[Object], Object]
    bookmarks: bool
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _marks: list[int] = field(default_factory=list)
    _error: Refused | None = None
    _cut: bool = False

    async def serve(self, response: web.StreamResponse) -> bool:
        """Write events until the stream ends in an error, or is cut: then it returns False."""
        self.objects.listeners.append(self._changed.set)
        try:
            while not self._cut:
                self._changed.clear()
                for line in self._lines():
                    await response.write(json.dumps(line).encode() + b"\n")
                if self._error is not None:
                    return True
                await self._changed.wait()
            return False
        finally:
            self.objects.listeners.remove(self._changed.set)

    def end(self, error: Refused | None = None) -> None:
        """End it in the middle, by an ERROR event or abruptly."""
        self._error, self._cut = error, error is None
        self._changed.set()

    def mark(self) -> None:
        """Send a bookmark."""
        if self.bookmarks:
            self._marks.append(self.objects.version)
            self._changed.set()

    def _lines(self) -> list[Object]:
        lines = []
        for change in self.objects.since(self.since, self.resource):
            self.since = change.version
            if event := self._event(change):
                lines.append(event)
        while self._marks:
            metadata = {"resourceVersion": str(self._marks.pop(0)), "creationTimestamp": None}
            kind = {"apiVersion": self.resource.api_version, "kind": self.resource.kind}
            lines.append({"type": "BOOKMARK", "object": {**kind, "metadata": metadata}})
        if self._error is not None:
            lines.append({"type": "ERROR", "object": self._error.body})
        return lines

    def _event(self, change: Change) -> Object | None:
        was = change.before if change.before is not None and self.matches(change.before) else None
        now = change.after if change.after is not None and self.matches(change.after) else None
        if now is not None:
            return {"type": "ADDED" if was is None else "MODIFIED", "object": self.shape(now)}
        if was is None:
            return None
        # As the real one does: the object as it was last seen, at the version in which it left.
        last = {**was, "metadata": {**was["metadata"], "resourceVersion": str(change.version)}}
        return {"type": "DELETED", "object": self.shape(last)}
