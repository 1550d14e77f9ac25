"""What is different in a workflow, said by the names of its steps. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_SAID: Final = 6


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[str]:
    """Return what is different between two specs: `step build added`, `inputs`."""
    said = _steps(_list(before.get("steps")), _list(after.get("steps")))
    said += [key for key in _keys(before, after) if key != "steps" and before.get(key) != after.get(key)]
    if len(said) > MOST_SAID:
        return [*said[:MOST_SAID], f"{len(said) - MOST_SAID} more"]
    return said


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*after, *before]))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _steps(before: list[Any], after: list[Any]) -> list[str]:
    old, new = _named(before), _named(after)
    said = []
    for name in dict.fromkeys([*new, *old]):
        if name not in old:
            said.append(f"step {name} added")
        elif name not in new:
            said.append(f"step {name} removed")
        elif old[name] != new[name]:
            said.append(f"step {name}")
    if not said and before != after:
        said.append("the order of the steps")
    return said


def _named(steps: list[Any]) -> dict[str, str]:
    """Return the outermost steps by their names; one without a name is known by its place."""
    found: dict[str, str] = {}
    for number, step in enumerate(steps, 1):
        name = step.get("name") if isinstance(step, dict) else None
        found[str(name or number)] = json.dumps(step, sort_keys=True)
    return found
