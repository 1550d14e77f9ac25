"""The process of the operator, which kopf hosts: signals, startup and cleanup, login.

kopf watches nothing here. Its handlers cost milliseconds an event and never hear of deletions that a re-list hides,
so everything that changes often is followed by the operator's own caches. Those are started before kopf, which at its
end cancels every task that is younger than itself.
"""

import asyncio
import signal
from typing import Any, Final

import aiohttp
import kopf
import structlog

from wfe.hosts.kubernetes.operator import Operator
from wfe.hosts.kubernetes.settings import Settings
from wfe.kube import Access, find_access
from wfe.providers.customresource.names import GROUP

log: Any = structlog.get_logger(__name__)
STOP_WITHIN: Final = 7.0
KOPF_LEAVES_WITHIN: Final = 1.0


async def run(settings: Settings) -> None:
    """Run the operator until the process is told to end.

    Raises:
        AccessUnclear: nobody says where the API server is.
        ApiForbidden, ApiUnavailable: it does not let us in.
    """
    access = find_access()
    operator = Operator(settings, access)
    ready, stop = asyncio.Event(), asyncio.Event()
    async with operator.open():
        working = asyncio.create_task(operator.run(), name="operator")
        hosting = asyncio.create_task(hosted(operator, access, ready, stop), name="kopf")
        waiting = asyncio.create_task(_told(ready), name="wait for the end")
        try:
            await asyncio.wait({working, hosting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # First what works, which then gives the lease back; kopf would cancel it piece by piece.
            working.cancel()
            waiting.cancel()
            await _ended(working)
            stop.set()
            await _left(hosting)
    log.info("ended")


async def _ended(working: "asyncio.Task[None]") -> None:
    """Wait until the operator has let go, and raise what broke it."""
    done, _ = await asyncio.wait({working}, timeout=STOP_WITHIN)
    if not done:
        log.warning("the operator did not let go in time; what it had begun is found again")
    elif not working.cancelled() and (error := working.exception()) is not None:
        raise error


async def _left(hosting: "asyncio.Task[None]") -> None:
    """Wait until kopf has left, but not while it looks for what else there might be; raise what broke it."""
    await asyncio.wait({hosting}, timeout=KOPF_LEAVES_WITHIN)
    hosting.cancel()
    await asyncio.wait({hosting})
    if not hosting.cancelled() and (error := hosting.exception()) is not None:
        raise error


async def _told(ready: asyncio.Event) -> None:
    """Wait until somebody wants the process to end. kopf listens for that too, until it is ready."""
    told = asyncio.Event()
    await ready.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()


async def hosted(operator: Operator, access: Access, ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Let kopf hold the process until `stop`; `ready` is set once it does."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.peering.standalone = True
        settings.scanning.disabled = True
        settings.posting.enabled = False
        settings.persistence.finalizer = f"{GROUP}/kopf"
        settings.persistence.progress_storage = NoProgress()
        settings.persistence.diffbase_storage = NoDiff()
        settings.process.ultimate_exiting_timeout = STOP_WITHIN + 2

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        # The connections are the operator's; the session is kopf's own, which closes it as it likes.
        session = aiohttp.ClientSession(
            connector=operator.client.transport.session.connector,
            connector_owner=False,
            headers=await access.headers(),
        )
        return kopf.AiohttpSession(
            server=access.server, aiohttp_session=session, default_namespace=access.namespace
        )

    await kopf.operator(
        registry=registry, standalone=True, clusterwide=True, ready_flag=ready, stop_flag=stop
    )


class NoDiff(kopf.DiffBaseStorage):
    """Keeps nothing: no handler of ours asks what changed."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return {}

    def store(self, **_: Any) -> None: ...


class NoProgress(kopf.ProgressStorage):
    """Keeps nothing: no handler of ours is tried again."""

    def fetch(self, **_: Any) -> None: ...

    def store(self, **_: Any) -> None: ...

    def purge(self, **_: Any) -> None: ...

    def touch(self, **_: Any) -> None: ...

    def clear(self, *, essence: Any) -> Any:
        return essence
