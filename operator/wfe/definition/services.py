"""What runs and lives beside the steps: services, the shared volume, concurrency groups, retention."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from wfe.definition.strict import Duration, Model, as_written
from wfe.model.json import Json

Port = Annotated[int, Field(ge=1, le=65535)]


class HttpCheck(Model):
    """Ready when this URL answers with 2xx."""

    port: Port = Field(description="The port.")
    path: str = Field("/", description="The path.")


class Readiness(Model):
    """How to tell that a service is ready: one of `exec`, `tcp` and `http`."""

    exec: tuple[str, ...] | None = Field(
        None, min_length=1, description="A command that succeeds when it is."
    )
    tcp: Port | None = Field(None, description="A port that accepts connections when it is.")
    http: HttpCheck | None = Field(None, description="A URL that answers when it is.")
    interval: Duration = Field("5s", description="The pause between two checks.")
    timeout: Duration = Field("2m", description="How long it may take; then the instance has failed.")
    retries: int | None = Field(None, ge=1, description="Accepted, and without meaning here: see `timeout`.")


def _one_command(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Service(Model):
    """A container that runs beside the steps, reachable by its name."""

    image: str = Field(min_length=1, description="The container image.")
    ports: tuple[Port, ...] = Field((), description="The ports it listens on.")
    env: Annotated[dict[str, Json], BeforeValidator(as_written)] = Field(
        default_factory=dict, description="Its variables."
    )
    readiness: Readiness | None = Field(
        None, description="How to tell that it is ready; else by its first port."
    )
    command: Annotated[tuple[str, ...], BeforeValidator(_one_command)] = Field(
        (), description="What it runs, instead of the image's entry point."
    )
    args: tuple[str, ...] = Field((), description="The arguments.")
    memory: str | None = Field(None, description="The memory it may use, as in `1Gi`.")
    cpu: str | None = Field(None, description="The processors it may use, as in `500m`.")
    run_as_user: int | None = Field(None, ge=1, le=2**31 - 1, description="The user it runs as; never root.")
    data: tuple[str, ...] = Field((), description="Directories it writes to.")


class SharedVolume(Model):
    """A volume that is the workspace, and outlives the pods of an instance."""

    mount_path: str = Field("/workspace", description="Where steps find it.")
    size: str | None = Field(None, description="Its size, as in `10Gi`.")
    storage_class: str | None = Field(None, description="Its storage class; without it, the cluster's own.")


class Concurrency(Model):
    """At most so many instances at a time that have the same key."""

    key: str = Field(min_length=1, description="What they share, as in `deploy-((environment))`.")
    limit: int = Field(1, ge=1, le=1000, description="How many may run at a time.")
    policy: Literal["queue", "replace", "skip"] = Field(
        "queue", description="The new one waits, ends the oldest as Terminated, or is itself Terminated."
    )


class Retention(Model):
    """How long instances are kept after they ended."""

    complete: Duration | None = Field(None, description="Those that are Complete.")
    failed: Duration | None = Field(None, description="Those that are Failed.")
    terminated: Duration | None = Field(None, description="Those that are Terminated.")
