"""Steps of type `poll`: ask a URL again and again until its answer is the one waited for.

It runs as a task where steps run, never in the controller, and may speak to the one host it names.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from wfe.model.json import Json
from wfe.model.task import ProcessTask
from wfe.steps.deno import Permissions, deno_task
from wfe.steps.fields import Duration, Rendered, Text
from wfe.steps.files import in_dir
from wfe.steps.kind import ConfigInvalid, StepContext, StepKind
from wfe.steps.limits import Limits
from wfe.steps.poll_script import POLL

_PORTS: Final = {"http": 80, "https": 443}
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class Until(BaseModel):
    """What the answer must be; all that is given must hold. Without any, a status from 200 to 299."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Rendered[int | None] = Field(None, ge=100, le=599, description="The status code.")
    field: Text | None = Field(None, description="A path in the JSON body, as in `.build.state`.")
    equals: Any = Field(None, description="What the field, or without one the body, must be.")
    contains: Any = Field(None, description="What the field, or without one the body, must contain.")


class PollConfig(Limits):
    """A request, repeated until its answer is the one waited for."""

    url: Text = Field(min_length=1, description="Where to ask, http or https.")
    method: Rendered[Annotated[Method, BeforeValidator(lambda value: str(value).upper())]] = Field(
        "GET", description="The method."
    )
    headers: Rendered[dict[str, Text]] = Field(default_factory=dict, description="Headers of the request.")
    body: Any = Field(None, description="The body: text as it is, the rest as JSON.")
    interval: Duration = Field(timedelta(seconds=5), description="How long to wait between two requests.")
    until: Until = Field(default_factory=Until, description="What the answer must be.")
    output: Text | None = Field(None, description="Put the whole body out under this name.")

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        given = self.until.model_fields_set
        if {"equals", "contains"} <= given:
            raise ValueError("until: it has both `equals` and `contains`; poll twice, or choose one")
        if "field" in given and not given & {"equals", "contains"}:
            raise ValueError("until: `field` needs `equals` or `contains` beside it")
        return self


def plan(config: PollConfig, context: StepContext) -> ProcessTask:
    """Return the process that asks."""
    request: dict[str, Json] = {
        "url": config.url,
        "method": config.method,
        "headers": dict(config.headers),
        "body": config.body,
        "interval": config.interval / timedelta(milliseconds=1),
        "until": config.until.model_dump(exclude_unset=True),
        "output": config.output,
        "step": context.key.path.rsplit("/", 1)[-1].split("[")[0].split("#")[0],
    }
    return deno_task(
        config,
        context,
        permissions=Permissions(net=(_host(config.url),)),
        main=in_dir("poll.ts"),
        files={"poll.ts": POLL.encode()},
        data=request,
    )


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ConfigInvalid(f"config.url: `{url}` is no http or https URL") from error
    if not parts.hostname:
        raise ConfigInvalid(f"config.url: `{url}` names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}"


KIND = StepKind("poll", PollConfig, plan)
