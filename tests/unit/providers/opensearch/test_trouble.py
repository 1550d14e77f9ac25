"""Whatever the server answers, the user reads what is wrong and the way out, and nothing is lost or told twice."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from wfe import providers
from wfe.errors import Permanent, StoreUnavailable
from wfe.hosts.kubernetes.webhook.certificate import new_certificate
from wfe.ports.logs import LogStore, RecordsRefused
from wfe.ports.provider import Provider
from wfe.runtime.clock import SystemClock
from wfe.testing.logs_contract import lines

INFO = {"version": {"distribution": "opensearch", "number": "2.19.1"}}
Answer = tuple[int, Any]


@dataclass
class Server:
    """Answers as a test says: first what is queued for a path, then what is usual."""

    queued: dict[str, list[Answer]] = field(default_factory=dict)
    bulks: list[list[Any]] = field(default_factory=list)
    usual: dict[str, Answer] = field(default_factory=lambda: {"/": (200, INFO)})
    is_silent: bool = False
    talks: list[asyncio.Task[None] | None] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """Listen on a port until the block is left and everybody has hung up."""
        listening = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls)
        try:
            yield listening.sockets[0].getsockname()[1]
        finally:
            listening.close()
            await asyncio.gather(*(talk for talk in self.talks if talk))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.append(asyncio.current_task())
        try:
            if self.is_silent:
                await reader.read()
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in rest if line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = self.answer(first.split(" ")[1].partition("?")[0], body)
                text = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                kind = "text/plain" if isinstance(answer, str) else "application/json"
                said = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n\r\n"
                writer.write(said.encode() + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def answer(self, path: str, body: bytes) -> Answer:
        if path == "/_bulk":
            self.bulks.append([json.loads(line) for line in body.splitlines()])
        if self.queued.get(path):
            return self.queued[path].pop(0)
        if path == "/_bulk":
            actions = len(self.bulks[-1]) // 2
            return 200, {"items": [{"create": {"status": 201}}] * actions}
        return self.usual.get(path, (200, {}))


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Provider]:
    async with server.listening() as port:
        provider = providers.find(f"http://wfe:hunter2@127.0.0.1:{port}")
        try:
            yield provider
        finally:
            await provider.close()


def items(*statuses: int | tuple[int, str]) -> Answer:
    """Return an answer to a bulk request."""
    said = []
    for one in statuses:
        status, kind = one if isinstance(one, tuple) else (one, "trouble")
        error = {} if status < 300 else {"error": {"type": kind, "reason": f"reason of {status}"}}
        said.append({"create": {"status": status, **error}})
    return 200, {"items": said}


def error(kind: str, reason: str) -> Any:
    return {"error": {"type": kind, "reason": reason}}


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        pytest.param(
            (401, "Unauthorized"),
            Permanent,
            "does not accept the password of `wfe`; correct it",
            id="password",
        ),
        pytest.param(
            (403, error("security_exception", "no permissions for [x]")),
            Permanent,
            "refuses what `wfe` may not do: no permissions for [x]; give the user the rights",
            id="rights",
        ),
        pytest.param(
            (503, error("x", "no master")),
            StoreUnavailable,
            "is in trouble (status 503): no master",
            id="503",
        ),
        pytest.param(
            (429, error("x", "busy")), StoreUnavailable, "has more to do than it can: busy", id="429"
        ),
        pytest.param(
            (200, {"version": {"number": "8.1.0"}}),
            Permanent,
            "is not OpenSearch; name the URL of one",
            id="other",
        ),
        pytest.param((200, {}), Permanent, "is not OpenSearch", id="something"),
        pytest.param(
            (200, {"version": {"distribution": "opensearch", "number": "1.3.9"}}),
            Permanent,
            "is version 1.3.9, and WFE needs 2 or later",
            id="old",
        ),
    ],
)
async def test_opening_says_what_is_wrong(answer: Answer, kind: type[Exception], said: str) -> None:
    server = Server(usual={"/": answer})
    async with connected(server) as provider:
        with pytest.raises(kind) as raised:
            await provider.open()
        assert said in str(raised.value)
        assert "hunter2" not in str(raised.value)
        server.usual = {"/": (200, INFO)}
        await provider.open()


async def test_a_server_that_is_not_there_may_come() -> None:
    provider = providers.find("http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await provider.open()
    with pytest.raises(StoreUnavailable, match="is not open"):
        await logs_of(provider).append(lines(1))


async def test_a_server_that_does_not_answer_is_waited_for_a_while() -> None:
    async with Server(is_silent=True).listening() as port:
        provider = providers.find(f"http://127.0.0.1:{port}?timeout=20ms")
        with pytest.raises(StoreUnavailable, match=r"has not answered within 0\.02 s"):
            await provider.open()


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    made = new_certificate(("localhost",), now=SystemClock().now())
    (tmp_path / "cert").write_bytes(made.certificate)
    (tmp_path / "key").write_bytes(made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    async with Server().listening(context) as port:
        with pytest.raises(Permanent, match=r"is not trusted: .*name the authority of its certificate"):
            await providers.find(f"https://localhost:{port}").open()
        for option in ("verify=no", f"ca={tmp_path / 'cert'}"):
            trusting = providers.find(f"https://localhost:{port}?{option}")
            await trusting.open()
            await trusting.close()


async def test_a_server_without_tls_is_not_called_untrusted() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Permanent, match=r"speaks no TLS; write `http://…`"):
            await providers.find(f"https://127.0.0.1:{port}").open()


async def test_a_path_that_the_server_does_not_have_is_named() -> None:
    missing = {
        "error": {"type": "index_not_found_exception", "reason": "no such index [search]"},
        "status": 404,
    }
    async with Server(usual={"/search/": (404, missing)}).listening() as port:
        provider = providers.find(f"http://127.0.0.1:{port}/search")
        with pytest.raises(Permanent, match=r"no such index \[search\]; see whether `/search` belongs into"):
            await provider.open()


def logs_of(provider: Provider) -> LogStore:
    assert provider.logs
    return provider.logs


async def test_items_that_were_turned_away_are_written_again_alone() -> None:
    server = Server(queued={"/_bulk": [items(201, 429, 201, 503), items(429, 201), items(201)]})
    async with connected(server) as provider:
        await provider.open()
        await logs_of(provider).append(lines(4))
    starts = [[document["start"] for document in bulk[1::2]] for bulk in server.bulks]
    assert starts == [[0, 7, 14, 21], [7, 21], [7]]


async def test_what_is_there_already_is_kept() -> None:
    server = Server(queued={"/_bulk": [items(409, 409)]})
    async with connected(server) as provider:
        await provider.open()
        await logs_of(provider).append(lines(2))


async def test_what_can_never_be_kept_is_told_and_takes_nothing_with_it() -> None:
    server = Server(queued={"/_bulk": [items(201, 400, 429, 400), items(201)]})
    async with connected(server) as provider:
        await provider.open()
        with pytest.raises(RecordsRefused, match=r"refuses 2 of 4 log lines.*reason of 400") as refused:
            await logs_of(provider).append(lines(4))
        assert refused.value.count == 2
    assert len(server.bulks) == 2


@pytest.mark.parametrize(
    ("queued", "kind", "said"),
    [
        pytest.param(
            [items(429)] * 9, StoreUnavailable, "has more to do than it can (status 429)", id="overloaded"
        ),
        pytest.param(
            [items((403, "cluster_block_exception"))],
            StoreUnavailable,
            "refuses writes, as it does when its disk is nearly full: reason of 403; free some space",
            id="disk-full",
        ),
        pytest.param(
            [items((429, "cluster_block_exception"))],
            StoreUnavailable,
            "its disk is nearly full",
            id="flood-stage",
        ),
        pytest.param([items(403)], Permanent, "refuses what `wfe` may not do", id="rights"),
        pytest.param(
            [items((404, "index_not_found_exception"))],
            Permanent,
            "refuses a request (status 404)",
            id="no-index",
        ),
    ],
)
async def test_a_bulk_that_fails_says_why(queued: list[Answer], kind: type[Exception], said: str) -> None:
    server = Server(queued={"/_bulk": queued})
    async with connected(server) as provider:
        await provider.open()
        with pytest.raises(kind) as raised:
            await logs_of(provider).append(lines(1))
        assert said in str(raised.value)


async def test_a_proxy_that_takes_small_requests_gets_small_ones() -> None:
    server = Server(
        queued={"/_bulk": [(413, "too large"), (413, "too large"), items(201), items(201), items(201, 201)]}
    )
    async with connected(server) as provider:
        await provider.open()
        await logs_of(provider).append(lines(4))
    assert [len(bulk) // 2 for bulk in server.bulks] == [4, 2, 1, 1, 2]


async def test_a_line_that_is_too_large_alone_takes_no_other_with_it() -> None:
    server = Server(queued={"/_bulk": [(413, "too large"), (413, "too large"), items(201)]})
    async with connected(server) as provider:
        await provider.open()
        with pytest.raises(RecordsRefused, match="refuses 1 of 2 log lines"):
            await logs_of(provider).append(lines(2))
