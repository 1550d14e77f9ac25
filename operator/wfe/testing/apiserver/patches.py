"""Patches: merge patches as RFC 7386 has them, and the operations of JSON patches that are in use."""

from typing import Any

from wfe.testing.apiserver.refusals import Refused


def merged(target: Any, patch: Any) -> Any:
    """Return `target` with a merge patch: null deletes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def operated(target: Any, operations: list[dict[str, Any]]) -> Any:
    """Return `target` after the operations add, remove, replace and test; `target` is changed."""
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = target
        for part in way:
            place = _inside(place, part)
        _operate(place, last, operation)
    return target


def _operate(place: Any, last: str, operation: dict[str, Any]) -> None:
    match operation["op"]:
        case "test":
            if _inside(place, last) != operation["value"]:
                raise Refused(422, f"testing path {operation['path']} failed")
        case "add" if isinstance(place, list):
            place.insert(len(place) if last == "-" else int(last), operation["value"])
        case "add":
            place[last] = operation["value"]
        case "replace":
            _inside(place, last)
            place[int(last) if isinstance(place, list) else last] = operation["value"]
        case "remove":
            _inside(place, last)
            del place[int(last) if isinstance(place, list) else last]
        case other:
            raise Refused(400, f"this server knows no operation {other}")


def _inside(place: Any, part: str) -> Any:
    try:
        return place[int(part)] if isinstance(place, list) else place[part]
    except (KeyError, IndexError, ValueError, TypeError):
        raise Refused(422, f"the path has no {part}") from None
