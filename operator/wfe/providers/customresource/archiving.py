"""Moving records from a status to history objects: written as soon as a save has made them true, let go by the next.

So the writing goes on while the steps do, and no save waits for it but one that comes at once.
"""

from wfe.errors import Conflict, WfeError
from wfe.providers.customresource import records
from wfe.providers.customresource.finding import Finder
from wfe.providers.customresource.records import Archive, Archived
from wfe.providers.customresource.room import Room
from wfe.providers.customresource.saves import is_full
from wfe.providers.customresource.table import Kept, Stored


class Archiver:
    """Writes history objects, for one instance once at a time."""

    def __init__(self, room: Room, finder: Finder) -> None:
        self._room = room
        self._finder = finder

    def begin(self, kept: Kept, stored: Stored) -> None:
        """Begin with what the status of that revision has, if it is enough; the next save goes on from there."""
        if is_full(stored.ring):
            kept.archiving = self._room.begin(lambda: self._tried(kept, stored.revision, stored.archive))

    async def finish(self, kept: Kept, stored: Stored) -> Archived | None:
        """Return what was begun for that revision; None if there is nothing to let go of.

        Raises:
            Conflict: another revision is stored.
        """
        begun, kept.archiving = kept.archiving, None
        if not is_full(stored.ring):
            return None
        archived = await begun if begun is not None else None
        if archived is not None and archived.revision == stored.revision:
            return archived
        return await self._archive(kept, stored.revision, stored.archive)

    async def _tried(self, kept: Kept, revision: int, before: Archive) -> Archived | None:
        try:
            return await self._archive(kept, revision, before)
        except WfeError:
            # The next save tries it again, and says what is wrong.
            return None

    async def _archive(self, kept: Kept, revision: int, before: Archive) -> Archived:
        found = await self._finder.at(kept.name)
        engine = found.status.engine if found else None
        if engine is None or engine.revision != revision:
            raise Conflict(f"instance `{kept.id}` has changed; load it again")
        metadata = self._room.metadata_of(kept, "chunk")
        archive = await records.archived(self._room.chunks, kept.id, engine.ring, before, metadata)
        elsewhere = [text[1:] for text in engine.ring.values() if text.startswith(records.ELSEWHERE)]
        return Archived(revision, archive, tuple(engine.ring), tuple(elsewhere))
