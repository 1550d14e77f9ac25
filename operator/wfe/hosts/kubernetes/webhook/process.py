"""The process of the webhook: serves until it is told to end, and looks after its certificate."""

import asyncio
import signal
from typing import Any, Final

import structlog

from wfe.errors import WfeError
from wfe.hosts.kubernetes.health import Lag
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.settings import Settings
from wfe.hosts.kubernetes.site import site
from wfe.hosts.kubernetes.webhook.certificate import service_names
from wfe.hosts.kubernetes.webhook.keeper import Keeper
from wfe.hosts.kubernetes.webhook.server import Reviewer, Server
from wfe.kube import Client, find_access

log: Any = structlog.get_logger(__name__)
LOOK_EVERY: Final = 60.0
SOON: Final = 2.0
MOST_LAG: Final = 20.0


async def run(settings: Settings) -> None:
    """Serve the webhook until the process is told to end.

    Raises:
        AccessUnclear: nobody says where the API server is.
        ApiForbidden, ApiUnavailable: it does not let us in.
    """
    metrics = Metrics()
    client = Client(find_access(), user_agent="wfe-webhook", observe=metrics.observe)
    reviewer = Reviewer(client, counted=lambda kind, result: metrics.reviews.labels(kind, result).inc())
    server = Server(reviewer)
    own = settings.webhook
    namespace = settings.namespace or "default"
    keeper = Keeper(client, namespace, own.secret, own.configuration, service_names(own.service, namespace))
    lag = Lag()

    def live() -> list[str]:
        return [f"the event loop was {lag.most:.0f} s late"] if lag.most > MOST_LAG else []

    def ready() -> list[str]:
        return [] if server.has_certificate else ["there is no certificate yet"]

    def measured() -> bytes:
        metrics.loop_lag.set(lag.most)
        return metrics.text()

    async with site(settings.port, live=live, ready=ready, metrics=measured):
        await client.open()
        try:
            async with server.serve(own.port) as port:
                log.info("serving reviews", port=port)
                await _until_told(lag.run(), keep(keeper, server))
        finally:
            await client.close()


async def keep(keeper: Keeper, server: Server) -> None:
    """Serve with the certificate there is, and have another before it is over; until cancelled."""
    while True:
        pause = LOOK_EVERY
        try:
            server.use(await keeper.look())
        except WfeError as error:
            log.warning("the certificate cannot be looked after, and is tried again", error=str(error))
            pause = SOON
        await asyncio.sleep(pause)


async def _until_told(*works: Any) -> None:
    """Run until SIGTERM or SIGINT, or until one of these breaks."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(work) for work in works]
    told = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, told], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {told}:
            task.result()
    finally:
        for task in (*tasks, told):
            task.cancel()
        await asyncio.gather(*tasks, told, return_exceptions=True)
