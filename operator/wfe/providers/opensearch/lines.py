"""A segment as a document, and back.

Its id is INSTANCE/PATH/ATTEMPT/STREAM/OFFSET, so that writing it again finds it. Its index is named by the time it
was written at, not by the time of indexing, so that a line written again next month comes to the same place.

Bytes that are UTF-8 are kept as the text that is searched. Others are kept in base64 beside it.
"""

from base64 import b64decode, b64encode
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from wfe.model.ids import AttemptKey
from wfe.ports.logs import LogRecord, Segment, Stream, names_in, text_of
from wfe.providers.opensearch.address import Address
from wfe.providers.opensearch.bulk import Item, encoded
from wfe.providers.opensearch.schema import indices_of_logs
from wfe.providers.opensearch.server import Json
from wfe.providers.opensearch.texts import is_long
from wfe.providers.opensearch.times import from_micros, period_of, to_micros

_LONGEST_ID: Final = 512
SORT: Final = [
    {"time": "asc"},
    {"instance": "asc"},
    {"path": "asc"},
    {"attempt": "asc"},
    {"stream": "desc"},
    {"start": "asc"},
]


class Line(msgspec.Struct, omit_defaults=True):
    """The fields of `templates/logs.json`."""

    instance: str
    name: str
    workflow: str
    path: str
    steps: list[str]
    attempt: int
    stream: str
    start: int
    time: int
    at: int
    text: str
    bytes: str | None = None
    is_long: bool = False


def item_of(record: LogRecord, address: Address) -> Item:
    """Return what writes a record, unless it is there."""
    segment, key = record.segment, record.segment.key
    index = indices_of_logs(address.prefix, period_of(segment.at, address.period))
    id_ = f"{_attempt_id(key)}/{segment.stream}/{segment.offset}"
    return Item(encoded({"create": {"_index": index, "_id": id_}}), encoded(_line(record)))


def _line(record: LogRecord) -> Line:
    segment, key = record.segment, record.segment.key
    time = to_micros(segment.at)
    text, kept = text_of(segment.data), None
    try:
        segment.data.decode()
    except UnicodeDecodeError:
        kept = b64encode(segment.data).decode()
    return Line(
        instance=key.instance,
        name=record.instance_name,
        workflow=record.workflow,
        path=key.path,
        steps=_steps(key.path),
        attempt=key.attempt,
        stream=segment.stream.value,
        start=segment.offset,
        time=time,
        at=time // 1000,
        text=text,
        bytes=kept,
        is_long=is_long(segment.data),
    )


@lru_cache(maxsize=4096)
def _steps(path: str) -> list[str]:
    return sorted(names_in(path))


@lru_cache(maxsize=4096)
def _attempt_id(key: AttemptKey) -> str:
    readable = f"{key.instance}/{key.path}/{key.attempt}"
    # Room is left for the stream and the offset.
    if len(readable.encode("utf-8", "replace")) <= _LONGEST_ID - 40:
        return readable
    return sha256(readable.encode("utf-8", "surrogatepass")).hexdigest()


def record_of(hit: Json) -> LogRecord:
    """Return the record that a document is of."""
    line: dict[str, Any] = hit["_source"]
    key = AttemptKey(line["instance"], line["path"], line["attempt"])
    kept = line.get("bytes")
    data = line["text"].encode() if kept is None else b64decode(kept)
    segment = Segment(key, Stream(line["stream"]), line["start"], data, from_micros(line["time"]))
    return LogRecord(segment, line["name"], line["workflow"])
