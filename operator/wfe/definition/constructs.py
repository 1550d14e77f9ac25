"""Constructs that hold no steps, and the configuration of a child workflow."""

from typing import Literal

from pydantic import Field

from wfe.definition.strict import DataName, Duration, DurationTemplate, Model
from wfe.model.json import Json


class WaitFor(Model):
    """Waits for an event. Events are kept, so one published early is found."""

    event: str = Field(min_length=1, description="The name of the event.")
    key: Json = Field("", description="Which of the events of that name.")
    as_of: str = Field(
        "start", description="Events since: `start` (of the instance), `now`, `always`, or a time."
    )
    timeout: DurationTemplate | None = Field(None, description="How long to wait; then the step has failed.")
    output: DataName | None = Field(None, description="Where the payload goes; without it, its fields merge.")


class Activity(Model):
    """Work for somebody outside, who fetches it and reports back."""

    name: str = Field(min_length=1, description="The name that workers ask for.")
    params: dict[str, Json] = Field(default_factory=dict, description="What the worker is given.")
    timeout: DurationTemplate | None = Field(None, description="How long to wait for the report.")
    claim: Duration = Field("5m", description="How long a worker may be silent before another gets the work.")
    output: DataName | None = Field(None, description="Where the report goes; without it, its fields merge.")


class End(Model):
    """Ends the instance here: everything else is cancelled, `ensure` hooks run."""

    status: Literal["Complete", "Failed", "Terminated"] = Field("Complete", description="How it ends.")
    message: str | None = Field(None, description="Why, for readers.")


class Child(Model):
    """The configuration of a step of type `workflow`."""

    workflow: str = Field(min_length=1, description="The id of the workflow to run.")
    version: int | None = Field(
        None, ge=0, description="Its version; without one, the highest that is known."
    )
    workflow_version: int | None = Field(None, ge=0, description="Another word for `version`.")
    inputs: dict[str, Json] = Field(default_factory=dict, description="Its inputs.")
    outputs: dict[str, str] | tuple[str, ...] | None = Field(
        None, description="What comes back: a list of its outputs, or a map from our names to its."
    )
    timeout: DurationTemplate | None = Field(None, description="How long one attempt may take.")

    def renamed(self) -> dict[str, str] | None:
        """Return what comes back, by our names; None is all that it puts out."""
        if self.outputs is None or isinstance(self.outputs, dict):
            return self.outputs
        return {name: name for name in self.outputs}
