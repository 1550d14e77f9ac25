"""Reading instances: from an object's status and the chunks that it refers to."""

from collections.abc import Sequence
from typing import Any

from wfe.kube import ApiNotFound
from wfe.model import codec
from wfe.model.instance import Instance
from wfe.ports.store import Summary
from wfe.providers.customresource.blobs import Chunks
from wfe.providers.customresource.kinds import Engine, InstanceObject
from wfe.providers.customresource.layout import Layout
from wfe.providers.customresource.records import Archive
from wfe.providers.customresource.saves import WHOLE_HEAD, size_in_status, weight_of
from wfe.providers.customresource.table import Stored


class ChunksGone(Exception):
    """A chunk that the status refers to is not there: the status is old, or somebody deleted the chunk."""


async def contents(chunks: Chunks, engine: Engine) -> list[dict[str, str]]:
    """Return what is in each chunk of an instance.

    Raises:
        ChunksGone: look at the object again.
    """
    try:
        return await chunks.read_all(engine.chunks)
    except ApiNotFound as error:
        raise ChunksGone(error.message) from error


def stored_in(found: InstanceObject, engine: Engine, held: Sequence[dict[str, str]]) -> Stored:
    """Return how a status is laid out."""
    inline = {name: size_in_status(name, text) for name, text in engine.parts.items()}
    sizes = {
        chunk: {name: len(text) for name, text in texts.items()}
        for chunk, texts in zip(engine.chunks, held, strict=True)
    }
    return Stored(
        revision=engine.revision,
        layout=Layout.found(inline, sizes, engine.gone),
        ring={number: weight_of(number, text) for number, text in engine.ring.items()},
        archive=Archive(tuple(engine.history), engine.archived),
        recent=tuple(found.status.recent),
        conditions=tuple(found.status.conditions),
    )


def instance_in(engine: Engine, held: Sequence[dict[str, str]]) -> Instance:
    """Build the instance from its status and its chunks."""
    texts: dict[str, str] = {}
    for one in held:
        texts.update(one)
    for name in engine.gone:
        texts.pop(name, None)
    texts.update(engine.parts)
    head = texts.pop(WHOLE_HEAD, engine.head)
    return codec.decode(head.encode(), {name: text.encode() for name, text in texts.items()})


def summary_in(found: dict[str, Any]) -> Summary | None:
    """Return what a list shows of an object; None if it has not begun."""
    head = found.get("status", {}).get("engine", {}).get("head")
    return Summary.of(codec.decode_head(head.encode())) if head else None
