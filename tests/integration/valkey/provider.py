"""A provider on a server of the test's own, and what its administrator says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis

from tests.integration.servers import OwnServer
from wfe.errors import StoreUnavailable
from wfe.ports.queue import Taken
from wfe.providers.valkey import ValkeyProvider, from_url
from wfe.runtime.clock import SystemClock

CLOCK = SystemClock()
TTL = timedelta(minutes=5)
DAY = timedelta(days=1)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[ValkeyProvider]:
    provider = from_url(url)
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()


async def tell(server: OwnServer, *command: str) -> Any:
    """Tell the server what an administrator would."""
    async with Redis.from_url(server.url, decode_responses=True) as client:
        return await cast(Any, client).execute_command(*command)


async def take_one(provider: ValkeyProvider, claim: timedelta = TTL) -> Taken:
    (taken,) = await provider.queue(now=CLOCK.now).take(1, claim)
    return taken


async def persistently(call: Callable[[], Awaitable[Any]]) -> Any:
    while True:
        try:
            return await call()
        except StoreUnavailable:
            await asyncio.sleep(0.01)
