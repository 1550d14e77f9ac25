"""The services of an instance: what they are, started and ready, or removed.

Their containers are named after the instance, so every process finds those of an earlier one.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wfe.engine import ScopeNames
from wfe.errors import Permanent, WfeError
from wfe.executors.local.secrets import find_secret
from wfe.expr.duration import parse_duration
from wfe.expr.template import as_text, render
from wfe.graph.graph import Graph
from wfe.hosts.embedded.containers import Containers, ContainerSpec
from wfe.hosts.embedded.probes import answers_http, takes_connections
from wfe.model.failure import Failure, Reason
from wfe.model.instance import ROOT, Instance
from wfe.model.json import Json
from wfe.supervisor.masking import Masker

if TYPE_CHECKING:
    from wfe.definition.services import Readiness, Service

SHORT: Final = 8
Written = Mapping[str, Mapping[str, Json]]


class ServiceFailed(Permanent):
    """A service is not there; the message says why."""


def written_services(graphs: Iterable[Graph]) -> dict[str, Mapping[str, Json]]:
    """Return the services of workflows by name, as they are written; of two of one name the first counts."""
    found: dict[str, Mapping[str, Json]] = {}
    for graph in graphs:
        if '"services"' in graph.source and not graph.source.startswith('{"builder"'):
            for name, service in json.loads(graph.source)["workflow"].get("services", {}).items():
                found.setdefault(name, service)
    return found


def container_name(instance: str, service: str) -> str:
    """Return the name of a service's container."""
    return f"wfe-{instance[:SHORT]}-{service}"


@dataclass(frozen=True, slots=True)
class Services:
    """The services of instances, in containers; `secrets` are what their variables may refer to."""

    containers: Containers
    secrets: Mapping[str, str]

    async def ready(self, instance: Instance, written: Written) -> Failure | None:
        """Start what does not run yet, wait until all of it is ready, and return why it never will be."""
        why: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                for name, service in written.items():
                    group.create_task(self._ready(instance, name, service))
        except* ServiceFailed as failed:
            why.extend(str(error) for error in failed.exceptions)
        said = Masker(self.secrets.values()).masked_text("; ".join(why))
        return Failure(reason=Reason.SERVICE_NOT_READY, message=said) if why else None

    async def remove(self, instance: str, names: Iterable[str]) -> None:
        """Remove the containers of an instance, whoever started them."""
        await asyncio.gather(*(self.containers.remove(container_name(instance, name)) for name in names))

    async def _ready(self, instance: Instance, name: str, written: Mapping[str, Json]) -> None:
        try:
            service, spec = self._planned(instance, name, written)
            await self.containers.start(spec)
            await self._wait(name, spec, service.readiness)
        except ServiceFailed:
            raise
        except (WfeError, OSError, ValueError) as error:
            raise ServiceFailed(f"service `{name}` cannot be started: {error}") from error

    def _planned(
        self, instance: Instance, name: str, written: Mapping[str, Json]
    ) -> "tuple[Service, ContainerSpec]":
        from wfe.definition.services import Service  # noqa: PLC0415  # pydantic takes its time

        names = ScopeNames(scopes=instance.scopes, scope=ROOT, variables=instance.variables)
        service = Service.model_validate(render(dict(written), names))
        spec = ContainerSpec(
            name=container_name(instance.id, name),
            image=service.image,
            ports=_ports(service),
            env={key: self._value(value) for key, value in service.env.items()},
            command=service.command,
            args=service.args,
            user=service.run_as_user,
        )
        return service, spec

    def _value(self, value: Json) -> str:
        match value:
            case {"secret": {"name": str(name), "key": str(key)}}:
                return find_secret(self.secrets, name, key)
            case None:
                return ""
            case _:
                return as_text(value)

    async def _wait(self, name: str, spec: ContainerSpec, readiness: "Readiness | None") -> None:
        from wfe.definition.services import Readiness  # noqa: PLC0415  # as above

        readiness = readiness or Readiness.model_validate({})
        limit = parse_duration(readiness.timeout).total_seconds()
        pause = parse_duration(readiness.interval).total_seconds()
        why = f"service `{name}` was not ready within {readiness.timeout}"
        try:
            async with asyncio.timeout(limit):
                while not await self._is_ready(spec, readiness):
                    if not await self.containers.is_running(spec.name):
                        why = f"service `{name}` has ended before it was ready"
                        break
                    await asyncio.sleep(pause)
                else:
                    return
        except TimeoutError:
            pass
        lines = await self.containers.last_lines(spec.name)
        said = ["; it wrote:", *lines] if lines else ["; it wrote nothing"]
        raise ServiceFailed(why + "\n".join(said))

    async def _is_ready(self, spec: ContainerSpec, readiness: "Readiness") -> bool:
        if readiness.exec is not None:
            return await self.containers.succeeds(spec.name, readiness.exec)
        if readiness.tcp is not None:
            return await takes_connections(readiness.tcp)
        if readiness.http is not None:
            return await answers_http(readiness.http.port, readiness.http.path)
        if spec.ports:
            return await takes_connections(spec.ports[0])
        return await self.containers.is_running(spec.name)


def _ports(service: "Service") -> Sequence[int]:
    """Return the ports to open: those it lists, and the one that tells whether it is ready."""
    ready = service.readiness
    asked = [ready.tcp, ready.http.port if ready.http else None] if ready else []
    return list(dict.fromkeys([*service.ports, *(port for port in asked if port is not None)]))
