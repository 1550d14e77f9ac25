"""Workflows as Kubernetes resources."""

import json
import re
from typing import Any, Final

from wfe.graph.graph import Graph

API_VERSION: Final = "wfe.sunbeam.pt/v1alpha1"
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def resource_name(workflow: str) -> str:
    """Return the name of a workflow's resource: its id, in the letters that Kubernetes allows."""
    if _LABEL.fullmatch(workflow):
        return workflow
    return re.sub(r"[^a-z0-9]+", "-", workflow.lower()).strip("-")[:63].strip("-") or "workflow"


def resource(graph: Graph) -> dict[str, Any]:
    """Return a workflow as a `Workflow` resource; its spec is the normalized definition."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": {"name": resource_name(graph.workflow.id)},
        "spec": json.loads(graph.source)["workflow"],
    }
