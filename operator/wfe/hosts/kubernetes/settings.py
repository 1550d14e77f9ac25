"""What the operator is told: one file, which the chart writes, and who its pod is, from the environment."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from socket import gethostname
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from wfe.errors import Permanent
from wfe.expr.duration import parse_duration
from wfe.expr.errors import ExpressionError
from wfe.hosts.kubernetes.servers import VARIABLES, Servers, read_servers
from wfe.language.plain import NotYaml, plain_value

CONFIG_FILE: Final = "WFE_CONFIG_FILE"


class SettingsInvalid(Permanent):
    """The settings are not what the operator understands; every problem is listed with its place."""


def _duration(value: Any) -> Any:
    try:
        parse_duration(value)
    except ExpressionError as error:
        raise ValueError(str(error)) from error
    return value


def _duration_or_none(value: Any) -> Any:
    return None if value in ("", None) else _duration(value)


Duration = Annotated[str | int | float, BeforeValidator(_duration)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Log(_Settings):
    """How the process tells what it does."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Defaults(_Settings):
    """What holds where an instance or a workflow says nothing."""

    ttl_after_finished: Duration = "7d"
    event_life: Duration = "1d"
    definition_life: Duration = "1d"


class Pool(_Settings):
    """Idle runners of the default image."""

    size: int = Field(0, ge=0, le=100)
    namespaces: tuple[str, ...] = ()


class Resources(_Settings):
    """Requests and limits, as Kubernetes writes them."""

    requests: dict[str, str | int | float] = Field(default_factory=dict)
    limits: dict[str, str | int | float] = Field(default_factory=dict)


class Runner(_Settings):
    """The pods of steps."""

    image: str = Field("wfe-runner:latest", min_length=1)
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    resources: Resources = Resources()
    pool: Pool = Pool()
    storage_class_name: str = ""
    root_namespaces: tuple[str, ...] = ()
    start_patience: Duration = "5m"
    release_after: Duration = "5m"
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[dict[str, Any], ...] = ()
    priority_class_name: str = ""


class Webhook(_Settings):
    """Where the admission webhook listens, and the objects that are its own."""

    port: int = Field(9443, ge=1, le=65535)
    service: str = "wfe-webhook"
    configuration: str = "wfe"
    secret: str = "wfe-webhook-certificate"  # noqa: S105  # the name of one


class Kept(_Settings):
    """For how long something is kept.

    Attributes:
        keep: a duration; for ever where nothing is said, or `""`.
    """

    keep: Annotated[str | int | float | None, BeforeValidator(_duration_or_none)] = None

    @property
    def within(self) -> timedelta | None:
        """How old it may get; None where it stays."""
        return None if self.keep is None else parse_duration(self.keep)


class Settings(_Settings):
    """Everything the operator is told.

    Attributes:
        namespaces: those whose workflows are run; none named is all.
        port: of probes and metrics.
        lease_namespace: where the Lease of the replica that works is; by default beside the operator's pod.
        identity: who this replica is.
        namespace: where this replica is.
        pod_uid: the uid of its pod, whose name is `identity`; "" outside of pods.
        max_tasks: how many tasks of one namespace run at once.
        servers: those outside the cluster's API; they come from the environment, never from the file.
        history: the copy of ended instances in Postgres.
        logs: the lines of steps in OpenSearch.
    """

    namespaces: tuple[str, ...] = ()
    port: int = Field(8080, ge=0, le=65535)
    log: Log = Log()
    lease_namespace: str = ""
    defaults: Defaults = Defaults()
    runner: Runner = Runner()
    webhook: Webhook = Webhook()
    max_tasks: int = Field(1000, ge=1)
    workers: int = Field(16, ge=1, le=256)
    servers: Servers = Servers()
    history: Kept = Kept()
    logs: Kept = Kept()
    identity: str = ""
    namespace: str = ""
    pod_uid: str = ""

    @property
    def home(self) -> str:
        """The namespace of the Lease."""
        return self.lease_namespace or self.namespace or "default"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the file that WFE_CONFIG_FILE names, if it names one, and who we are.

    Raises:
        SettingsInvalid: the file cannot be read, or says what nobody understands.
        ServersInvalid: the environment contradicts itself.
    """
    path = environment.get(CONFIG_FILE)
    written = _content(Path(path)) if path else {}
    if "servers" in written:
        raise SettingsInvalid(
            f"{path}: servers: {', '.join(each.url for each in VARIABLES.values())} say where they are; take it out"
        )
    variables = {"identity": "POD_NAME", "namespace": "POD_NAMESPACE", "pod_uid": "POD_UID"}
    pod = {key: environment.get(variable, "") for key, variable in variables.items()}
    try:
        found = Settings.model_validate(
            {
                **{key: value for key, value in pod.items() if value},
                **written,
                "servers": read_servers(environment),
            }
        )
        return found if found.identity else found.model_copy(update={"identity": _this_host(found)})
    except ValidationError as error:
        raise SettingsInvalid(_said(error, path or "the settings")) from error


def _this_host(settings: Settings) -> str:
    # A process that is started anew in the place of one that was killed is the same replica, and need not wait.
    return f"{gethostname()}-{settings.port}"


def _content(path: Path) -> dict[str, Any]:
    try:
        value = plain_value(path.read_bytes())
    except (OSError, NotYaml) as error:
        raise SettingsInvalid(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise SettingsInvalid(f"{path} is not a mapping; write `namespaces: []` and the like")
    return value


def _said(error: ValidationError, source: str) -> str:
    lines = []
    for each in error.errors(include_url=False):
        place = ".".join(str(part) for part in each["loc"])
        said = "there is no such setting" if each["type"] == "extra_forbidden" else each["msg"]
        lines.append(f"{source}: {place}: {said}")
    return "\n".join(lines)
