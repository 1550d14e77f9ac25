"""The objects that commands make. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from wfe.graph.graph import Graph
from wfe.hosts.embedded.resources import API_VERSION, resource, resource_name
from wfe.hosts.kubernetes.verdict import VARIABLES

Object = dict[str, Any]
# Of thousands with the same beginning no two are likely to meet.
NAME_DIGITS: Final = 8


def workflow_object(graph: Graph, variables: Iterable[str] = ()) -> Object:
    """Return a workflow as an object.

    Args:
        graph: the workflow.
        variables: the names of variables that its instances bring; without them its placeholders are unknown.
    """
    made = resource(graph)
    names = ",".join(sorted(variables))
    if names:
        made["metadata"]["annotations"] = {VARIABLES: names}
    return made


def children_first(graphs: Mapping[str, Graph]) -> Sequence[Graph]:
    """Return workflows so that each stands behind those that it starts, which the cluster then knows already."""
    placed: dict[str, Graph] = {}
    begun: set[str] = set()

    def place(name: str) -> None:
        if name not in graphs or name in begun:
            return
        begun.add(name)
        for child, _ in sorted(graphs[name].children(), key=str):
            place(child)
        placed[name] = graphs[name]

    for name in graphs:
        place(name)
    return list(placed.values())


def instance_object(name: str, spec: Mapping[str, Any]) -> Object:
    """Return an instance as an object; of its spec only what says something."""
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkflowInstance",
        "metadata": {"name": name},
        "spec": {key: value for key, value in spec.items() if value not in (None, {}, "")},
    }


def event_object(name: str, spec: Mapping[str, Any]) -> Object:
    """Return a published event as an object."""
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkflowEvent",
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def fresh_name(start: str, new_id: str) -> str:
    """Return the name of an object that was given none: it begins as its workflow's or its event's."""
    return f"{resource_name(start)[: 63 - NAME_DIGITS - 1].rstrip('-')}-{new_id[:NAME_DIGITS]}"
