"""The names of instances that were given none."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from wfe.engine import Birth
from wfe.errors import NameTaken
from wfe.graph.graph import Graph

DIGITS: Final = (6, 12)


async def named(graph: Graph, birth: Birth, create: Callable[[Birth], Awaitable[str]]) -> str:
    """Create an instance and return its id, under a name of its own if it has none yet.

    The name is the workflow's with the beginning of the id, a longer one where another instance has that: no store is
    too full to start one more.

    Raises:
        NameTaken: another instance has the name that was given.
    """
    if birth.name:
        return await create(birth)
    for digits in DIGITS:
        with suppress(NameTaken):
            return await create(_with_digits(graph, birth, digits))
    return await create(_with_digits(graph, birth, len(birth.id)))


def _with_digits(graph: Graph, birth: Birth, digits: int) -> Birth:
    return replace(birth, name=f"{graph.workflow.id}-{birth.id[:digits]}")
