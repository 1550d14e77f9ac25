"""Saving: one patch of the status, by compare-and-swap on the revision.

The precondition of the patch is the object's resource version. It also changes with the spec and the inbox, so a
refused patch is tried again at the version that is there, if that has the revision that the decision was made for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from wfe.errors import Conflict, StoreUnavailable
from wfe.kube import ApiConflict, ApiNotFound
from wfe.model.decision import Decision
from wfe.providers.customresource import words
from wfe.providers.customresource.archiving import Archiver
from wfe.providers.customresource.errors import translated
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.names import INSTANCES
from wfe.providers.customresource.reads import ChunksGone, contents, stored_in
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saves import Change, Status, Writer
from wfe.providers.customresource.table import Kept, Stored

TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """A status to write, the token by which our own write is known, and what nothing refers to afterwards."""

    status: Status
    token: str
    garbage: tuple[str, ...]


async def patched(
    room: Room, name: str, version: str, status: Status, *, metadata_only: bool = False
) -> dict[str, Any]:
    """Patch the status of an object that has this resource version."""
    return await room.client.patch(
        INSTANCES,
        name,
        room.namespace,
        {"status": status},
        subresource="status",
        resource_version=version,
        metadata_only=metadata_only,
    )


class Saver:
    """Saves decisions."""

    def __init__(self, room: Room, finder: Finder) -> None:
        self._room = room
        self._finder = finder
        self._archiver = Archiver(room, finder)

    async def save(self, decision: Decision, consumed: Sequence[int]) -> None:
        """Write the next revision.

        Raises:
            Conflict: another revision is stored.
        """
        change = Change.of(decision)
        instance = decision.instance
        with translated(f"saving instance `{instance.name}`"):
            kept = await self._finder.find(instance.id)
            if kept is None:
                raise _gone(instance.id)
            async with kept.lock:
                await self._save(kept, decision, change, consumed)

    async def _save(self, kept: Kept, decision: Decision, change: Change, consumed: Sequence[int]) -> None:
        expected = decision.instance.revision - 1
        # Whatever goes wrong from here on, the layout is no longer what is stored.
        stored, kept.stored = kept.stored, None
        if stored is None or stored.revision != expected:
            stored = await self._look(kept, expected)
        if kept.revision > expected:
            raise _stale(kept.id, kept.revision, expected)
        prepared = await self.prepare(kept, stored, decision, change)
        if consumed:
            prepared.status["engine"]["inbox"] = {str(number): None for number in consumed}
        await self._put(kept, prepared, expected)
        kept.revision = max(kept.revision, decision.instance.revision)
        kept.phase = decision.instance.status.value
        kept.mail -= set(consumed)
        kept.stored, kept.fresh = stored, None
        if not decision.instance.status.is_final:
            self._archiver.begin(kept, stored)
        self.clean(prepared.garbage)

    async def _look(self, kept: Kept, expected: int) -> Stored:
        found = await self._finder.at(kept.name)
        engine = found.status.engine if found and found.id == kept.id else None
        if found is None or engine is None:
            raise _gone(kept.id)
        kept.saw(found)
        if engine.revision != expected:
            raise _stale(kept.id, engine.revision, expected)
        try:
            return stored_in(found, engine, await contents(self._room.chunks, engine))
        except ChunksGone as error:
            raise Conflict(f"instance `{kept.id}` has changed; load it again") from error

    async def prepare(self, kept: Kept, stored: Stored, decision: Decision, change: Change) -> Prepared:
        """Return the status that a decision writes; chunks are written on the way."""
        instance = decision.instance
        archive, garbage = await self._archived(kept, stored)
        writer = Writer(self._room.chunks, self._room.metadata_of(kept, "chunk", root=instance.root))
        written = await writer.write(stored, change)
        ring = {**archive.pop("ring", {}), **written.engine.pop("ring", {})}
        token = self._room.next_token()
        status = self._words(kept, stored, decision)
        status["engine"] = {**written.engine, **archive, "saved": token, **({"ring": ring} if ring else {})}
        stored.revision = instance.revision
        return Prepared(status, token, (*garbage, *written.garbage))

    def _words(self, kept: Kept, stored: Stored, decision: Decision) -> Status:
        instance = decision.instance
        before = words.Before(
            recent=stored.recent,
            conditions=stored.conditions,
            generation=kept.generation,
            steps=self._room.steps_of(instance.workflow.digest),
            records=decision.records,
        )
        status = words.words_of(instance, before, now=self._room.client.now())
        stored.recent = tuple(status["recent"] or ())
        stored.conditions = tuple(status["conditions"])
        if kept.resumes:
            status["resumes"] = kept.resumes
        if instance.incarnation:
            status["runner"] = {"uid": instance.incarnation}
        return {"active": True, **status}

    async def _archived(self, kept: Kept, stored: Stored) -> tuple[Status, tuple[str, ...]]:
        """Let go of the records that are in history objects; they are true, whoever saves next."""
        archived = await self._archiver.finish(kept, stored)
        if archived is None:
            return {}, ()
        archive = stored.archive = archived.archive
        stored.ring.clear()
        gone: dict[str, None] = dict.fromkeys(archived.numbers)
        status = {"ring": gone, "history": list(archive.objects), "archived": archive.last_bytes}
        return status, archived.elsewhere

    async def _put(self, kept: Kept, prepared: Prepared, expected: int) -> None:
        for _ in range(TRIES):
            try:
                version = str(kept.version)
                answer = await patched(self._room, kept.name, version, prepared.status, metadata_only=True)
            except ApiNotFound as error:
                raise _gone(kept.id) from error
            except ApiConflict:
                if await self._was_saved(kept, prepared, expected):
                    return
            else:
                kept.version = max(kept.version, int(answer["metadata"]["resourceVersion"]))
                return
        raise StoreUnavailable(f"the object of instance `{kept.id}` changes too fast")

    async def _was_saved(self, kept: Kept, prepared: Prepared, expected: int) -> bool:
        """Look at what refused a patch: True if that was the patch itself, whose answer was lost."""
        found = await self._finder.at(kept.name)
        if found is None or found.id != kept.id or found.status.engine is None:
            raise _gone(kept.id)
        kept.saw(found)
        if found.status.engine.saved == prepared.token:
            return True
        if found.status.engine.revision != expected:
            raise _stale(kept.id, found.status.engine.revision, expected)
        return False

    def clean(self, garbage: Sequence[str]) -> None:
        """Delete chunks that no status refers to any more, when there is time."""
        if garbage:
            self._room.later(lambda: self._room.chunks.remove(garbage))


def _gone(instance: str) -> Conflict:
    return Conflict(f"instance `{instance}` is gone; load it again")


def _stale(instance: str, found: int, expected: int) -> Conflict:
    return Conflict(f"instance `{instance}` is at revision {found}, not {expected}; load it again")
