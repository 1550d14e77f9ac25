"""The stored form of an instance: a head and parts, so that a save writes what changed and nothing else.

The head has the small fields and the version of the form; `model.parts` names the parts, `model.forms` says
how fields are written. What a released version wrote loads for ever (`tests/golden/stored`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from wfe.errors import Permanent
from wfe.model.forms import Form, NotJson, dump_ascii, dump_json, load_json
from wfe.model.instance import Instance, Scope, Undo
from wfe.model.json import Json
from wfe.model.pointer import Pointer
from wfe.model.record import StepRecord
from wfe.model.signals import SIGNALS, Signal

__all__ = [
    "FORM",
    "NotJson",
    "StoredFormUnknown",
    "decode",
    "decode_head",
    "decode_record",
    "decode_signal",
    "dump_json",
    "encode_head",
    "encode_parts",
    "encode_record",
    "encode_signal",
    "load_json",
    "to_plain",
]

FORM: Final = 1
_NOT_PLAIN: Final = re.compile("[\0\ud800-\udfff]")


class StoredFormUnknown(Permanent):
    """The text was written by a later version, or by nobody we know."""


_head: Final = Form(
    Instance, without=frozenset({"inputs", "variables", "pointers", "scopes", "undo", "lists"}), tag=FORM
)
_pointer: Final = Form(Pointer)
_scope: Final = Form(Scope, without=frozenset({"data"}))
_undo: Final = Form(Undo)
_record: Final = Form(StepRecord)
_signals: Final = {name: Form(kind, tag=name) for name, kind in SIGNALS.items()}


def encode_head(instance: Instance) -> bytes:
    """Return the stored text of the head."""
    return _head.encode(instance)


def encode_parts(instance: Instance, names: Iterable[str]) -> dict[str, bytes | None]:
    """Return the stored text of the named parts, by their stored names; None for one that is gone.

    A stored name has no NUL and no lone surrogate: a name with such a key is written as JSON.
    """
    return {
        name if name.isascii() and "\0" not in name else _stored_name(name): _encode_part(instance, name)
        for name in names
    }


def _stored_name(name: str) -> str:
    return dump_ascii(name) if _NOT_PLAIN.search(name) else name


def _encode_part(instance: Instance, name: str) -> bytes | None:
    kind, key = name[:2], name[2:]
    match kind:
        case "p/":
            pointer = instance.pointers.get(key)
            return None if pointer is None else _pointer.encode(pointer)
        case "d/":
            path, _, item = key.partition("\n")
            scope = instance.scopes.get(path)
            found = scope is not None and item in scope.data
            return dump_json(scope.data[item]).encode() if scope is not None and found else None
        case "s/":
            scope = instance.scopes.get(key)
            return None if scope is None else _scope.encode(scope)
        case "u/":
            undo = instance.undo.get(int(key))
            return None if undo is None else _undo.encode(undo)
        case "l/":
            values = instance.lists.get(key)
            return None if values is None else dump_json(list(values)).encode()
        case _:
            return dump_json(
                {"inputs": dict(instance.inputs), "variables": dict(instance.variables)}
            ).encode()


def decode_head(head: bytes) -> Instance:
    """Build the instance from its head alone, without its parts.

    Raises:
        StoredFormUnknown: the text is not of a form that this version knows.
    """
    try:
        return _head.decode(head)
    except (msgspec.MsgspecError, ValueError, NotJson) as error:
        raise _unknown(head, error) from error


def decode(head: bytes, parts: Mapping[str, bytes]) -> Instance:
    """Build the instance from its stored head and parts.

    Raises:
        StoredFormUnknown: the text is not of a form that this version knows.
    """
    instance = decode_head(head)
    try:
        return replace(instance, **_decode_parts(parts))
    except (msgspec.MsgspecError, ValueError, NotJson) as error:
        raise StoredFormUnknown(f"the stored instance {instance.id} cannot be read: {error}") from error


def _unknown(head: bytes, error: Exception) -> StoredFormUnknown:
    found = re.match(rb'\{"form":(\d+)', head)
    if found and int(found[1]) != FORM:
        return StoredFormUnknown(
            f"the instance was stored in form {int(found[1])}, this version reads form {FORM}; "
            "use the version that wrote it, or a later one"
        )
    return StoredFormUnknown(f"the stored instance cannot be read: {error}; restore it from a backup")


def _decode_parts(parts: Mapping[str, bytes]) -> dict[str, Any]:
    # In an order that does not depend on the store: visits and undo records as they began, the rest by name.
    scopes: dict[str, Scope] = {}
    data: dict[str, dict[str, Json]] = {}
    found: dict[str, Any] = {"pointers": {}, "undo": {}, "lists": {}}
    for stored, text in sorted(parts.items()):
        name = load_json(stored) if stored.startswith('"') else stored
        kind, key = name[:2], name[2:]
        match kind:
            case "p/":
                found["pointers"][key] = _pointer.decode(text)
            case "d/":
                path, _, item = key.partition("\n")
                data.setdefault(path, {})[item] = load_json(text)
            case "s/":
                scopes[key] = _scope.decode(text)
            case "u/":
                found["undo"][int(key)] = _undo.decode(text)
            case "l/":
                found["lists"][key] = tuple(load_json(text))
            case _:
                found.update(load_json(text))
    found["pointers"] = dict(sorted(found["pointers"].items(), key=lambda item: item[1].seq))
    found["undo"] = dict(sorted(found["undo"].items()))
    found["scopes"] = {
        path: replace(scope, data=data[path]) if path in data else scope for path, scope in scopes.items()
    }
    return found


def encode_record(record: StepRecord) -> bytes:
    """Return the stored text of a history record."""
    return _record.encode(record)


def decode_record(text: bytes) -> StepRecord:
    """Read a history record."""
    return _record.decode(text)


def encode_signal(signal: Signal) -> bytes:
    """Return the stored text of a signal that waits in an inbox, its kind included."""
    form: Form[Any] = _signals[type(signal).__name__]
    return form.encode(signal)


def decode_signal(text: bytes) -> Signal:
    """Read a signal."""
    kind = load_json(text)["form"]
    return _signals[kind].decode(text)


def to_plain(value: object) -> Any:
    """Return dataclasses as JSON-ready dicts, for output and tests."""
    return msgspec.to_builtins(value)
