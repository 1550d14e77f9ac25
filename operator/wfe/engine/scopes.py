"""Scopes: opening one for a branch or an iteration, writing into it, merging it into what surrounds it.

Limits are those of the language: 64 KiB a value that a step puts out, 4 MiB of data an instance.
"""

import json
from collections.abc import Mapping
from typing import Final

from wfe.engine.draft import Draft
from wfe.model.change import replace
from wfe.model.failure import Failure, Reason
from wfe.model.instance import ROOT, Scope
from wfe.model.json import Data, Json
from wfe.model.parts import data_part, scope_part

MAX_VALUE: Final = 64 * 1024
MAX_DATA: Final = 4 * 1024 * 1024


def json_size(value: Json) -> int:
    """Return the bytes of a value as JSON text."""
    if value is None or isinstance(value, bool | int | float):
        return len(repr(value))
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def open_scope(draft: Draft, path: str, parent: str, local_values: Data) -> str:
    """Open a scope inside another and return its path."""
    draft.scopes[path] = Scope(parent=parent, locals=local_values)
    draft.touched.add(scope_part(path))
    return path


def put_scope(draft: Draft, path: str, scope: Scope) -> None:
    draft.scopes[path] = scope
    draft.touched.add(scope_part(path))


def refusal(outputs: Data) -> Failure | None:
    """Say which output is too large for the data, if one is."""
    for key, value in outputs.items():
        size = json_size(value) if isinstance(value, str | list | dict) else 0
        if size > MAX_VALUE:
            return Failure(
                reason=Reason.OUTPUTS_INVALID,
                message=f"output `{key}` has {size} bytes, more than the {MAX_VALUE // 1024} KiB a value may have; "
                "write it to a file in the workspace and put out the file's name",
            )
    return None


def write(draft: Draft, path: str, values: Data) -> Failure | None:
    """Merge values into a scope at the top level; say why not if the instance's data would grow too large."""
    if not values:
        return None
    scope = draft.scopes[path]
    growth = sum(
        json_size(value) + len(key) - (json_size(scope.data[key]) + len(key) if key in scope.data else 0)
        for key, value in values.items()
    )
    if growth > 0 and growth + total_size(draft) > MAX_DATA:
        return Failure(
            reason=Reason.OUTPUTS_INVALID,
            message=f"the instance's data would exceed {MAX_DATA // 1024 // 1024} MiB; "
            "keep large values in files of the workspace",
        )
    data = {**scope.data, **values}
    put_scope(draft, path, replace(scope, data=data, size=scope.size + growth))
    draft.touched.update(data_part(path, key) for key in values)
    return None


def total_size(draft: Draft) -> int:
    return sum(scope.size for scope in draft.scopes.values())


def cursor(draft: Draft, path: str, event: str, key: str) -> int:
    """Return the number of the last event of that name and key that this path of execution has taken."""
    name, found = f"{event}\n{key}", 0
    at: str | None = path
    while at is not None:
        scope = draft.scopes[at]
        found = max(found, scope.cursors.get(name, 0))
        at = scope.parent
    return found


def move_cursor(draft: Draft, path: str, event: str, key: str, sequence: int) -> None:
    scope = draft.scopes[path]
    put_scope(
        draft, path, replace(scope, cursors=later_cursors(scope.cursors, {f"{event}\n{key}": sequence}))
    )


def later_cursors(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    """Return the further of two sets of cursors, key by key."""
    return {name: max(ours.get(name, 0), theirs.get(name, 0)) for name in {**ours, **theirs}}


def take(draft: Draft, path: str) -> tuple[Data, Mapping[str, int]]:
    """Close a scope and return what it wrote; it goes unless an undo record needs it."""
    scope = draft.scopes[path]
    if scope.held:
        put_scope(draft, path, replace(scope, closed=True))
    else:
        _drop(draft, path)
    return scope.data, scope.cursors


def merge(draft: Draft, path: str, data: Data, cursors: Mapping[str, int]) -> Failure | None:
    """Merge what a closed scope wrote into a surrounding one."""
    if cursors:
        scope = draft.scopes[path]
        put_scope(draft, path, replace(scope, cursors=later_cursors(scope.cursors, cursors)))
    return write(draft, path, data)


def discard(draft: Draft, path: str) -> None:
    """Close a scope whose writes do not count."""
    if path in draft.scopes:
        take(draft, path)


def hold(draft: Draft, path: str, by: int) -> None:
    """Let an undo record hold (+1) or let go of (-1) a scope and those around it."""
    at: str | None = path
    while at is not None and at != ROOT:
        scope = draft.scopes[at]
        held = scope.held + by
        if held == 0 and scope.closed:
            _drop(draft, at)
        else:
            put_scope(draft, at, replace(scope, held=held))
        at = scope.parent


def _drop(draft: Draft, path: str) -> None:
    scope = draft.scopes.pop(path)
    draft.touched.add(scope_part(path))
    draft.touched.update(data_part(path, key) for key in scope.data)


def drop_all(draft: Draft) -> None:
    """Forget every scope."""
    for path in list(draft.scopes):
        _drop(draft, path)


def open_root(draft: Draft, inputs: Data) -> None:
    """Open the instance's own scope; the inputs are its first content."""
    draft.scopes[ROOT] = Scope(parent=None)
    draft.touched.add(scope_part(ROOT))
    write(draft, ROOT, inputs)
