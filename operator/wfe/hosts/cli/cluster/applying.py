"""Putting the workflows of files into a namespace."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wfe.errors import DefinitionInvalid, Permanent, Problem
from wfe.graph.workflow import Workflow
from wfe.hosts.cli.cluster.changes import changes
from wfe.hosts.cli.cluster.objects import Object, children_first, workflow_object
from wfe.hosts.cli.cluster.placing import problems
from wfe.hosts.cli.cluster.refusals import denied, is_missing_object
from wfe.hosts.cli.cluster.room import Room
from wfe.hosts.embedded.files import load_file, workflows_of
from wfe.hosts.kubernetes.verdict import VARIABLES
from wfe.kube import ApiConflict, ApiForbidden, ApiInvalid, ApiNotFound
from wfe.language.load import Loaded
from wfe.model.json import Json
from wfe.providers.customresource.names import WORKFLOWS

CREATED: Final = "created"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"


class NotOurs(Permanent):
    """Somebody else manages fields of the object."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read without errors."""

    path: Path
    loaded: Loaded
    workflows: Mapping[str, Workflow]
    variables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one workflow."""

    name: str
    result: str
    differences: Sequence[str] = ()

    def __str__(self) -> str:
        more = f": {', '.join(self.differences)}" if self.differences else ""
        return f"workflow/{self.name} {self.result}{more}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "kind": "Workflow",
            "name": self.name,
            "result": self.result,
            "differences": list(self.differences),
        }


def read_sources(paths: Iterable[Path], variables: Mapping[str, Json]) -> list[Source]:
    """Load files, all of them before anything is applied.

    Raises:
        NotFound: one cannot be read.
        DefinitionInvalid: there are errors; those of all files are listed.
    """
    sources: list[Source] = []
    found: list[Problem] = []
    for path in paths:
        loaded = load_file(path, variables)
        found.extend(loaded.errors)
        if not loaded.errors:
            sources.append(Source(path, loaded, workflows_of(loaded), frozenset(variables)))
    if found:
        raise DefinitionInvalid(tuple(dict.fromkeys(found)))
    return sources


async def apply(room: Room, source: Source, *, force: bool) -> list[Applied]:
    """Apply the workflows of a file, those that others start first.

    Raises:
        DefinitionInvalid: the cluster refuses one; its problems have the file's lines and columns.
        NotOurs: somebody else manages what would change.
    """
    graphs = {name: one.graph for name, one in source.workflows.items()}
    return [
        await _apply(room, source, workflow_object(graph, source.variables), force=force)
        for graph in children_first(graphs)
    ]


async def _apply(room: Room, source: Source, body: Object, *, force: bool) -> Applied:
    name = body["metadata"]["name"]
    before = await _known(room, name)
    try:
        after = await room.client.patch(WORKFLOWS, name, room.namespace, body, kind="apply", force=force)
    except ApiConflict as error:
        raise NotOurs(
            f"workflow `{name}` is managed by somebody else ({error.message}); --force takes it over"
        ) from error
    except (ApiInvalid, ApiForbidden) as error:
        words = denied(error.message)
        if isinstance(error, ApiForbidden) and not words:
            raise
        raise DefinitionInvalid(tuple(_problems(words or error.message, source, body))) from error
    return _applied(name, before, after)


async def _known(room: Room, name: str) -> Object | None:
    try:
        return await room.workflow(name)
    except ApiNotFound as error:
        if is_missing_object(error):
            return None
        raise


def _problems(message: str, source: Source, body: Object) -> Sequence[Problem]:
    digests = [one for one in source.loaded.workflows if one.graph.workflow.id == body["spec"]["id"]]
    newest = max(digests, key=lambda one: one.graph.workflow.version)
    return problems(message, newest)


def _applied(name: str, before: Object | None, after: Object) -> Applied:
    if before is None:
        return Applied(name, CREATED)
    differences = changes(before["spec"], after["spec"])
    if not differences and _variables(before) != _variables(after):
        differences = ["its variables"]
    return Applied(name, CHANGED if differences else UNCHANGED, differences)


def _variables(found: Object) -> Any:
    return found["metadata"].get("annotations", {}).get(VARIABLES)
