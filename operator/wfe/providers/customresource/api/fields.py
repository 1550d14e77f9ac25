"""Types of fields of API objects. Every one has a bound: rules of the API server cost what fields may be."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
RULES: Final = "x-kubernetes-validations"
Schema = dict[str, Any]
LABEL_PATTERN: Final = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
DURATION_PATTERN: Final = r"^([0-9]+(\.[0-9]+)?|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"


class ApiModel(BaseModel):
    """A part of an API object; its fields are written in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def at_most(most: int) -> Any:
    """Bound a text, a list or a map."""
    return Field(max_length=most)


def rule(rule: str, message: str) -> dict[str, Any]:
    """Return a rule that the API server keeps."""
    return {"rule": rule, "message": message}


def unchanged(name: str) -> dict[str, Any]:
    """Return the rule that an optional field stays as it is."""
    return rule(
        f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || self.{name} == oldSelf.{name})",
        f"{name} cannot be changed; make another instance",
    )


Name = Annotated[str, Field(max_length=253, min_length=1)]
Label = Annotated[str, Field(max_length=63, pattern=LABEL_PATTERN)]
Uid = Annotated[str, Field(max_length=128)]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64})]
Duration = Annotated[str, Field(max_length=32, min_length=1, pattern=DURATION_PATTERN)]
Whole = Annotated[int, Field(ge=0)]
Values = Annotated[dict[str, Any], WithJsonSchema({"type": "object", PRESERVE: True, "maxProperties": 1024})]
Anything = Annotated[Any, WithJsonSchema({PRESERVE: True, "nullable": True})]


class Condition(ApiModel):
    """A condition, as Kubernetes has them."""

    type: Annotated[str, at_most(64)] = Field(description="What it is about.")
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]}, max_length=8)] = (
        Field(description="Whether it holds.")
    )
    reason: Annotated[str, at_most(64)] = Field(description="Why, in one word.")
    message: Annotated[str, at_most(2048)] = Field(description="Why, for readers.")
    last_transition_time: Time = Field(description="When its status changed.")
    observed_generation: Whole | None = Field(
        None, description="The generation of the spec that it is about."
    )


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
