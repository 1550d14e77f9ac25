"""What the loader says about the spec of a Workflow: a graph, or problems with their field paths. Pure.

A resource has no lines and no files beside it, so a problem says where it is by its field, in the words of
`wfe validate`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wfe.definition.findings import Finding, field_path
from wfe.definition.read import read_workflow
from wfe.definition.workflow import WorkflowModel
from wfe.errors import NotFound
from wfe.graph.graph import Graph
from wfe.language.scripts import Inliner

MOST_BYTES: Final = 512 * 1024
MOST_NODES: Final = 100_000
MOST_LEVELS: Final = 100
MOST_SAID: Final = 20
LONGEST_MESSAGE: Final = 8 * 1024
VARIABLES: Final = "wfe.sunbeam.pt/variables"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of reading a spec; without errors it has a graph."""

    model: WorkflowModel | None
    graph: Graph | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The problems as one text that fits into a condition."""
        return said(self.errors)


def said(errors: Sequence[str]) -> str:
    """Return problems as one text that fits into a condition."""
    lines = [*errors[:MOST_SAID]]
    if len(errors) > MOST_SAID:
        lines.append(f"and {len(errors) - MOST_SAID} more")
    return "\n".join(lines)[:LONGEST_MESSAGE]


def judge(spec: Any, *, annotations: Mapping[str, str] | None = None) -> Verdict:
    """Read the spec of a Workflow. Never raises for what is wrong with it.

    Args:
        spec: as the API server has it.
        annotations: those of the object; one names the variables that its instances bring.
    """
    if not isinstance(spec, dict):
        return _refused("spec: it is not a mapping; write the workflow's `id` and `steps` here")
    too_large = _too_large(spec)
    if too_large is not None:
        return _refused(too_large)
    inliner = Inliner("", _no_files)
    whole = inliner.inlined(spec, ())
    read = read_workflow(whole, variables=_variables(annotations or {}))
    findings = [*map(_without_file, inliner.findings), *read.findings]
    errors = tuple(_said(each) for each in findings if each.is_error)
    warnings = tuple(_said(each) for each in findings if not each.is_error)
    if errors:
        return Verdict(None, None, errors, warnings)
    return Verdict(read.model, read.graph, (), warnings)


def _refused(why: str) -> Verdict:
    return Verdict(None, None, (why,))


def _variables(annotations: Mapping[str, str]) -> Iterable[str]:
    return [name for part in annotations.get(VARIABLES, "").split(",") if (name := part.strip())]


def _no_files(path: str) -> bytes:
    raise NotFound(f"a resource has no files beside it; `wfe apply` and `wfe convert` put `{path}` into it")


def _without_file(finding: Finding) -> Finding:
    return Finding(finding.where, finding.what, "use `wfe apply`, or write the script here")


def _said(finding: Finding) -> str:
    place = ".".join(filter(None, ("spec", field_path(finding.where))))
    return f"{place}: {finding.what}; {finding.remedy}" if finding.remedy else f"{place}: {finding.what}"


def _too_large(spec: dict[str, Any]) -> str | None:
    nodes, pending = 0, [iter([spec])]
    values: list[Any]
    while pending:
        value = next(pending[-1], _END)
        if value is _END:
            pending.pop()
            continue
        nodes += 1
        if nodes > MOST_NODES:
            return f"spec: it has more than {MOST_NODES} values; split it, or loop with `for_each`"
        if isinstance(value, dict | list):
            values = list(value.values()) if isinstance(value, dict) else value
            if len(pending) >= MOST_LEVELS:
                return f"spec: it is more than {MOST_LEVELS} levels deep; make it flatter"
            pending.append(iter(values))
    size = len(json.dumps(spec, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        return (
            f"spec: it has {size} bytes, {MOST_BYTES} are the most; put scripts into the image, or split it"
        )
    return None


_END: Final = object()


def circle(start: Graph, others: Mapping[str, Graph]) -> Sequence[str]:
    """Return the way from a workflow through what it starts back to a workflow on that way; empty if there is none.

    Args:
        start: the workflow.
        others: those that can be started, by id.
    """
    path: list[str] = []
    done: set[str] = set()

    def visit(graph: Graph) -> Sequence[str]:
        name = graph.workflow.id
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return ()
        path.append(name)
        for child, _ in sorted(graph.children(), key=str):
            found = visit(others[child]) if child in others else ()
            if found:
                return found
        path.pop()
        done.add(name)
        return ()

    return visit(start)
