"""Steps of type `kubernetes` or `k8s`, as pipelines have them: a shell step in an image, or an image's command."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from wfe.model.task import ProcessTask
from wfe.steps.fields import Text, Words, ignored
from wfe.steps.kind import StepContext, StepKind
from wfe.steps.shell import ShellConfig, shell_task
from wfe.steps.shell import plan as plan_shell

ELSEWHERE: Final = "where steps run is the cluster's to say, not the file's"


class KubernetesConfig(ShellConfig):
    """A container: its script, or else its command."""

    image: Text = Field(min_length=1, description="The container image.")
    command: Words = Field((), description="What it runs when there is no script.")
    shell: Text = Field("/bin/sh", min_length=1, description="What runs the script.")
    pull_policy: Annotated[Text | None, ignored("images are pulled when they are not there")] = None
    namespace: Annotated[Text | None, ignored(ELSEWHERE)] = None
    kubeconfig: Annotated[Text | None, ignored(ELSEWHERE)] = None
    service_account: Annotated[Text | None, ignored(ELSEWHERE)] = None
    node_selector: Annotated[dict[str, Any] | None, ignored(ELSEWHERE)] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.run is None and self.script is None and self.file is None and not self.command:
            raise ValueError("it has nothing to run here; give it a `run`, or a `command`")
        return self


def plan(config: KubernetesConfig, context: StepContext) -> ProcessTask:
    """Return a shell's process for a script, else the command's."""
    if config.run or config.script or config.file:
        return plan_shell(config, context)
    return shell_task(config, context, argv=config.command, files={})


KIND = StepKind("kubernetes", KubernetesConfig, plan)
