"""Log lines in indices by day or month, which are dropped as a whole when they are old."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from wfe.model.ids import AttemptKey
from wfe.model.times import to_micros
from wfe.ports.logs import LogPage, LogQuery, LogRecord, RecordsRefused, Segment, Stream, has_text
from wfe.ports.pages import page_after, place_of
from wfe.providers.opensearch.bulk import write
from wfe.providers.opensearch.lines import SORT, item_of, record_of
from wfe.providers.opensearch.schema import indices_of_logs
from wfe.providers.opensearch.server import Json, Server
from wfe.providers.opensearch.texts import conditions
from wfe.providers.opensearch.times import end_of

_PAGE: Final = 500
# As many hits as an index gives at once, unless told otherwise.
_MOST: Final = 10_000


class _Met:
    """Which bytes of a stream were met: all up to an end, but for some gaps."""

    def __init__(self) -> None:
        self._end = 0
        self._gaps: list[range] = []

    def meet(self, offset: int, length: int) -> bool:
        """Take note of a segment; False if it was met before."""
        if offset >= self._end:
            if offset > self._end:
                self._gaps.append(range(self._end, offset))
            self._end = offset + length
            return True
        for number, gap in enumerate(self._gaps):
            if offset in gap:
                left = range(gap.start, offset), range(offset + length, gap.stop)
                self._gaps[number : number + 1] = [part for part in left if part]
                return True
        return False


class OpenSearchLogs:
    """Keeps the promise of `ports.logs.LogStore`; the server has to be open."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._indices = indices_of_logs(server.address.prefix)

    async def append(self, records: Sequence[LogRecord]) -> None:
        address = self._server.address
        refused = await write(self._server, [item_of(record, address) for record in records])
        if refused:
            raise RecordsRefused(
                f"OpenSearch at `{address}` refuses {len(refused)} of {len(records)} log lines, "
                f"the first because of {refused[0].why}",
                len(refused),
            )

    async def read(
        self, instance: str, *, step: str | None = None, since: datetime | None = None
    ) -> AsyncIterator[Segment]:
        query = LogQuery(instance=instance, step=step, since=since)
        # A line lies in two places if a clock was set between two writings of it.
        met: defaultdict[tuple[AttemptKey, Stream], _Met] = defaultdict(_Met)
        after: list[Any] | None = None
        while True:
            hits = await self._hits(query, after, _PAGE, fresh=after is None)
            for hit in hits:
                segment = record_of(hit).segment
                if met[segment.key, segment.stream].meet(segment.offset, len(segment.data)):
                    yield segment
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    async def search(self, query: LogQuery) -> LogPage:
        after = _begin(query.after)
        size = min(max(query.limit + 1, _PAGE), _MOST)
        found: list[tuple[LogRecord, list[Any]]] = []
        while True:
            hits = await self._hits(query, after, size)
            for hit in hits:
                record = record_of(hit)
                if has_text(record.segment.data, query.text):
                    found.append((record, hit["sort"]))
            if len(hits) < size or len(found) > query.limit:
                break
            after = hits[-1]["sort"]
        page = found[: query.limit]
        following = page_after(*page[-1][1]) if len(found) > len(page) else None
        return LogPage([record for record, _ in page], following)

    async def _hits(
        self, query: LogQuery, after: list[Any] | None, size: int, *, fresh: bool = False
    ) -> Sequence[Json]:
        body: dict[str, Any] = {"query": {"bool": {"filter": _filters(query)}}, "sort": SORT, "size": size}
        if after is not None:
            body["search_after"] = after
        return await self._server.found(self._indices, body, fresh=fresh)

    async def forget(self, instance: str) -> None:
        await self._server.refresh(self._indices)
        options = {"ignore_unavailable": "true", "conflicts": "proceed", "refresh": "true"}
        body = {"query": {"term": {"instance": instance}}}
        await self._server.call(
            lambda client: client.delete_by_query(index=self._indices, body=body, params=options)
        )

    async def expire(self, *, before: datetime) -> None:
        options = {"ignore_unavailable": "true", "allow_no_indices": "true", "expand_wildcards": "all"}
        found = await self._server.call(
            lambda client: client.indices.get_settings(
                index=self._indices, name="index.creation_date", params=options
            )
        )
        beginning = len(indices_of_logs(self._server.address.prefix, ""))
        for index in sorted(found):
            end = end_of(index[beginning:])
            if end is not None and end <= before:
                await self._drop(index)

    async def _drop(self, index: str) -> None:
        options = {"ignore_unavailable": "true"}
        await self._server.call(lambda client: client.indices.delete(index=index, params=options))


def _filters(query: LogQuery) -> list[Json]:
    terms = {"instance": query.instance, "workflow": query.workflow, "steps": query.step}
    times = (("gte", query.since), ("lt", query.until))
    time = {name: to_micros(moment) for name, moment in times if moment is not None}
    return [
        *({"term": {field: {"value": value}}} for field, value in terms.items() if value is not None),
        *([{"prefix": {"name": {"value": f"{query.namespace}/"}}}] if query.namespace is not None else []),
        *([{"range": {"time": time}}] if time else []),
        *conditions(query.text),
    ]


def _begin(page: str | None) -> list[Any] | None:
    return None if page is None else list(place_of(page, int, str, str, int, str, int))
