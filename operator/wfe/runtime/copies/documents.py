"""What of an instance is searched: the text of its inputs, outputs, step names and failure."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from wfe.errors import NotFound
from wfe.graph.graph import Graph
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.json import Json
from wfe.ports.search import Document
from wfe.ports.store import Summary

LONGEST = 64 * 1024


async def document_with_steps(
    instance: Instance, workflow: Callable[[WorkflowRef], Awaitable[Graph]]
) -> Document:
    """Return the document of an instance with the names of all steps of its workflow.

    Args:
        instance: with its data.
        workflow: finds the workflow that an instance is pinned to.
    """
    try:
        graph = await workflow(instance.workflow)
    except NotFound:
        return document_of(instance)  # built in Python, by somebody else
    return document_of(instance, [node.name for node in graph.nodes.values() if not node.hidden])


def document_of(instance: Instance, step_names: Iterable[str] = ()) -> Document:
    """Return the document of an instance; of more than 64 Ki characters the first count.

    Args:
        instance: with its data.
        step_names: of its workflow; those of its live visits are known.
    """
    pieces = [
        instance.name,
        instance.id,
        instance.workflow.id,
        instance.reference or "",
        instance.reason or "",
        instance.message or "",
        str(instance.failure) if instance.failure else "",
        *step_names,
        *instance.pointers,
        *_texts(dict(instance.inputs)),
        *_texts(dict(instance.outputs or {})),
        *_texts(dict(instance.data)),
    ]
    return Document(Summary.of(instance), _joined(pieces))


def _joined(pieces: Iterable[str]) -> str:
    text: dict[str, None] = {}
    size = 0
    for piece in pieces:
        if piece and piece not in text:
            text[piece[: LONGEST - size]] = None
            size += len(piece) + 1
        if size >= LONGEST:
            break
    return "\n".join(text)


def _texts(value: Json) -> Iterator[str]:
    """Yield every key and value; lists of lists as deep as they are, without recursion."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case Mapping() as mapping:
                waiting.extend(reversed([*mapping.values()]))
                yield from mapping
            case list() | tuple() as values:
                waiting.extend(reversed(values))
            case bool() | None:
                continue
            case other:
                yield str(other)
