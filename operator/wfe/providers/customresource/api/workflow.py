"""Workflow: a definition. Below the first level it is for the loader, which says more than a schema can.

A schema would prune what it does not know; so the loader would never see a typo, and nobody would hear of it.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from wfe.definition.workflow import WorkflowModel
from wfe.providers.customresource.api.fields import (
    LABEL_PATTERN,
    PRESERVE,
    ApiModel,
    Conditions,
    Schema,
    Whole,
    at_most,
    rule,
)

ANY_OBJECT: Final[Schema] = {"type": "object", PRESERVE: True, "maxProperties": 256}
ANY: Final[Schema] = {PRESERVE: True}
MOST_STEPS: Final = 4096
_SHAPES: Final[Mapping[str, Schema]] = {
    "id": {"type": "string", "maxLength": 63, "pattern": LABEL_PATTERN},
    "name": {"type": "string", "maxLength": 253},
    "version": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "description": {"type": "string", "maxLength": 16384},
    "inputs": {"type": "object", "additionalProperties": ANY, "maxProperties": 256},
    "outputs": {"type": "object", "additionalProperties": ANY, "maxProperties": 256},
    "error_behavior": ANY_OBJECT,
    "timeout": ANY,
    "services": {"type": "object", "additionalProperties": ANY_OBJECT, "maxProperties": 32},
    "shared_volume": ANY_OBJECT,
    "workspace": {"type": "string", "enum": ["pod", "volume", "none"], "maxLength": 16},
    "on_workspace_lost": {"type": "string", "enum": ["fail", "restart"], "maxLength": 16},
    "concurrency": ANY_OBJECT,
    "retention": ANY_OBJECT,
    "steps": {"type": "array", "items": ANY_OBJECT, "minItems": 1, "maxItems": MOST_STEPS},
}
NAME_RULES: Final = [
    rule(
        f"self.metadata.name.matches('{LABEL_PATTERN}')",
        "the name of a workflow has lower-case letters, digits and hyphens, at most 63",
    ),
    rule(
        "!has(self.spec.id) || self.spec.id == self.metadata.name",
        "spec.id and metadata.name must be the same; leave spec.id away",
    ),
]


def workflow_spec() -> Schema:
    """Return the schema of a spec: the keys of a workflow as the language has them."""
    properties = {}
    for name, field in WorkflowModel.model_fields.items():
        key = field.alias or name
        about = "Its id; leave it away, the name of the object is it." if key == "id" else field.description
        properties[key] = {"description": about, **_SHAPES[key]}
    return {
        "type": "object",
        "description": "The workflow, as a workflow file has it. See docs/language.md.",
        "properties": properties,
        "required": ["steps"],
    }


class WorkflowStatus(ApiModel):
    """What the loader says of it."""

    observed_generation: Whole | None = Field(None, description="The generation that was read.")
    version: Whole | None = Field(None, description="Its version.")
    steps: Whole | None = Field(None, description="How many steps it has.")
    digest: Annotated[str, at_most(128)] | None = Field(None, description="The SHA-256 of its normal form.")
    revision: Annotated[str, at_most(253)] | None = Field(
        None, description="The ControllerRevision that instances are pinned to."
    )
    problems: Annotated[list[Annotated[str, at_most(2048)]], at_most(100)] | None = Field(
        None, description="What is wrong with it, and the remedy."
    )
    conditions: Conditions | None = Field(None, description="Accepted: instances of it can begin.")
