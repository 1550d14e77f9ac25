"""Steps of type `python`: a callable that the host has under a name; the builder's lambdas are such steps."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wfe.model.task import DEFAULT_GRACE, PythonTask
from wfe.steps.fields import Duration
from wfe.steps.kind import StepContext, StepKind
from wfe.steps.limits import DEFAULT_TIMEOUT


class PythonConfig(BaseModel):
    """A callable of the host's process: at least once after a crash, with the attempt's key against doubles."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    callable: str = Field(min_length=1, description="The name it is known by.")
    config: dict[str, Any] = Field(default_factory=dict, description="What it is given besides the data.")
    timeout: Duration = Field(DEFAULT_TIMEOUT, description="How long one attempt may take.")
    grace: Duration = Field(DEFAULT_GRACE, description="How long it may tidy up.")


def plan(config: PythonConfig, context: StepContext) -> PythonTask:
    """Return the call that a Python step means."""
    return PythonTask(
        key=context.key,
        callable_id=config.callable,
        data=context.data,
        locals=context.locals,
        config=config.config,
        timeout=config.timeout,
        grace=config.grace,
    )


KIND = StepKind("python", PythonConfig, plan)
