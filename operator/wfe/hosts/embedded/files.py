"""Workflows from files: the reading and writing around `wfe.language`, which does neither."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wfe.errors import DefinitionInvalid, NotFound, Problem
from wfe.graph.graph import Graph
from wfe.graph.workflow import Workflow
from wfe.language.load import Loaded, load_text


def load_file(path: str | Path, variables: Mapping[str, Any] | None = None) -> Loaded:
    """Load a file and what it includes: its workflows, or its problems.

    Raises:
        NotFound: it cannot be read.
    """
    text = read_bytes(Path(path))
    return load_text(
        text, file=str(path), read=lambda name: Path(name).read_bytes(), variables=tuple(variables or ())
    )


def load_workflows(path: str | Path, variables: Mapping[str, Any] | None = None) -> dict[str, Workflow]:
    """Return the workflows of a file, and of those that it includes, by their ids.

    Args:
        path: a YAML file.
        variables: what its placeholders find besides data, as `--var` gives them to `wfe run`.

    Raises:
        NotFound: the file cannot be read.
        DefinitionInvalid: it has problems; all of them are listed, with their lines and columns.
    """
    return workflows_of(load_file(path, variables), variables)


def workflows_of(loaded: Loaded, variables: Mapping[str, Any] | None = None) -> dict[str, Workflow]:
    """Return what was loaded, by id; of several versions of one the highest counts.

    Raises:
        DefinitionInvalid: it has problems.
    """
    graphs = sorted(
        (one.graph for one in loaded.require().workflows), key=lambda graph: graph.workflow.version
    )
    by_id = {graph.workflow.id: Workflow(graph=graph, variables=dict(variables or {})) for graph in graphs}
    return {one.graph.workflow.id: by_id[one.graph.workflow.id] for one in loaded.workflows}


def load_workflow(
    path: str | Path, variables: Mapping[str, Any] | None = None, *, workflow: str | None = None
) -> Workflow:
    """Return the workflow of a file: the one asked for, else the only one that no other one calls.

    Raises:
        NotFound: the file cannot be read.
        DefinitionInvalid: it has problems, or several workflows and none was asked for.
    """
    return chosen(load_workflows(path, variables), workflow, str(path))


def chosen(workflows: Mapping[str, Workflow], workflow: str | None, file: str) -> Workflow:
    """Return the workflow of that id, or the only one that no other one calls.

    Raises:
        DefinitionInvalid: there is no such one; the message lists those there are.
    """
    names = ", ".join(f"`{name}`" for name in workflows) or "none"
    if workflow is not None:
        if workflow in workflows:
            return workflows[workflow]
        raise _unclear(f"there is no workflow `{workflow}`", f"the file has {names}", file)
    called = {name for one in workflows.values() for name, _ in _calls(one.graph)}
    roots = [one for name, one in workflows.items() if name not in called]
    if len(roots) == 1:
        return roots[0]
    raise _unclear(
        "it is not clear which workflow is meant", f"choose one with --workflow; the file has {names}", file
    )


def _calls(graph: Graph) -> frozenset[tuple[str, int | None]]:
    return frozenset(call for call in graph.children() if call[0] != graph.workflow.id)


def _unclear(what: str, remedy: str, file: str) -> DefinitionInvalid:
    return DefinitionInvalid((Problem(what=what, remedy=remedy, file=file),))


def read_bytes(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        NotFound: it cannot be read; the message says why.
    """
    try:
        return path.read_bytes()
    except IsADirectoryError as error:
        raise NotFound(f"`{path}` is a directory; name a workflow file in it") from error
    except OSError as error:
        raise NotFound(f"`{path}` cannot be read: {error.strerror}") from error
