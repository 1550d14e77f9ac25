"""The CustomResourceDefinitions. `hack/gen-crds` writes them into crds/."""

from typing import Any, Final

from wfe.kube.resource import Resource
from wfe.providers.customresource.api.event import EventSpec
from wfe.providers.customresource.api.fields import RULES, Schema
from wfe.providers.customresource.api.instance import InstanceSpec, InstanceStatus
from wfe.providers.customresource.api.structural import schema_of
from wfe.providers.customresource.api.workflow import NAME_RULES, WorkflowStatus, workflow_spec
from wfe.providers.customresource.names import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS

SELECTABLE: Final = (
    ".status.active",
    ".status.phase",
    ".spec.workflowRef.name",
    ".spec.reference",
    ".spec.parent.id",
    ".spec.parent.name",
)
# Otherwise each save has the server note for every key of the engine's maps who wrote it, and store that beside them.
_OWNED_AS_A_WHOLE: Final = {"x-kubernetes-map-type": "atomic"}
_AGE: Final = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def definitions() -> dict[str, dict[str, Any]]:
    """Return the definitions by the names of their files."""
    return {
        "workflows.yaml": workflows(),
        "workflowinstances.yaml": instances(),
        "workflowevents.yaml": events(),
    }


def workflows() -> dict[str, Any]:
    """Return the definition of Workflow."""
    schema = {
        "spec": workflow_spec(),
        "status": schema_of(WorkflowStatus),
    }
    columns = [
        _column("Version", ".status.version", "integer"),
        _column("Steps", ".status.steps", "integer"),
        _column("Accepted", '.status.conditions[?(@.type=="Accepted")].status'),
        _column("Reason", '.status.conditions[?(@.type=="Accepted")].reason', wide=True),
        _column("Message", '.status.conditions[?(@.type=="Accepted")].message', wide=True),
        _AGE,
    ]
    return _definition(
        WORKFLOWS, "wfd", "A workflow: steps that instances of it run.", schema, columns, rules=NAME_RULES
    )


def instances() -> dict[str, Any]:
    """Return the definition of WorkflowInstance."""
    schema = {"spec": schema_of(InstanceSpec), "status": {**schema_of(InstanceStatus), **_OWNED_AS_A_WHOLE}}
    columns = [
        _column("Workflow", ".spec.workflowRef.name"),
        _column("Phase", ".status.phase"),
        _column("Progress", ".status.progress"),
        _column("Step", ".status.step"),
        _column("Reason", ".status.reason"),
        _column("Duration", ".status.duration"),
        _AGE,
        _column("Version", ".status.workflow.version", "integer", wide=True),
        _column("Parent", ".spec.parent.name", wide=True),
        _column("Message", ".status.message", wide=True),
    ]
    return _definition(INSTANCES, "wfi", "One run of a workflow.", schema, columns, selectable=SELECTABLE)


def events() -> dict[str, Any]:
    """Return the definition of WorkflowEvent."""
    columns = [
        _column("Event", ".spec.event"),
        _column("Key", ".spec.key"),
        _column("Expires", ".spec.expiresAfter", wide=True),
        _column("Activity", ".spec.activity.path", wide=True),
        _AGE,
    ]
    about = "Something that workflows wait for, or the report of an activity."
    schema = {"spec": schema_of(EventSpec)}
    return _definition(
        WORKFLOW_EVENTS, "wfev", about, schema, columns, selectable=(".spec.event", ".spec.key")
    )


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path, **({"priority": 1} if wide else {})}


def _definition(  # noqa: PLR0913 - what differs between kinds
    resource: Resource,
    short_name: str,
    about: str,
    properties: dict[str, Schema],
    columns: list[dict[str, Any]],
    *,
    selectable: tuple[str, ...] = (),
    rules: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    schema: Schema = {
        "type": "object",
        "description": about,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **properties,
        },
    }
    if rules:
        schema[RULES] = rules
    version = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": columns,
        **({"selectableFields": [{"jsonPath": path} for path in selectable]} if selectable else {}),
        **({"subresources": {"status": {}}} if "status" in properties else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{resource.group}"},
        "spec": {
            "group": resource.group,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [short_name],
                "categories": ["wfe"],
            },
            "versions": [version],
        },
    }
