"""The language as values: models of what is written, checks of what it means, and the graph that comes of it."""

from wfe.definition.compile import compile_workflow
from wfe.definition.findings import Finding, Severity, field_path
from wfe.definition.read import Read, read_workflow, read_workflows
from wfe.definition.source import model_from_source
from wfe.definition.workflow import WorkflowModel
from wfe.graph.graph import Graph


def graph_from_source(source: str) -> Graph:
    """Compile a stored definition.

    Raises:
        SourceUnknown: it was written by a later version, or by nobody we know.
    """
    return compile_workflow(model_from_source(source))


__all__ = [
    "Finding",
    "Read",
    "Severity",
    "WorkflowModel",
    "compile_workflow",
    "field_path",
    "graph_from_source",
    "model_from_source",
    "read_workflow",
    "read_workflows",
]
