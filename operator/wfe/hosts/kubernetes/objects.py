"""Workflow objects as the operator's cache holds them: the few fields that it decides by.

Whatever a user can write is of a type that holds all that the API server lets through, so that one strange object
stops no list. The text of a workflow is not kept: it is read when it has changed.
"""

from typing import Any

import msgspec

from wfe.providers.customresource.kinds import Metadata


class Condition(msgspec.Struct, rename="camel", gc=False):
    """One condition of a Workflow."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class WorkflowStatus(msgspec.Struct, rename="camel"):
    """The status of a Workflow."""

    observed_generation: Any = 0
    conditions: list[Condition] = []


class WorkflowObject(msgspec.Struct):
    """A Workflow, without its text."""

    metadata: Metadata
    status: WorkflowStatus = msgspec.field(default_factory=WorkflowStatus)
