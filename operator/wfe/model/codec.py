"""The stored form of an instance: a head and parts, so that a save writes what changed and nothing else.

The head has the small fields; `model.parts` names the parts.
Every text carries the version of the form in its head; what a released version wrote loads for ever
(`tests/golden/stored`). User data is JSON text of its own: numbers keep their kind and their digits.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec

from wfe.errors import Permanent
from wfe.model.failure import Failure
from wfe.model.instance import Counts, EndRequest, Instance, ParentRef, Scope, Undo, WorkflowRef
from wfe.model.json import Data, Json
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.signals import SIGNALS, Signal
from wfe.model.status import InstanceStatus

FORM: Final = 1


class StoredFormUnknown(Permanent):
    """The text was written by a later version, or by nobody we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The fields of an instance that every save writes."""

    form: int = FORM
    id: str
    name: str
    workflow: WorkflowRef
    status: InstanceStatus
    reason: str | None = None
    message: str | None = None
    revision: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reference: str | None = None
    parent: ParentRef | None = None
    root: str | None = None
    retry_of: str | None = None
    trace: str | None = None
    outputs: str | None = None
    failure: Failure | None = None
    counts: Counts = Counts()
    next_seq: int = 0
    deadline: datetime | None = None
    suspended_at: datetime | None = None
    suspended_for: timedelta = timedelta()
    cancelled: bool = False
    end: EndRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredScope:
    """A scope without its data, which has parts of its own."""

    parent: str | None
    locals: str = "{}"
    cursors: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    held: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSignal:
    """A signal with its kind, as it waits in an inbox."""

    kind: str
    body: msgspec.Raw


_HEAD_FIELDS: Final = tuple(f.name for f in fields(Head) if f.name not in {"form", "outputs"})
_encoder: Final = msgspec.json.Encoder()
_head: Final = msgspec.json.Decoder(Head)
_pointer: Final = msgspec.json.Decoder(Pointer)
_scope: Final = msgspec.json.Decoder(StoredScope)
_undo: Final = msgspec.json.Decoder(Undo)
_record: Final = msgspec.json.Decoder(StepRecord)
_T = TypeVar("_T")


def dump_json(value: Json | Data) -> str:
    """Return JSON text that `load_json` reads back equal, kinds of numbers included."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def load_json(text: str | bytes) -> Any:
    """Read what `dump_json` wrote."""
    return json.loads(text)


def encode_head(instance: Instance) -> bytes:
    """Return the stored text of the head."""
    outputs = None if instance.outputs is None else dump_json(instance.outputs)
    values: dict[str, Any] = {name: getattr(instance, name) for name in _HEAD_FIELDS}
    return _encoder.encode(Head(outputs=outputs, **values))


def encode_parts(instance: Instance, names: Iterable[str]) -> dict[str, bytes | None]:
    """Return the stored text of the named parts; None for one that is gone."""
    return {name: _encode_part(instance, name) for name in names}


def _encode_part(instance: Instance, name: str) -> bytes | None:
    kind, key = name[:2], name[2:]
    match kind:
        case "p/":
            pointer = instance.pointers.get(key)
            return None if pointer is None else _encode_pointer(pointer)
        case "d/":
            path, _, item = key.partition("\n")
            scope = instance.scopes.get(path)
            found = scope is not None and item in scope.data
            return dump_json(scope.data[item]).encode() if scope is not None and found else None
        case "s/":
            return _encode_scope(instance.scopes.get(key))
        case "u/":
            undo = instance.undo.get(int(key))
            return None if undo is None else _encode_undo(undo)
        case "l/":
            values = instance.lists.get(key)
            return None if values is None else dump_json(list(values)).encode()
        case _:
            return dump_json(instance.variables).encode()


def _encode_pointer(pointer: Pointer) -> bytes:
    return _encoder.encode(pointer)


def _encode_scope(scope: Scope | None) -> bytes | None:
    if scope is None:
        return None
    stored = StoredScope(
        parent=scope.parent,
        locals=dump_json(scope.locals),
        cursors=scope.cursors,
        size=scope.size,
        held=scope.held,
        closed=scope.closed,
    )
    return _encoder.encode(stored)


def _encode_undo(undo: Undo) -> bytes:
    return _encoder.encode(undo)


def decode(head: bytes, parts: Mapping[str, bytes]) -> Instance:
    """Build the instance from its stored head and parts.

    Raises:
        StoredFormUnknown: the text is not of a form that this version knows.
    """
    try:
        stored = _head.decode(head)
        if stored.form != FORM:
            raise StoredFormUnknown(
                f"the instance was stored in form {stored.form}, this version reads form {FORM}; "
                "use the version that wrote it, or a later one"
            )
        values = {name: getattr(stored, name) for name in _HEAD_FIELDS}
        outputs = None if stored.outputs is None else load_json(stored.outputs)
        return Instance(outputs=outputs, **values, **_decode_parts(parts))
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoredFormUnknown(f"the stored instance cannot be read: {error}") from error


def _decode_parts(parts: Mapping[str, bytes]) -> dict[str, Any]:
    scopes: dict[str, Scope] = {}
    data: dict[str, dict[str, Json]] = {}
    found: dict[str, Any] = {"pointers": {}, "undo": {}, "lists": {}, "variables": {}}
    for name, text in parts.items():
        kind, key = name[:2], name[2:]
        match kind:
            case "p/":
                found["pointers"][key] = _pointer.decode(text)
            case "d/":
                path, _, item = key.partition("\n")
                data.setdefault(path, {})[item] = load_json(text)
            case "s/":
                stored = _scope.decode(text)
                scopes[key] = Scope(
                    parent=stored.parent,
                    locals=load_json(stored.locals),
                    cursors=stored.cursors,
                    size=stored.size,
                    held=stored.held,
                    closed=stored.closed,
                )
            case "u/":
                found["undo"][int(key)] = _undo.decode(text)
            case "l/":
                found["lists"][key] = tuple(load_json(text))
            case _:
                found["variables"] = load_json(text)
    found["scopes"] = {path: replace(scope, data=data.get(path, {})) for path, scope in scopes.items()}
    return found


def encode_record(record: StepRecord) -> bytes:
    """Return the stored text of a history record."""
    return _encoder.encode(record)


def decode_record(text: bytes) -> StepRecord:
    """Read a history record."""
    return _record.decode(text)


def encode_signal(signal: Signal) -> bytes:
    """Return the stored text of a signal that waits in an inbox."""
    body = msgspec.Raw(_encoder.encode(signal))
    return _encoder.encode(StoredSignal(kind=type(signal).__name__, body=body))


def decode_signal(text: bytes) -> Signal:
    """Read a signal."""
    stored = msgspec.json.decode(text, type=StoredSignal)
    return msgspec.json.decode(stored.body, type=SIGNALS[stored.kind])


def to_plain(value: object) -> Any:
    """Return dataclasses as JSON-ready dicts, for output and tests."""
    return msgspec.to_builtins(value)
