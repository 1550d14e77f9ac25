"""A prefix for each test on the Valkey server that tests share, and time that passes there."""

import asyncio
import atexit
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from tests.integration.servers import url_of
from wfe.runtime.clock import SystemClock

_used: set[str] = set()
PASS_TIME: Final = """
local prefix, by = ARGV[1], tonumber(ARGV[2])
local function moved(at) return string.format('%.0f', at - by) end
local again = prefix .. ':queue:again'
for _, times in ipairs({ prefix .. ':queue:times', prefix .. ':leases' }) do
  local pairs = redis.call('ZRANGE', times, 0, -1, 'WITHSCORES')
  for i = 1, #pairs, 2 do redis.call('ZADD', times, moved(pairs[i + 1]), pairs[i]) end
end
local fields = redis.call('HGETALL', again)
for i = 1, #fields, 2 do redis.call('HSET', again, fields[i], moved(fields[i + 1])) end
for _, lease in ipairs(redis.call('KEYS', prefix .. ':lease:*')) do
  redis.call('HSET', lease, 'until', moved(redis.call('HGET', lease, 'until')))
end
"""


def url_of_valkey(directory: Path) -> str:
    """Return the URL of a prefix that nobody else uses; what is under it goes when the process ends."""
    server = url_of("valkey")
    prefix = f"test-{sha256(str(directory).encode()).hexdigest()[:16]}"
    if not _used:
        atexit.register(lambda: asyncio.run(_delete(server)))
    _used.add(prefix)
    return f"{server}?prefix={prefix}"


async def _delete(server: str) -> None:
    async with Redis.from_url(server) as client:
        for prefix in sorted(_used):
            keys = await client.keys(f"{{{prefix}}}:*")
            if keys:
                await client.delete(*keys)


@dataclass
class ServerTime:
    """The server's clock: time passes by moving what is kept into the past."""

    url: str

    def now(self) -> datetime:
        return SystemClock().now()

    async def pass_time(self, by: timedelta) -> None:
        server, _, prefix = self.url.partition("?prefix=")
        micros = by // timedelta(microseconds=1)
        async with Redis.from_url(server) as client:
            await client.eval(PASS_TIME, 0, f"{{{prefix}}}", str(micros))
