"""A workflow, as it is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from wfe.definition.services import Concurrency, Retention, Service, SharedVolume
from wfe.definition.step import ErrorBehavior, Step, Where
from wfe.definition.strict import DataName, Duration, Label, Model
from wfe.model.json import Json


def _typed(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class Declared(Model):
    """A declared input or output."""

    type: str = Field(
        description="string, number, integer, bool, any, list<T>, map<T>; with `?`, null will do."
    )
    default: Json = Field(None, description="Its value when none is given.")
    description: str | None = Field(None, description="For readers.")


Declarations = dict[
    DataName, Annotated[Declared, BeforeValidator(_typed, json_schema_input_type=Declared | str)]
]


class WorkflowModel(Model):
    """A workflow."""

    id: Label = Field(description="Its id: lower-case letters, digits and hyphens.")
    name: str | None = Field(None, description="A name for readers.")
    version: int = Field(1, ge=0, le=2**31 - 1, description="Its version.")
    description: str | None = Field(None, description="For readers.")
    inputs: Declarations = Field(default_factory=dict, description="What it is given, by name.")
    outputs: Declarations = Field(default_factory=dict, description="What it puts out in the end, by name.")
    error_behavior: ErrorBehavior | None = Field(
        None, description="What steps do that do not say it themselves."
    )
    timeout: Duration | None = Field(None, description="How long the whole run may take.")
    services: dict[Label, Service] = Field(
        default_factory=dict, description="Containers beside the steps, by name."
    )
    shared_volume: SharedVolume | None = Field(None, description="A volume as workspace.")
    workspace: Literal["pod", "volume", "none"] | None = Field(None, description="What the workspace is.")
    on_workspace_lost: Literal["fail", "restart"] | None = Field(
        None, description="What losing the pod, and with it the workspace, does to the instance."
    )
    concurrency: Concurrency | None = Field(None, description="Which instances may run at the same time.")
    retention: Retention | None = Field(None, description="How long instances are kept after they ended.")
    steps: tuple[Step, ...] = Field(min_length=1, description="The steps, one after another.")

    def walk(self) -> Iterator["Place"]:
        """Yield every step of it, hooks included, in the order of the file."""
        for index, step in enumerate(self.steps):
            yield from _walk(Place(("steps", index), step))


@dataclass(frozen=True, slots=True)
class Place:
    """A step, and where it stands: the keys that lead to it; `owner` and `role` if it is a hook."""

    where: Where
    step: Step
    owner: "Place | None" = None
    role: str | None = None

    def at(self, *keys: str | int) -> Where:
        return (*self.where, *keys)


def _walk(place: Place) -> Iterator[Place]:
    yield place
    for keys, steps in place.step.groups():
        for index, step in enumerate(steps):
            yield from _walk(Place(place.at(*keys, index), step))
    for role, hook in place.step.hooks():
        yield from _walk(Place(place.at(role), hook, place, role))
