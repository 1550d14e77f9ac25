"""Carried ends: what a retry of an ended instance knows already, so that its completed leaves do not run again.

They are lists of one value, `carried/<path>`, that are taken when the visit of that path begins.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from wfe.engine.draft import Draft
from wfe.graph.graph import Graph
from wfe.graph.node import EndSpec
from wfe.model.json import Json
from wfe.model.record import StepRecord
from wfe.model.status import StepStatus

PREFIX: Final = "carried/"


def completed(graph: Graph, history: Iterable[StepRecord]) -> dict[str, dict[str, Json]]:
    """Return the outputs of every leaf that completed and was not undone, by the path of its visit."""
    found = {}
    for record in history:
        node = graph.nodes.get(record.node)
        is_leaf = node is not None and not node.children and not isinstance(node.spec, EndSpec)
        if is_leaf and record.status is StepStatus.COMPLETE:
            found[record.path] = record.outputs
    return found


def keep(draft: Draft, ends: Mapping[str, dict[str, Json]]) -> None:
    """Give a new instance what it need not do again."""
    for path, outputs in ends.items():
        draft.put_list(PREFIX + path, (outputs,))


def take(draft: Draft, path: str) -> dict[str, Json] | None:
    """Return what the visit of that path put out in the instance that is retried, once."""
    values = draft.lists.get(PREFIX + path)
    if values is None:
        return None
    draft.drop_list(PREFIX + path)
    outputs = values[0]
    return outputs if isinstance(outputs, dict) else {}


def drop_all(draft: Draft) -> None:
    draft.drop_lists(PREFIX)
