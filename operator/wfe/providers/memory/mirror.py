"""A mirror in memory, for tests."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from wfe.model import codec
from wfe.model.event import Event
from wfe.model.record import StepRecord
from wfe.ports.mirror import Change, Kept, MirrorPage, MirrorQuery, newest
from wfe.ports.pages import moment_of, page_after, place_of


class MemoryMirror:
    """Keeps the promises of `wfe.ports.mirror.Mirror`, as long as this object lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._records: dict[str, dict[int, tuple[int, StepRecord]]] = {}
        self._events: dict[tuple[str, str, str], dict[int, Event]] = {}

    async def open(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        """There is nothing to disconnect from."""

    async def put(self, changes: Sequence[Change]) -> None:
        for change in newest(changes):
            self._put(change)

    def _put(self, change: Change) -> None:
        instance = change.instance
        known = self._kept.get(instance.id)
        if known is None or known.instance.revision < instance.revision:
            head = codec.decode_head(codec.encode_head(instance))
            self._kept[instance.id] = Kept(namespace=change.namespace, instance=head)
        records = self._records.setdefault(instance.id, {})
        for record in change.records:
            before = records.get(record.seq)
            if before is None or before[0] <= instance.revision:
                records[record.seq] = (instance.revision, record)

    async def put_events(self, namespace: str, events: Sequence[Event]) -> None:
        for event in events:
            self._events.setdefault((namespace, event.name, event.key), {})[event.sequence] = event

    async def revisions(self, instances: Sequence[str]) -> Mapping[str, int]:
        return {one: self._kept[one].instance.revision for one in instances if one in self._kept}

    async def list(self, query: MirrorQuery) -> MirrorPage:
        after = _place(query.after)
        found = [
            one
            for one in self._kept.values()
            if _is_wanted(one, query) and (after is None or one.summary.age < after)
        ]
        found.sort(key=lambda one: one.summary.age, reverse=True)
        page = found[: query.limit]
        return MirrorPage(page, _page_after(page[-1]) if len(found) > query.limit else None)

    async def find(self, word: str, *, namespace: str | None = None) -> Kept | None:
        here = [one for one in self._kept.values() if namespace in {None, one.namespace}]
        by_id = [one for one in here if one.instance.id == word]
        by_name = sorted((one for one in here if one.instance.name == word), key=lambda one: one.summary.age)
        found = by_id or by_name
        return found[-1] if found else None

    async def steps(
        self, instance: str, *, after: int = -1, limit: int | None = None
    ) -> Sequence[StepRecord]:
        records = sorted(self._records.get(instance, {}).items())
        return [record for number, (_, record) in records if number > after][:limit]

    async def events(self, namespace: str, name: str, key: str) -> Sequence[Event]:
        return [event for _, event in sorted(self._events.get((namespace, name, key), {}).items())]

    async def purge(self, *, before: datetime, limit: int) -> int:
        ended = [
            one.instance.id
            for one in self._kept.values()
            if one.instance.finished_at is not None and one.instance.finished_at < before
        ][:limit]
        for instance in ended:
            del self._kept[instance]
            self._records.pop(instance, None)
        old = [
            (events, number)
            for events in self._events.values()
            for number, event in events.items()
            if event.published_at < before
        ][:limit]
        for events, number in old:
            del events[number]
        return len(ended) + len(old)


def _is_wanted(one: Kept, query: MirrorQuery) -> bool:
    summary = one.summary
    same = (
        (query.namespace, one.namespace),
        (query.workflow, summary.workflow.id),
        (query.reference, summary.reference),
        (query.parent, summary.parent),
    )
    return (
        all(wanted in {None, found} for wanted, found in same)
        and (not query.statuses or summary.status in query.statuses)
        and not (query.roots_only and summary.parent)
        and (query.since is None or summary.created_at >= query.since)
        and (query.until is None or summary.created_at < query.until)
    )


def _page_after(one: Kept) -> str:
    return page_after(one.summary.created_at.isoformat(), one.summary.id)


def _place(page: str | None) -> tuple[datetime, str] | None:
    if page is None:
        return None
    created, instance = place_of(page, str, str)
    return moment_of(created), instance
