"""WorkflowInstance: one run of a workflow."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from wfe.providers.customresource.api.fields import (
    RULES,
    ApiModel,
    Conditions,
    Duration,
    Label,
    Name,
    Time,
    Uid,
    Values,
    Whole,
    at_most,
    rule,
    unchanged,
)

_MOST_PARTS: Final = 2048
_LONGEST_PART: Final = 262_144


class WorkflowReference(ApiModel):
    """Which workflow to run."""

    name: Label = Field(description="The name of a Workflow in this namespace.")
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        None, description="Its version; without one, the one there is when the instance begins."
    )


class RetryOf(ApiModel):
    """The failed instance whose completed steps are not run again."""

    name: Name = Field(description="The name of a WorkflowInstance in this namespace.")
    uid: Uid | None = Field(None, description="Its uid, to be sure.")


class Parent(ApiModel):
    """The step that started this instance. Set by the operator; otherwise it has no effect."""

    id: Uid = Field(description="The id of the parent instance.")
    name: Name | None = Field(None, description="The parent's object.")
    uid: Uid | None = Field(None, description="The uid of the parent's object.")
    path: Annotated[str, at_most(4096)] = Field(description="The parent's visit of the step.")
    attempt: Whole = Field(description="The attempt of that visit.")


class InstanceSpec(ApiModel):
    """What to run, and what should become of it. Only desiredState, resumes (which grows) and ttlAfterFinished
    can be changed."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                rule(
                    "self.workflowRef == oldSelf.workflowRef",
                    "workflowRef cannot be changed; make another instance",
                ),
                unchanged("inputs"),
                unchanged("variables"),
                unchanged("retryOf"),
                unchanged("reference"),
                unchanged("parent"),
                rule("self.resumes >= oldSelf.resumes", "resumes may only grow: add 1 to resume once more"),
                rule(
                    "oldSelf.desiredState != 'Terminated' || self.desiredState == 'Terminated'",
                    "a terminated instance does not go on; make another one, with retryOf if it failed",
                ),
            ]
        }
    )

    workflow_ref: WorkflowReference = Field(description="Which workflow to run. Cannot be changed.")
    inputs: Values | None = Field(
        None, description="Its inputs, by name. Read once, when the instance begins."
    )
    variables: Values | None = Field(
        None, description="Values for placeholders that neither inputs nor outputs have. Read once, too."
    )
    desired_state: Literal["Running", "Suspended", "Terminated"] = Field(
        "Running",
        description="Suspended starts nothing new; Terminated cancels what runs, runs ensure hooks, and ends it.",
    )
    resumes: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        0, description="Add 1 to resume an instance that an error has suspended."
    )
    ttl_after_finished: Duration | None = Field(
        None, description="How long to keep it after it has ended, such as 7d or 12h."
    )
    retry_of: RetryOf | None = Field(None, description="Go on from this failed instance. Cannot be changed.")
    reference: Annotated[str, at_most(256)] | None = Field(
        None, description="A word of yours to find it by. Cannot be changed."
    )
    parent: Parent | None = Field(
        None, description="Set by the operator for the instance of a workflow step."
    )


class PinnedWorkflow(ApiModel):
    """The workflow that runs, pinned by content."""

    name: Annotated[str, at_most(63)] = Field(description="Its name.")
    version: int = Field(description="Its version.")
    digest: Annotated[str, at_most(128)] = Field(description="The SHA-256 of its normal form.")


class RunningStep(ApiModel):
    """One visit of a step that runs, waits or sleeps."""

    step: Annotated[str, at_most(256)] = Field(
        description="The step, with the items and rounds it belongs to."
    )
    status: Annotated[str, at_most(32)] = Field(description="Running, Sleeping or Waiting.")
    attempt: Whole = Field(description="The attempt.")
    since: Time | None = Field(None, description="Since when.")


class RunnerStatus(ApiModel):
    """The pod that runs its processes."""

    pod: Annotated[str, at_most(253)] | None = Field(None, description="Its name.")
    uid: Uid | None = Field(None, description="Its uid, as last saved.")
    epoch: Whole | None = Field(None, description="How often a controller has attached to it.")


class EngineStatus(ApiModel):
    """For the engine; nobody else reads it, and editing it breaks the instance."""

    id: Uid | None = Field(None, description="The id of the instance.")
    created: Annotated[str, at_most(64)] | None = Field(None, description="When it was made.")
    revision: Whole | None = Field(None, description="How often it was saved.")
    saved: Annotated[str, at_most(128)] | None = Field(None, description="Who saved it last.")
    head: Annotated[str, at_most(_LONGEST_PART)] | None = Field(None, description="Its small fields.")
    parts: Annotated[dict[str, Annotated[str, at_most(_LONGEST_PART)]], at_most(_MOST_PARTS)] | None = Field(
        None, description="Its parts, by name."
    )
    chunks: Annotated[list[Annotated[str, at_most(253)]], at_most(512)] | None = Field(
        None, description="Where more parts are."
    )
    gone: Annotated[list[Annotated[str, at_most(8192)]], at_most(4096)] | None = Field(
        None, description="Parts that chunks have and it has not."
    )
    ring: Annotated[dict[str, Annotated[str, at_most(_LONGEST_PART)]], at_most(512)] | None = Field(
        None, description="Its latest history."
    )
    history: Annotated[list[Annotated[str, at_most(253)]], at_most(512)] | None = Field(
        None, description="Where its older history is."
    )
    archived: Whole | None = Field(None, description="The size of the last of those.")
    inbox: Annotated[dict[str, Annotated[str, at_most(_LONGEST_PART)]], at_most(512)] | None = Field(
        None, description="Signals that wait."
    )
    posted: Whole | None = Field(None, description="How many signals there have been.")


class InstanceStatus(ApiModel):
    """What has become of it."""

    active: bool | None = Field(None, description="False once nothing is left to do for it.")
    phase: Annotated[str, at_most(32)] | None = Field(
        None, description="Pending, Running or Suspended; in the end Complete, Failed or Terminated."
    )
    observed_generation: Whole | None = Field(
        None, description="The generation of the spec that was acted on."
    )
    resumes: Whole | None = Field(None, description="The resumes that were acted on.")
    reason: Annotated[str, at_most(64)] | None = Field(None, description="Why it is as it is, in one word.")
    message: Annotated[str, at_most(2048)] | None = Field(None, description="Why it is as it is.")
    progress: Annotated[str, at_most(32)] | None = Field(
        None, description="Steps that have ended, of those that are known so far."
    )
    step: Annotated[str, at_most(256)] | None = Field(
        None, description="Where it is; with +N, at N more places."
    )
    started_at: Time | None = Field(None, description="When its first step started.")
    finished_at: Time | None = Field(None, description="When it ended.")
    duration: Annotated[str, at_most(32)] | None = Field(None, description="How long it took.")
    workflow: PinnedWorkflow | None = Field(None, description="The workflow that runs, pinned by content.")
    outputs: Annotated[dict[str, Annotated[str, at_most(1024)]], at_most(32)] | None = Field(
        None, description="Its outputs, as JSON."
    )
    omitted_outputs: Annotated[list[Annotated[str, at_most(1024)]], at_most(32)] | None = Field(
        None, description="Outputs that are too big for here: see `wfe show`."
    )
    running: Annotated[list[RunningStep], Field(max_length=10)] | None = Field(
        None, description="The steps that run, wait or sleep; at most 10."
    )
    recent: Annotated[list[Annotated[str, at_most(512)]], at_most(5)] | None = Field(
        None, description="The last ends of steps."
    )
    conditions: Conditions | None = Field(
        None, description="Accepted; Suspended; in the end Finished, with Complete (success) and Failed."
    )
    runner: RunnerStatus | None = Field(None, description="The pod that runs its processes.")
    engine: EngineStatus | None = Field(
        None, description="For the engine; nobody else reads it, and editing it breaks the instance."
    )
