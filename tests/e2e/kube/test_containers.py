"""Exec streams and logs on a real kubelet."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.e2e.kube.places import client_of_the_cluster, running
from wfe.kube import ApiInvalid, ApiNotFound, Client, ExecEnded, ExecStream
from wfe.kube.resource import PODS
from wfe.kube.stream import HELD

pytestmark = pytest.mark.e2e

SLEEP = "sleep 600"


async def all_of(stream: ExecStream) -> bytes:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return b"".join(pieces)


async def sh(client: Client, namespace: str, script: str) -> ExecStream:
    return await client.exec("p", namespace, "main", ["/bin/sh", "-c", script])


async def test_a_program_talks_and_its_exit_code_arrives(namespace: str) -> None:
    async with running(namespace, SLEEP) as (client, _):
        stream = await sh(client, namespace, "read line; echo got $line; echo why >&2; exit 7")
        await stream.write(b"it\n")
        assert await all_of(stream) == b"got it\n"
        assert stream.ended is not None
        assert stream.ended.code == 7
        assert stream.stderr == b"why\n"


async def test_words_arrive_as_they_are(namespace: str) -> None:
    words = ["a b", "", "*", "$HOME", "ä&b=c+d%20", "'\"\\"]
    async with running(namespace, SLEEP) as (client, _):
        argv = ["/bin/sh", "-c", 'for word; do echo "[$word]"; done', "sh", *words]
        stream = await client.exec("p", namespace, "main", argv)
        assert (await all_of(stream)).decode().splitlines() == [f"[{word}]" for word in words]


async def test_stdin_closes_alone_after_300_kb_both_ways(namespace: str) -> None:
    content = bytes(range(256)) * 1200
    async with running(namespace, SLEEP) as (client, _):
        stream = await sh(client, namespace, "cat; echo end >&2")

        async def send() -> None:
            await stream.write(content)
            await stream.close_stdin()

        sending = asyncio.create_task(send())
        assert await all_of(stream) == content
        await sending
        assert (stream.ended, stream.stderr) == (ExecEnded(0), b"end\n")


async def test_a_flood_waits_for_its_reader(namespace: str) -> None:
    size = 20_000_000
    async with running(namespace, SLEEP) as (client, _):
        stream = await sh(client, namespace, f"head -c {size} /dev/zero; echo done >&2")
        while stream._held < HELD:
            await client.raw("/version")
        for _ in range(20):
            await client.raw("/version")
        assert stream._held < HELD + 100_000
        assert stream.stderr == b""
        assert len(await all_of(stream)) == size
        assert stream.ended == ExecEnded(0)


async def test_what_cannot_start_says_why(namespace: str) -> None:
    async with running(namespace, SLEEP) as (client, _):
        for pod, container in (("p", "other"), ("q", "main")):
            with pytest.raises(ApiNotFound, match=f"no container {container} that runs in pod {pod}"):
                await client.exec(pod, namespace, container, ["true"])
        stream = await client.exec("p", namespace, "main", ["/no/such/program"])
        assert await all_of(stream) == b""
        assert stream.ended is not None
        assert stream.ended.code is None
        assert "no such file" in stream.ended.message


async def test_a_pod_that_is_deleted_ends_its_streams(namespace: str) -> None:
    async with running(namespace, SLEEP) as (client, _):
        stream = await sh(client, namespace, "cat")
        await stream.write(b"one\n")
        assert await stream.read() == b"one\n"
        await client.delete(PODS, "p", namespace, grace_seconds=0)
        assert await stream.read() == b""
        assert stream.ended is not None
        assert stream.ended.code != 0


async def test_a_log_is_read_and_followed(namespace: str) -> None:
    script = "echo one; while [ ! -e /tmp/go ]; do sleep 0.1; done; echo two"

    async def lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        rest = b""
        async for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line

    async with running(namespace, script) as (client, _):
        following = lines(client.log("p", namespace, "main", follow=True))
        assert await anext(following) == b"one"
        stream = await sh(client, namespace, "touch /tmp/go")
        assert await all_of(stream) == b""
        assert [line async for line in following] == [b"two"]
        tail = [piece async for piece in client.log("p", namespace, "main", params={"tailLines": "1"})]
        assert b"".join(tail) == b"two\n"
        with pytest.raises(ApiInvalid):
            await anext(client.log("p", namespace, "other"))


async def test_a_log_of_nothing_is_not_found(namespace: str) -> None:
    async with client_of_the_cluster() as client:
        with pytest.raises(ApiNotFound):
            await anext(client.log("nobody", namespace, "main"))
