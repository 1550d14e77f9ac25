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
from wfe.model.times import from_micros, to_micros
from wfe.ports.logs import LogRecord, Segment, Stream, names_in, text_of
from wfe.providers.opensearch.address import Address
from wfe.providers.opensearch.bulk import Item, encoded
from wfe.providers.opensearch.schema import indices_of_logs
from wfe.providers.opensearch.server import Json
from wfe.providers.opensearch.texts import is_long
from wfe.providers.opensearch.times import period_of

_LONGEST_ID: Final = 512
SORT: Final = [
    {"time": "asc"},
    {"instance": "asc"},
    {"path": "asc"},
    {"attempt": "asc"},
    {"stream": "desc"},
    {"start": "asc"},
]


class Head(msgspec.Struct):
    """Fields of `templates/logs.json` that all lines of one stream of an attempt have in common."""

    instance: str
    name: str
    workflow: str
    path: str
    steps: list[str]
    attempt: int
    stream: str


class Rest(msgspec.Struct, omit_defaults=True):
    """Fields of `templates/logs.json` that are a line's own."""

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
    action = _beginning_of_action(index, key, segment.stream)
    document = _beginning_of_document(key, segment.stream, record.instance_name, record.workflow)
    return Item(b'%b%d"}}' % (action, segment.offset), document + msgspec.json.encode(_rest(segment))[1:])


# Lines of one stream come by the thousand, and differ in little: the rest is written once.
@lru_cache(maxsize=4096)
def _beginning_of_action(index: str, key: AttemptKey, stream: Stream) -> bytes:
    whole = encoded({"create": {"_index": index, "_id": f"{_attempt_id(key)}/{stream}/"}})
    return whole.removesuffix(b'"}}')


@lru_cache(maxsize=4096)
def _beginning_of_document(key: AttemptKey, stream: Stream, name: str, workflow: str) -> bytes:
    head = Head(
        instance=key.instance,
        name=name,
        workflow=workflow,
        path=key.path,
        steps=sorted(names_in(key.path)),
        attempt=key.attempt,
        stream=stream.value,
    )
    return encoded(head).removesuffix(b"}") + b","


def _rest(segment: Segment) -> Rest:
    time = to_micros(segment.at)
    kept = None
    try:
        text = segment.data.decode()
    except UnicodeDecodeError:
        text, kept = text_of(segment.data), b64encode(segment.data).decode()
    return Rest(
        start=segment.offset,
        time=time,
        at=time // 1000,
        text=text,
        bytes=kept,
        is_long=is_long(segment.data),
    )


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
