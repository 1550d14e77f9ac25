"""What every step that is a process can say about it: where, with what, how long."""

from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from wfe.model.task import DEFAULT_GRACE
from wfe.steps.fields import Cpu, Duration, Env, SecretRef, Size, Text

DEFAULT_TIMEOUT: Final = timedelta(hours=1)
LOG_LIMIT: Final = 1 << 30


class Limits(BaseModel):
    """Keys that all process steps share."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    env: Env = Field(default_factory=dict, description="Variables; they win over those that come from data.")
    files: Env = Field(
        default_factory=dict,
        description="Files for this step alone, gone after it: texts or secrets. A variable of the name has the path.",
    )
    timeout: Duration = Field(DEFAULT_TIMEOUT, description="How long one attempt may take.")
    grace: Duration = Field(DEFAULT_GRACE, description="How long it may tidy up before it is killed.")
    working_dir: Text = Field(".", description="Where it works, relative to the workspace.")
    image: Text | None = Field(None, description="The container image; noted and ignored on a laptop.")
    memory: Size | None = Field(None, description="The memory it may use, as in `1Gi`; ignored on a laptop.")
    cpu: Cpu | None = Field(None, description="The processors it may use, as in `500m`; ignored on a laptop.")

    def of_task(self) -> dict[str, Any]:
        """Return the fields of a process task that these keys are."""
        return {
            "working_dir": self.working_dir,
            "timeout": self.timeout,
            "grace": self.grace,
            "image": self.image,
            "memory": self.memory,
            "cpu": self.cpu,
            "log_limit": LOG_LIMIT,
            "private_files": {
                name: (value.secret.name, value.secret.key) if isinstance(value, SecretRef) else value
                for name, value in self.files.items()
            },
        }

    def plain_env(self) -> dict[str, str]:
        """Return the variables whose values stand in the file."""
        return {name: value for name, value in self.env.items() if isinstance(value, str)}

    def secret_env(self) -> dict[str, tuple[str, str]]:
        """Return the variables whose values are secrets, by name and key of the secret."""
        return {
            name: (value.secret.name, value.secret.key)
            for name, value in self.env.items()
            if isinstance(value, SecretRef)
        }
