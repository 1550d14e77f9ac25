"""WorkflowEvent: something that workflows wait for, or an outside worker's report of an activity."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from wfe.providers.customresource.api.fields import (
    RULES,
    Anything,
    ApiModel,
    Duration,
    Time,
    Uid,
    Values,
    Whole,
    at_most,
    rule,
    unchanged,
)


class ActivityReference(ApiModel):
    """The activity that a report is about, as its claim says it."""

    instance: Uid = Field(description="The id of the instance.")
    path: Annotated[str, at_most(4096)] = Field(description="The visit of the step.")
    attempt: Whole = Field(description="Its attempt.")
    token: Annotated[str, at_most(128)] = Field(
        description="The token of the claim; with an old one, the report is refused."
    )


class EventSpec(ApiModel):
    """An event (event, key, payload), or a report (activity, outcome, outputs, error). It cannot be changed."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                rule("has(self.event) != has(self.activity)", "give either event or activity"),
                *(
                    {**unchanged(name), "message": f"{name} cannot be changed; publish another event"}
                    for name in (
                        "event",
                        "key",
                        "payloadJson",
                        "expiresAfter",
                        "activity",
                        "outcome",
                        "error",
                    )
                ),
            ]
        }
    )

    event: Annotated[str, Field(max_length=253, min_length=1)] | None = Field(
        None, description="The name of the event."
    )
    key: Annotated[str, at_most(1024)] | None = Field(
        None, description="Which one: workflows wait for a name and a key."
    )
    payload: Anything = Field(None, description="What comes with it: any JSON, at most 64 KiB.")
    payload_json: Annotated[str, at_most(65_536)] | None = Field(
        None, description="The same as JSON text, which keeps big numbers and 1.0 as they are; it counts."
    )
    published_at: Time | None = Field(
        None, description="When it was published; by default, when it was created."
    )
    expires_after: Duration | None = Field(None, description="How long it is kept; 24h by default.")
    activity: ActivityReference | None = Field(None, description="The activity that this reports on.")
    outcome: Literal["Complete", "Failed"] | None = Field(None, description="How the activity ended.")
    outputs: Values | None = Field(None, description="What the activity puts out, by name; at most 64 KiB.")
    outputs_json: Annotated[str, at_most(65_536)] | None = Field(None, description="The same as JSON text.")
    error: Annotated[str, at_most(4096)] | None = Field(None, description="Why it failed.")
