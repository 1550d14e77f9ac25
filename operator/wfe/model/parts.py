"""The names of an instance's parts: what a save writes, and nothing else.

`p/<path>` a pointer, `s/<path>` a scope without its data, `d/<path>\\n<key>` one top-level key of a scope's
data, `u/<seq>` an undo record, `l/<name>` a list, `v/` what it was given. Paths hold no line breaks; keys may.
"""

from typing import Final

from wfe.model.instance import Instance

GIVEN: Final = "v/"


def pointer_part(path: str) -> str:
    return f"p/{path}"


def scope_part(path: str) -> str:
    return f"s/{path}"


def data_part(scope: str, key: str) -> str:
    return f"d/{scope}\n{key}"


def undo_part(seq: int) -> str:
    return f"u/{seq}"


def list_part(name: str) -> str:
    return f"l/{name}"


def part_names(instance: Instance) -> frozenset[str]:
    """Return the names of every part that the instance has."""
    return frozenset(
        [
            GIVEN,
            *map(pointer_part, instance.pointers),
            *map(scope_part, instance.scopes),
            *(data_part(path, key) for path, scope in instance.scopes.items() for key in scope.data),
            *map(undo_part, instance.undo),
            *map(list_part, instance.lists),
        ]
    )
