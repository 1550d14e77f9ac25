"""The JSON schema of workflow files, for editors (`wfe schema`)."""

from typing import Any, Final

from pydantic import BaseModel

from wfe.definition.constructs import Child
from wfe.definition.workflow import WorkflowModel

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE: Final = "#/$defs/{model}"
Schema = dict[str, Any]


def json_schema() -> Schema:
    """Return the schema of a workflow file. Configurations depend on the type of their step."""
    workflow = _schema_of(WorkflowModel)
    definitions: Schema = workflow.pop("$defs")
    definitions["WorkflowModel"] = workflow
    configs = _configs(definitions)
    step = definitions["Step"]
    step["allOf"] = [_when_type(kind, ref) for kind, ref in configs.items()]
    step["properties"]["poll"] = {"$ref": configs.get("poll", "#/$defs/Step")}
    reference = {"$ref": "#/$defs/WorkflowModel"}
    return {
        "$schema": DIALECT,
        "title": "A workflow file",
        "type": "object",
        "properties": {
            "workflow": reference,
            "workflows": {
                "type": "array",
                "minItems": 1,
                "items": reference,
                "description": "Several workflows.",
            },
            "include": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Other files, by their paths relative to this one.",
            },
            "_templates": {"description": "Anything: the home of anchors."},
        },
        "patternProperties": {"^(_|x-)": {}},
        "additionalProperties": False,
        "oneOf": [{"required": ["workflow"]}, {"required": ["workflows"]}, {"required": ["include"]}],
        "$defs": definitions,
    }


def _schema_of(model: type[BaseModel]) -> Schema:
    return model.model_json_schema(by_alias=True, ref_template=_TEMPLATE, mode="validation")


def _configs(definitions: Schema) -> dict[str, str]:
    """Add the configuration of every step type, and return where each is."""
    # Imported when first used, like the checks: only this and they know every step type.
    from wfe.steps import BUILTIN, ignored_keys  # noqa: PLC0415

    models: dict[str, type[BaseModel]] = {name: kind.config for name, kind in BUILTIN.items()}
    models["workflow"] = Child
    found: dict[str, str] = {}
    for name, model in models.items():
        schema = _schema_of(model)
        definitions.update(schema.pop("$defs", {}))
        schema["properties"].pop("bindings", None)
        for key, why in ignored_keys(model).items():
            schema["properties"][key]["description"] = f"Accepted, and without meaning here: {why}."
        definitions[model.__name__] = schema
        found[name] = _TEMPLATE.format(model=model.__name__)
    return found


def _when_type(kind: str, reference: str) -> Schema:
    is_type: Schema = {"properties": {"type": {"const": kind}}, "required": ["type"]}
    if kind == "shell":
        is_type = {"anyOf": [is_type, {"not": {"required": ["type"]}}]}
    return {"if": is_type, "then": {"properties": {"config": {"$ref": reference}}}}
