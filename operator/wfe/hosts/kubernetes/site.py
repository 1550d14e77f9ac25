"""The small site of probes and metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

Check = Callable[[], Sequence[str]]


def _probe(check: Check, detail: Check = list) -> Callable[[web.Request], "web.Response"]:
    def answer(_: web.Request) -> web.Response:
        wrong = check()
        return web.Response(text="\n".join([*(wrong or ["ok"]), *detail()]), status=503 if wrong else 200)

    return answer


@asynccontextmanager
async def site(
    port: int, *, live: Check, ready: Check, metrics: Callable[[], bytes], detail: Check = list
) -> AsyncIterator[int]:
    """Serve /healthz, /readyz and /metrics; yields the port, which 0 leaves to the system.

    Args:
        detail: what /readyz says besides, whatever its answer.
    """

    def numbers(_: web.Request) -> web.Response:
        return web.Response(
            body=metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    app = web.Application()
    app.router.add_get("/healthz", _async(_probe(live)))
    app.router.add_get("/readyz", _async(_probe(ready, detail)))
    app.router.add_get("/metrics", _async(numbers))
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        listener = web.TCPSite(runner, port=port)
        await listener.start()
        yield port_of(runner)
    finally:
        await runner.cleanup()


def _async(answer: Callable[[web.Request], web.Response]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return answer(request)

    return handler


def port_of(runner: web.AppRunner) -> int:
    """Return the port that a site listens on; of one that the system chose, that of IPv4, which is another for IPv6."""
    addresses = [address for address in runner.addresses if len(address) == 2]
    return int((addresses or runner.addresses)[0][1])
