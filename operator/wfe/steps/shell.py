"""Steps of type `shell`: a script, or a file of the workflow's directory."""

import shlex
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from wfe.model.task import ProcessTask
from wfe.steps.environment import data_env
from wfe.steps.fields import Rendered, Source, Text, VariableName, Words, ignored
from wfe.steps.files import DATA, SCRIPT, data_file, in_dir, known_env
from wfe.steps.kind import ConfigInvalid, StepContext, StepKind
from wfe.steps.limits import Limits

NO_ARTIFACTS: Final = "artifacts are files of the workspace here; read them there"
VALUE_LIMIT: Final = 100 * 1024


class ShellConfig(Limits):
    """A script run by a shell, without flags and with empty stdin."""

    run: Source = Field(None, min_length=1, description="The script.")
    script: Source = Field(None, min_length=1, description="Another word for `run`.")
    file: Text | None = Field(None, min_length=1, description="A file that is the script.")
    shell: Text = Field("sh", min_length=1, description="What runs it: sh, bash, …, with flags if need be.")
    bindings: Rendered[dict[VariableName, Text]] = Field(
        default_factory=dict,
        description="Placeholders of the script, by the variable that stands there instead.",
    )
    stdout_outputs: Rendered[bool] = Field(
        True, description="Whether lines `##wfe[output key=value]` on stdout are outputs."
    )
    outputs: Words = Field((), description="Names it puts out, for the checks of names.")
    inputs: Annotated[dict[str, Any] | None, ignored(NO_ARTIFACTS)] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.run, self.script, self.file)) != 1:
            raise ValueError("a shell step has one of `run` and `file`; write the script under `run`")
        return self


def plan(config: ShellConfig, context: StepContext) -> ProcessTask:
    """Return the process that a shell step means."""
    script = config.run or config.script
    files = {} if script is None else {SCRIPT: script.encode("utf-8", "replace")}
    where = config.file if script is None else in_dir(SCRIPT)
    return shell_task(config, context, argv=(*_words(config.shell), str(where)), files=files)


def shell_task(
    config: ShellConfig, context: StepContext, *, argv: tuple[str, ...], files: dict[str, bytes]
) -> ProcessTask:
    """Return a process that sees the data as variables and as a file."""
    own = {**_checked(config.bindings), **_checked(config.plain_env())}
    from_data = data_env(context.data, set_elsewhere={*own, *config.secret_env(), *config.files})
    return ProcessTask(
        key=context.key,
        argv=argv,
        env={**from_data.env, **own, **known_env(context)},
        secrets=config.secret_env(),
        files={**files, DATA: data_file(context.data)},
        stdout_outputs=config.stdout_outputs,
        notes=from_data.notes,
        **config.of_task(),
    )


def _words(shell: str) -> list[str]:
    try:
        words = shlex.split(shell)
    except ValueError as error:
        raise ConfigInvalid(f"config.shell: `{shell}` has a quote without its other half") from error
    if not words:
        raise ConfigInvalid("config.shell: it is empty; leave it out for `sh`")
    return words


def _checked(env: dict[str, str]) -> dict[str, str]:
    """Refuse what the kernel would refuse with less of a reason."""
    for name, value in env.items():
        if len(value.encode("utf-8", "replace")) > VALUE_LIMIT:
            raise ConfigInvalid(
                f"the value of the variable {name} is longer than {VALUE_LIMIT} bytes; "
                "read it from the file $WFE_DATA instead"
            )
    return env


KIND = StepKind("shell", ShellConfig, plan)
