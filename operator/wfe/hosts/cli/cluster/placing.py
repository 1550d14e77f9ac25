"""From the field paths of a refusal to the lines of the file that the object came from. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from wfe.definition.findings import Where, field_path
from wfe.errors import Problem
from wfe.language.load import LoadedWorkflow
from wfe.language.tree import Map, Scalar

# `spec.steps[2].config.run: what is wrong`, as the webhook and the schema of a custom resource say it.
_SAID: Final = re.compile(r"^(?P<path>spec(?:[.\[][^\s:]*)?): (?P<what>.+)$", re.DOTALL)
_PART: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_BY_SCHEMA: Final = re.compile(r'^\S+ "[^"]*" is invalid: (?P<list>.*)$', re.DOTALL)


def problems(message: str, workflow: LoadedWorkflow) -> Sequence[Problem]:
    """Return what an API server said of a workflow, each with line and column; what has no place, without."""
    return [_placed(line, workflow) for line in _lines(message)]


def _lines(message: str) -> Iterable[str]:
    found = _BY_SCHEMA.match(message)
    if found is None:
        return [line for line in message.splitlines() if line.strip()]
    inside = found["list"]
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    return re.split(r", (?=spec[.\[:])", inside)


def _placed(said: str, workflow: LoadedWorkflow) -> Problem:
    found = _SAID.match(said)
    if found is None:
        return Problem(what=said, remedy="", file=workflow.positions.file)
    where = _where(found["path"].removeprefix("spec"))
    line, column = workflow.positions.line_column((*_root(workflow), *where))
    return Problem(
        what=found["what"],
        remedy="",
        file=workflow.positions.file,
        line=line,
        column=column,
        field=field_path(where),
    )


def _where(path: str) -> Where:
    return tuple(name or int(number) for name, number in _PART.findall(path))


def _root(workflow: LoadedWorkflow) -> Where:
    """Return where in its file a workflow stands."""
    tree = workflow.positions.tree
    entries = tree.entries() if isinstance(tree, Map) else {}
    if "workflows" not in entries:
        return ("workflow",)
    _, listed = entries["workflows"]
    for number, item in enumerate(getattr(listed, "items", [])):
        _, written = item.entries().get("id", (None, None)) if isinstance(item, Map) else (None, None)
        if isinstance(written, Scalar) and written.text == workflow.graph.workflow.id:
            return ("workflows", number)
    return ("workflows",)
