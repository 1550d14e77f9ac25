"""Exec streams: programs that end, hang, flood, and vanish."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from wfe.kube import ApiForbidden, ApiNotFound, ApiUnavailable, CannotHalfClose, ExecEnded, ExecStream
from wfe.kube.resource import PODS
from wfe.kube.stream import HELD, PROTOCOLS
from wfe.kube.transport import Request
from wfe.testing.apiserver import ApiServer, Session, serving
from wfe.testing.apiserver.containers import V4, Program


@asynccontextmanager
async def running(program: Program, *argv: str) -> AsyncIterator[tuple[ApiServer, ExecStream]]:
    async with serving([PODS]) as (server, client):
        server.containers.runs("p", "c", program)
        stream = await client.exec("p", "n", "c", argv)
        try:
            yield server, stream
        finally:
            await stream.close()


async def all_of(stream: ExecStream) -> bytes:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return b"".join(pieces)


async def cat(session: Session) -> int:
    while data := await session.read():
        await session.write(data)
    return 0


async def test_lines_go_there_and_back_until_stdin_is_closed() -> None:
    async with running(cat) as (_, stream):
        for line in (b"one\n", b"two\n"):
            await stream.write(line)
            assert await stream.read() == line
        assert stream.ended is None
        await stream.close_stdin()
        assert await all_of(stream) == b""
        assert stream.ended == ExecEnded(0)


async def test_the_program_is_given_its_words_as_they_are() -> None:
    async def tell(session: Session) -> int:
        await session.write("|".join(session.argv).encode())
        return 0

    async with running(tell, "sh", "-c", "echo 'a & b'=?ä+%20") as (_, stream):
        assert await all_of(stream) == "sh|-c|echo 'a & b'=?ä+%20".encode()


@pytest.mark.parametrize("code", [0, 1, 137, 255])
async def test_it_ends_with_the_programs_exit_code_after_all_it_printed(code: int) -> None:
    async def program(session: Session) -> int:
        await session.write(b"the last word")
        await session.complain(b"x" * 10_000 + b"!")
        return code

    async with running(program) as (_, stream):
        assert await all_of(stream) == b"the last word"
        assert stream.ended is not None
        assert stream.ended.code == code
        assert stream.stderr == b"x" * (8 * 1024 - 1) + b"!"
        with pytest.raises(ConnectionError):
            await stream.write(b"too late")


async def test_large_bytes_arrive_whole_in_both_directions() -> None:
    content = bytes(range(256)) * 4096
    async with running(cat) as (_, stream):

        async def send() -> None:
            await stream.write(content)
            await stream.close_stdin()

        sending = asyncio.create_task(send())
        assert await all_of(stream) == content
        await sending


async def test_a_reader_that_does_not_read_holds_the_program_up_and_memory_stays_bounded() -> None:
    printed = 0
    stuck = asyncio.Event()

    async def flood(session: Session) -> int:
        nonlocal printed
        for _ in range(1000):
            writing = asyncio.ensure_future(session.write(b"x" * 65536))
            done, _pending = await asyncio.wait([writing], timeout=0.2)
            if not done:
                stuck.set()
            await writing
            printed += 1
        return 0

    async with running(flood) as (_, stream):
        await stuck.wait()
        assert printed < 1000
        assert stream._held < HELD + 65536
        assert len(await all_of(stream)) == 1000 * 65536
        assert stream.ended == ExecEnded(0)


async def test_a_stream_that_is_cut_ended_with_no_code() -> None:
    async with running(cat) as (server, stream):
        await stream.write(b"one")
        assert await stream.read() == b"one"
        server.containers.drop()
        assert await stream.read() == b""
        assert stream.ended is not None
        assert stream.ended.code is None
        assert stream.ended.message
        with pytest.raises(ConnectionError, match="ended"):
            await stream.write(b"two")


async def test_hanging_up_is_harmless_twice_and_wakes_the_reader() -> None:
    async with running(cat) as (_, stream):
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        await stream.close()
        await stream.close()
        assert await reading == b""
        assert stream.ended == ExecEnded(None, "hung up")


async def test_an_older_server_is_talked_to_but_cannot_close_stdin_alone() -> None:
    async with serving([PODS]) as (server, client):
        server.containers.protocols = (V4,)
        server.containers.runs("p", "c", cat)
        stream = await client.exec("p", "n", "c", ["cat"])
        await stream.write(b"one")
        assert await stream.read() == b"one"
        with pytest.raises(CannotHalfClose):
            await stream.close_stdin()
        await stream.close()


async def test_what_does_not_run_cannot_be_entered() -> None:
    async with serving([PODS]) as (server, client):
        with pytest.raises(ApiNotFound, match="no container c that runs in pod p of n"):
            await client.exec("p", "n", "c", ["true"])
        server.objects.create(PODS, {"metadata": {"name": "p"}}, "n")
        with pytest.raises(ApiNotFound, match="no container c that runs in pod p of n"):
            await client.exec("p", "n", "c", ["true"])


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(403, ApiForbidden, id="forbidden"),
        pytest.param(429, ApiUnavailable, id="too-many"),
        pytest.param(500, ApiUnavailable, id="node-away"),
    ],
)
async def test_a_refusal_is_told_by_its_kind(status: int, expected: type[Exception]) -> None:
    async with serving([PODS]) as (server, client):
        server.faults.answer(status, verb="exec")
        with pytest.raises(expected):
            await client.exec("p", "n", "c", ["true"])


@asynccontextmanager
async def impatient(program: Program) -> AsyncIterator[ExecStream]:
    """A stream that asks for a sign of life every ten milliseconds."""
    async with serving([PODS]) as (server, client):
        server.containers.runs("p", "c", program)
        request = Request("exec", "pods", "GET", PODS.path("n", "p", "exec"), {"container": "c"})
        socket = await client.transport.websocket(request, PROTOCOLS)
        stream = ExecStream(socket, ping_seconds=0.01, linger_seconds=0.05)
        try:
            yield stream
        finally:
            await stream.close()


async def test_a_server_that_answers_no_ping_is_lost() -> None:
    async def deaf(_session: Session) -> int:
        await asyncio.Event().wait()
        return 0

    async with impatient(deaf) as stream:
        assert await stream.read() == b""
        assert stream.ended is not None
        assert "pings were not answered" in stream.ended.message


async def test_a_quiet_program_is_kept_alive_by_pings() -> None:
    answer = asyncio.Event()

    async def quiet(session: Session) -> int:
        listening = asyncio.create_task(session.read())
        await answer.wait()
        await session.write(b"here")
        await listening
        return 0

    async with impatient(quiet) as stream:
        loop = asyncio.get_running_loop()
        loop.call_later(0.3, answer.set)
        assert await stream.read() == b"here"


async def test_our_own_pause_is_not_the_servers_death() -> None:
    async def flood(session: Session) -> int:
        await session.write(b"x" * 2_000_000)
        return 0

    async with impatient(flood) as stream:
        await asyncio.sleep(0.3)
        assert stream.ended is None
        assert len(await all_of(stream)) == 2_000_000
        assert stream.ended == ExecEnded(0)


async def test_an_end_is_told_although_children_of_the_program_hold_its_output() -> None:
    async def leaves_a_child(session: Session) -> int:
        await session._socket.send_bytes(b'\x03{"status":"Success"}')
        await session.write(b"from the child")
        while await session.read():
            pass
        return 0

    async with impatient(leaves_a_child) as stream:
        assert await all_of(stream) == b"from the child"
        assert stream.ended == ExecEnded(0)


async def test_the_servers_own_pings_are_answered() -> None:
    async def careful(session: Session) -> int:
        await session._socket.ping()
        await session.write(await session.read())
        return 0

    async with running(careful) as (_, stream):
        await stream.write(b"one")
        assert await all_of(stream) == b"one"
        assert stream.ended == ExecEnded(0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(b"no json", ExecEnded(None, "no json"), id="nonsense"),
        pytest.param(
            b'{"status":"Failure","reason":"InternalError","message":"no such file"}',
            ExecEnded(None, "no such file"),
            id="did-not-start",
        ),
        pytest.param(
            b'{"status":"Failure","message":"m","details":{"causes":[{"reason":"ExitCode","message":"x"}]}}',
            ExecEnded(None, "m"),
            id="no-number",
        ),
    ],
)
async def test_an_end_without_a_code_has_a_message(said: bytes, expected: ExecEnded) -> None:
    async def program(session: Session) -> int:
        await session._socket.send_bytes(b"\x03" + said)
        raise ConnectionError

    async with running(program) as (_, stream):
        assert await all_of(stream) == b""
        assert stream.ended == expected


async def test_a_server_that_is_not_there_is_told() -> None:
    async with serving([PODS]) as (server, client):
        await server.stop()
        with pytest.raises(ApiUnavailable):
            await client.exec("p", "n", "c", ["true"])
