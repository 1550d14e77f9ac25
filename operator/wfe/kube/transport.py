"""HTTP to the API server: one pool, credentials, tries that are repeated, and errors by what can be done."""

import asyncio
import io
import random
import socket
import time
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from wfe.kube.access import Access
from wfe.kube.clock import ServerClock
from wfe.kube.errors import ApiError, ApiForbidden, ApiUnavailable, error_from

# A list where a name comes more than once.
Params = Mapping[str, str] | Sequence[tuple[str, str]]
Observe = Callable[[str, str, int, float], None]

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 20.0
# A peer that is gone does not say goodbye.
HANG_UP_SECONDS: Final = 2.0
GOODBYE_SECONDS, GOODBYE_TRIES = 0.5, 50
READS: Final = 64
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
UNTRUSTED: Final = "CertificateRefused"


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    `verb` and `resource` are for metrics. `repeatable`: it may be sent again although the first may have happened,
    because the second then does nothing more, or tells.
    """

    verb: str
    resource: str
    method: str
    path: str
    params: Params = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True

    @property
    def is_write(self) -> bool:
        return self.method != "GET"


class Transport:
    """Sends requests, and repeats them for `patience` seconds while that can help."""

    def __init__(
        self, access: Access, *, user_agent: str, writes: int, observe: Observe | None, patience: float
    ) -> None:
        self.access = access
        self.clock = ServerClock(time.monotonic)
        self._user_agent = user_agent
        self._writes = asyncio.Semaphore(writes)
        self._reads = asyncio.Semaphore(READS)
        self._observe = observe
        self._patience = patience
        self._session: aiohttp.ClientSession | None = None
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    async def open(self) -> None:
        # Watches and exec streams pin a connection each, so the pool has no limit; semaphores bound the rest.
        connector = aiohttp.TCPConnector(
            limit=0, ssl=self.access.tls, keepalive_timeout=30, socket_factory=self._new_socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS),
            read_bufsize=2**18,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        # aiohttp would repeat a PUT or DELETE on a fresh connection by itself, and not tell.
        self._session._retry_connection = False  # noqa: SLF001

    async def close(self) -> None:
        if self._session is None:
            return
        await self._session.close()
        self._session = None
        # TLS says goodbye in the background, and no event tells when it is done.
        for _ in range(GOODBYE_TRIES):
            if all(made.fileno() < 0 for made in self._sockets):
                return
            await asyncio.sleep(GOODBYE_SECONDS / GOODBYE_TRIES)

    async def call(self, request: Request) -> bytes:
        """Return the body of a success.

        Raises:
            ApiError: by its kind; `unclear` if any try may have happened without an answer.
        """
        started, tries, unclear, renewed = time.monotonic(), 0, False, False
        while True:
            try:
                return await self._once(request)
            except ApiError as error:
                unclear = error.unclear = request.is_write and (unclear or error.unclear)
                if isinstance(error, ApiForbidden) and error.status == 401 and not renewed:
                    renewed = True
                    self.access.credentials.refused()
                    continue
                left = self._patience - (time.monotonic() - started)
                pause = _pause(error, request, tries)
                if pause is None or pause > left:
                    raise
            tries += 1
            await asyncio.sleep(pause)

    async def _once(self, request: Request) -> bytes:
        async with self._writes if request.is_write else self._reads, self.answer(request) as response:
            return await response.read()

    @asynccontextmanager
    async def answer(
        self, request: Request, *, silence: float | None = ANSWER_SECONDS
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send once and give the answer while it is read; `silence` is how long nothing may be heard.

        Raises:
            ApiError: it is no success, or the connection fails, also in the middle.
        """
        started, status = time.monotonic(), 0
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence)
        try:
            async with self.session.request(
                request.method,
                self.access.server + request.path,
                params=request.params,
                data=_payload(request.body),
                headers={**await self.access.headers(), **request.headers},
                timeout=timeout,
                allow_redirects=False,
                server_hostname=self.access.server_name,
            ) as response:
                status = response.status
                self.clock.heard(response.headers.get("Date"))
                if status >= 300:
                    raise error_from(status, await response.read(), _retry_after(response))
                yield response
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error, clear=status == 0 and _never_sent(error)) from error
        finally:
            if self._observe is not None:
                self._observe(request.verb, request.resource, status, time.monotonic() - started)

    async def websocket(
        self, request: Request, protocols: tuple[str, ...]
    ) -> aiohttp.ClientWebSocketResponse[Any]:
        """Open a WebSocket.

        Raises:
            ApiError: the server refuses, or the connection fails.
        """
        started, status = time.monotonic(), 0
        try:
            stream = await self.session.ws_connect(
                self.access.server + request.path,
                params=request.params,
                headers=await self.access.headers(),
                protocols=protocols,
                autoping=False,
                timeout=aiohttp.ClientWSTimeout(ws_close=HANG_UP_SECONDS),
                max_msg_size=0,
                server_hostname=self.access.server_name,
            )
            status = 101
        except aiohttp.WSServerHandshakeError as error:
            status = error.status
            raise error_from(status, b"") from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(error, clear=_never_sent(error)) from error
        finally:
            if self._observe is not None:
                self._observe(request.verb, request.resource, status, time.monotonic() - started)
        return stream

    def _new_socket(self, address: Any) -> socket.socket:
        made = _socket_that_notices(address)
        self._sockets.add(made)
        return made

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is not open")
        return self._session


def lost(error: Exception, *, clear: bool = False) -> ApiUnavailable:
    """Return the error for a connection that failed; `clear`: nothing was sent."""
    said = str(error) or type(error).__name__
    if isinstance(error, aiohttp.ClientSSLError):
        return ApiUnavailable(0, UNTRUSTED, f"the API server is not believed: {said}")
    return ApiUnavailable(0, "ConnectionFailed", f"the API server does not answer: {said}", unclear=not clear)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    # A large one is sent in pieces, between which others have their turn.
    return io.BytesIO(body) if body and len(body) > 2**19 else body


def _never_sent(error: Exception) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _pause(error: ApiError, request: Request, tries: int) -> float | None:
    """Return how long to wait before the next try, or None if there should be none."""
    if not isinstance(error, ApiUnavailable) or error.status == 501 or error.reason == UNTRUSTED:
        return None
    if error.unclear and not request.repeatable:
        return None
    spread = random.uniform(0.5, 1.0)  # noqa: S311 - it spreads tries, it keeps no secret
    return max(error.retry_after or 0.0, spread * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(tries, 10)))


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    said: str = response.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else None


def _socket_that_notices(address: Any) -> socket.socket:
    """Return a socket that learns within a minute that the other machine is gone."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Names that only some systems have; without them the system's own patience counts.
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if option := getattr(socket, name, None):
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
