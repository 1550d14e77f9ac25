"""Logs in memory, looked through one by one."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from wfe.ports.log_pages import begin_of, is_behind, is_wanted, page_of
from wfe.ports.logs import LogPage, LogQuery, LogRecord, Segment, names_in, place_in_time


class MemoryLogs:
    """Keeps the promise of `ports.logs.LogStore`."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[object, LogRecord]] = {}

    async def append(self, records: Sequence[LogRecord]) -> None:
        for record in records:
            segment = record.segment
            place = segment.key.path, segment.key.attempt, segment.stream, segment.offset
            self._kept.setdefault(segment.key.instance, {}).setdefault(place, record)

    async def read(
        self, instance: str, *, step: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Segment]:
        segments = [
            record.segment
            for record in self._kept.get(instance, {}).values()
            if (step is None or step in names_in(record.segment.key.path))
            and (since is None or record.segment.at >= since)
        ]
        for segment in sorted(segments, key=place_in_time):
            yield segment

    async def search(self, query: LogQuery) -> LogPage:
        begin = begin_of(query.after)
        found = [
            record
            for records in self._kept.values()
            for record in records.values()
            if is_wanted(record, query) and is_behind(record.segment, begin)
        ]
        found.sort(key=lambda record: place_in_time(record.segment))
        return page_of(found, query.limit)

    async def forget(self, instance: str) -> None:
        self._kept.pop(instance, None)

    async def expire(self, *, before: datetime) -> None:
        for instance, records in list(self._kept.items()):
            self._kept[instance] = {
                place: record for place, record in records.items() if record.segment.at >= before
            }
