"""Steps of type `deno`: a script in TypeScript or JavaScript, denied everything that is not allowed."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wfe.model.json import Data
from wfe.model.task import OutputFormat, ProcessTask
from wfe.steps.fields import AllOrWords, Rendered, Source, Text, Words, ignored
from wfe.steps.files import DATA, OUTPUT, data_file, in_dir, known_env
from wfe.steps.kind import ConfigInvalid, StepContext, StepKind
from wfe.steps.limits import Limits
from wfe.steps.prelude import PRELUDE

# Nothing is asked, fetched or read that the step did not name; npm has no list of hosts, so there is none of it.
_CLOSED: Final = ("--quiet", "--no-prompt", "--no-config", "--no-lock", "--no-npm")
_QUIET: Final = {"DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}


class Permissions(BaseModel):
    """What a script may do. A list names what is allowed, true allows all of it, nothing allows nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    net: AllOrWords = Field((), description="Hosts, as in `api.example.com` or `localhost:8080`.")
    read: AllOrWords = Field((), description="Files and directories, relative to the working directory.")
    write: AllOrWords = Field((), description="Files and directories, relative to the working directory.")
    env: AllOrWords = Field((), description="Variables, also those of `config.env`.")
    run: Rendered[bool] = Field(False, description="Whether it may start programs.")
    dynamic_import: Rendered[bool] = Field(
        False, description="Whether code may come from the hosts of `net`."
    )


class DenoConfig(Limits):
    """A script run by Deno."""

    script: Source = Field(None, min_length=1, description="The script.")
    file: Text | None = Field(None, min_length=1, description="A file that is the script.")
    permissions: Permissions = Field(default_factory=Permissions, description="What it may do.")
    modules: Words = Field((), description="Modules to fetch beforehand, from hosts that code may come from.")
    outputs: Words = Field((), description="Names it puts out, for the checks of names.")
    inputs: Annotated[dict[str, Any] | None, ignored("artifacts are files of the workspace here")] = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.script is None) == (self.file is None):
            raise ValueError("a deno step has one of `script` and `file`; write the script under `script`")
        return self


def plan(config: DenoConfig, context: StepContext) -> ProcessTask:
    """Return the process that a Deno step means."""
    files = {} if config.script is None else {"script.ts": config.script.encode("utf-8", "replace")}
    main = str(config.file) if config.script is None else in_dir("script.ts")
    return deno_task(
        config,
        context,
        permissions=config.permissions,
        main=main,
        files=files,
        data=context.data,
        modules=config.modules,
    )


def deno_task(  # noqa: PLR0913  # two step types are this, with other arguments
    config: Limits,
    context: StepContext,
    *,
    permissions: Permissions,
    main: str,
    files: dict[str, bytes],
    data: Data,
    modules: tuple[str, ...] = (),
) -> ProcessTask:
    """Return a Deno process that finds `data` and may put out values."""
    return ProcessTask(
        key=context.key,
        argv=("deno", "run", *_CLOSED, *_flags(permissions), "--preload", in_dir("wfe.ts"), main),
        env={**_QUIET, **config.plain_env(), **known_env(context)},
        secrets=config.secret_env(),
        files={**files, "wfe.ts": _prelude(modules), DATA: data_file(data)},
        output_format=OutputFormat.JSON,
        stdout_outputs=False,
        **config.of_task(),
    )


def _flags(permissions: Permissions) -> Iterator[str]:
    for name in ("net", "read", "env"):
        yield from _flag(name, getattr(permissions, name))
    write = permissions.write
    yield from _flag("write", write if write is True else (in_dir(OUTPUT), *(write or ())))
    yield from _flag("run", permissions.run)
    if permissions.dynamic_import and permissions.net:
        yield from _flag("import", permissions.net)
    else:
        yield "--no-remote"


def _flag(name: str, allowed: bool | tuple[str, ...]) -> Iterator[str]:
    if allowed is True:
        yield f"--allow-{name}"
    elif allowed:
        for word in allowed:
            if not word or "," in word:
                raise ConfigInvalid(
                    f"config.permissions.{name}: `{word}` cannot be one; give each its own item"
                )
        yield f"--allow-{name}={','.join(allowed)}"


def _prelude(modules: tuple[str, ...]) -> bytes:
    """Name the modules where Deno sees and fetches them, and nobody runs them."""
    named = "".join(f"  () => import({json.dumps(module)}),\n" for module in modules)
    return (PRELUDE + (f"export const modules = [\n{named}];\n" if named else "")).encode()


KIND = StepKind("deno", DenoConfig, plan)
