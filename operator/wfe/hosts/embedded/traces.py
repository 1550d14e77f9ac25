"""Traces the instances of a host, if it is to: makes their spans as they end.

OpenTelemetry is imported only then.
"""

import asyncio
import os
from typing import TYPE_CHECKING, Final

from wfe.errors import Permanent
from wfe.hosts.wiring.engine_room import EngineRoom
from wfe.model.instance import Instance
from wfe.model.record import InstanceChanged, Lifecycle

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class TracingNotInstalled(Permanent):
    """Spans are wanted, and the packages to make them are not there."""


class Traces:
    """Listens for ends of instances and makes their spans."""

    def __init__(self, provider: "TracerProvider", room: EngineRoom) -> None:
        self._provider = provider
        self._room = room
        self._making: set[asyncio.Task[None]] = set()
        room.runtime.listeners.append(self._heard)

    def _heard(self, instance: Instance, change: Lifecycle) -> None:
        if isinstance(change, InstanceChanged) and change.status.is_final:
            task = asyncio.get_running_loop().create_task(self._make(instance))
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def _make(self, instance: Instance) -> None:
        from wfe.hosts.embedded.tracing import record_spans  # noqa: PLC0415  # an extra

        history = await self._room.store.history(instance.id)
        record_spans(self._provider.get_tracer("wfe"), instance, history)

    async def finish(self) -> None:
        """Wait until every span is made and handed on."""
        if self._making:
            await asyncio.gather(*self._making)
        await asyncio.to_thread(self._provider.force_flush)


def traces_for(provider: "TracerProvider | None", room: EngineRoom) -> Traces | None:
    """Return the traces of a host; None if nobody asked for any.

    Raises:
        TracingNotInstalled: the environment asks for traces that cannot be made.
    """
    if provider is None and ENDPOINT not in os.environ:
        return None
    try:
        from wfe.hosts.embedded.tracing import exporting_provider  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise TracingNotInstalled(
            f"{ENDPOINT} is set, and OpenTelemetry is not installed; install `wfe[otel]`, or unset it"
        ) from error
    return Traces(provider or exporting_provider(), room)
