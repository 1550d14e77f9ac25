"""Finding records, for providers whose technology cannot: what a query means, and the pages of an answer."""

from collections.abc import Sequence

from wfe.ports.logs import (
    STREAMS,
    LogPage,
    LogQuery,
    LogRecord,
    Place,
    Segment,
    Stream,
    has_text,
    names_in,
    place_in_time,
)
from wfe.ports.pages import PageUnknown, moment_of, page_after, place_of


def is_wanted(record: LogRecord, query: LogQuery) -> bool:
    """Tell whether the query finds the record, be it before `after` or behind."""
    segment = record.segment
    return (
        query.instance in {None, segment.key.instance}
        and query.workflow in {None, record.workflow}
        and (query.namespace is None or record.instance_name.startswith(f"{query.namespace}/"))
        and (query.step is None or query.step in names_in(segment.key.path))
        and is_in_time(segment, query)
        and has_text(segment.data, query.text)
    )


def is_in_time(segment: Segment, query: LogQuery) -> bool:
    """Tell whether the segment was written when the query says."""
    return (query.since is None or segment.at >= query.since) and (
        query.until is None or segment.at < query.until
    )


def page_of(found: Sequence[LogRecord], limit: int) -> LogPage:
    """Return the page that these begin, which are one more than its limit if there are more."""
    page = found[:limit]
    return LogPage(page, next_after(page[-1].segment) if len(found) > limit else None)


def next_after(segment: Segment) -> str:
    """Return what says: the page after this segment."""
    key = segment.key
    return page_after(
        segment.at.isoformat(), key.instance, key.path, key.attempt, segment.stream, segment.offset
    )


def begin_of(page: str | None) -> Place | None:
    """Return the place (`place_in_time`) behind which a page begins; None for the first page.

    Raises:
        PageUnknown: it is no page's `next`.
    """
    if page is None:
        return None
    at, instance, path, attempt, stream, offset = place_of(page, str, str, str, int, str, int)
    if stream not in STREAMS:
        raise PageUnknown(f"`{stream[:80]}` is no stream to go on from; use `next` of the page before")
    return moment_of(at), instance, path, attempt, STREAMS.index(Stream(stream)), offset


def is_behind(segment: Segment, place: Place | None) -> bool:
    """Tell whether the segment belongs on a page that begins behind this place."""
    return place is None or place_in_time(segment) > place
