"""Making an instance of a workflow that the cluster has, or of a file's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wfe.errors import NameTaken, Permanent
from wfe.expr.duration import parse_duration
from wfe.expr.errors import ExpressionError
from wfe.graph.fields import coerce_inputs, resolve_inputs
from wfe.graph.graph import Graph
from wfe.hosts.cli.cluster.applying import Applied, apply, read_sources
from wfe.hosts.cli.cluster.objects import Object, fresh_name, instance_object
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.embedded.files import chosen
from wfe.hosts.embedded.resources import resource_name
from wfe.hosts.kubernetes.verdict import judge
from wfe.kube import AlreadyExists
from wfe.model.json import Json
from wfe.providers.customresource.names import INSTANCES
from wfe.runtime.clock import SystemClock

_FILE: Final = re.compile(r"/|\\|\.ya?ml$")


class NotStarted(Permanent):
    """No instance was made; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What its user wants an instance to be. Texts become values by the types that the workflow declares."""

    input_texts: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)
    variable_texts: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)
    name: str | None = None
    reference: str | None = None
    ttl: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow that the cluster has now, and what became of its file."""

    name: str
    graph: Graph
    applied: tuple[Applied, ...] = ()


def is_file(what: str) -> bool:
    """Say whether an argument names a file, rather than a workflow of the cluster."""
    return bool(_FILE.search(what)) or Path(what).is_file()


async def from_file(
    room: Room, path: Path, workflow: str | None, variables: Mapping[str, Json], *, force: bool
) -> Target:
    """Apply a file, and return the workflow of it that is meant."""
    (source,) = read_sources([path], variables)
    found = chosen(source.workflows, workflow, str(path)).graph
    applied = await apply(room, source, force=force)
    return Target(resource_name(found.workflow.id), found, tuple(applied))


async def from_cluster(room: Room, name: str) -> Target:
    """Return a workflow of the cluster.

    Raises:
        NotFound: there is none.
        NotStarted: it is invalid.
    """
    found = await room.workflow(name)
    spec = found.get("spec")
    if isinstance(spec, dict):
        spec = {"id": name, **spec}  # one that has no id has the object's name
    verdict = judge(spec, annotations=found["metadata"].get("annotations", {}))
    if verdict.graph is None:
        raise NotStarted(f"workflow `{name}` is not valid, so nothing can be started:\n{verdict.message}")
    return Target(name, verdict.graph)


async def submit(room: Room, target: Target, wish: Wish) -> Object:
    """Make an instance and return its object.

    Raises:
        InputsInvalid: an input is missing or of the wrong type; nothing was made.
        NameTaken: there is an instance of that name.
    """
    graph = target.graph
    inputs = {**wish.inputs, **coerce_inputs(graph, wish.input_texts)}
    variables = {**wish.variables, **coerce_inputs(graph, wish.variable_texts)}
    if wish.version in (None, graph.workflow.version):
        resolve_inputs(graph, inputs, variables)
    ref: dict[str, Any] = {"name": target.name}
    if wish.version is not None:
        ref["version"] = wish.version
    spec = {
        "workflowRef": ref,
        "inputs": inputs,
        "variables": variables,
        "ttlAfterFinished": checked_duration(wish.ttl, "--ttl"),
        "reference": wish.reference,
    }
    return await make(room, wish.name or fresh_name(target.name, SystemClock().new_id()), spec)


async def make(room: Room, name: str, spec: Mapping[str, Any]) -> Object:
    """Make an instance, or find the one that an earlier try of the same command made."""
    body = instance_object(name, spec)
    try:
        return await room.client.create(INSTANCES, body, room.namespace)
    except AlreadyExists as error:
        if error.unclear:
            found = await room.instance(name)
            if body["spec"].items() <= found["spec"].items():
                return found
        raise NameTaken(
            f"there is an instance `{name}` already; `{room.place.line('watch', name)}` follows it, "
            "or choose another --name"
        ) from error


def checked_duration(text: str | None, option: str) -> str | None:
    """Return a duration as it was written.

    Raises:
        NotStarted: it is none.
    """
    if text is None:
        return None
    try:
        parse_duration(text)
    except ExpressionError as error:
        raise NotStarted(f"{option}: {error}") from error
    return text
