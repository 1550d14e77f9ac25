"""The JSON Schema of workflow files, from the models that read them."""

from typing import Any

from wfe.definition import WorkflowModel


def file_schema() -> dict[str, Any]:
    """Return the schema of a file: a workflow or a list of them, includes and templates."""
    workflow = WorkflowModel.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    definitions = workflow.pop("$defs", {})
    reference = {"$ref": "#/$defs/Workflow"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "WFE workflow file",
        "type": "object",
        "properties": {
            "workflow": reference,
            "workflows": {"type": "array", "items": reference, "description": "Several workflows."},
            "include": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Paths of files whose workflows are known here, relative to this file.",
            },
            "_templates": {"description": "Anything, to put anchors on."},
        },
        "additionalProperties": False,
        "$defs": {**definitions, "Workflow": workflow},
    }
