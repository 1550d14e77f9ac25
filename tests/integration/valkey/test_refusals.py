"""Whom the server refuses, and what it cannot do, is said with the way out."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.integration.servers import OwnServer
from tests.integration.valkey.provider import CLOCK, opened, take_one, tell
from tests.unit.kube.certificates import made_in
from wfe.errors import Permanent, StoreUnavailable
from wfe.providers.valkey import ValkeyUnusable, from_url

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("commands", "user", "said"),
    [
        pytest.param(["CONFIG SET requirepass tiger"], "", "wants a password", id="no-password"),
        pytest.param(["CONFIG SET requirepass tiger"], ":lion@", "refuses the user or the", id="password"),
        pytest.param([], "scott:lion@", "refuses the user or the password", id="no-such-user"),
        pytest.param(
            ["ACL SETUSER scott on >lion ~* +ping"], "scott:lion@", "does not let this user", id="rights"
        ),
    ],
)
async def test_whom_the_server_refuses_is_told_what_to_change(
    a_valkey: OwnServer, commands: list[str], user: str, said: str
) -> None:
    for command in commands:
        await tell(a_valkey, *command.split())
    with pytest.raises(ValkeyUnusable) as refused:
        async with opened(a_valkey.url.replace("//", f"//{user}")) as provider:
            await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
    assert said in str(refused.value)
    assert "lion" not in str(refused.value)


async def test_the_right_user_and_database_are_used(a_valkey: OwnServer) -> None:
    await tell(a_valkey, "ACL", "SETUSER", "scott", "on", ">tig@er", "~{mine}:*", "+@all")
    url = a_valkey.url.replace("//", "//scott:tig%40er@")
    async with opened(f"{url}/7?prefix=mine") as provider:
        await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
    async with Redis.from_url(f"{a_valkey.url}/7") as client:
        assert await client.keys("{mine}:queue:times")


@pytest.mark.parametrize(
    ("commands", "kind", "said"),
    [
        pytest.param(["CONFIG SET maxmemory 1"], StoreUnavailable, "has no memory left", id="memory"),
        pytest.param(["REPLICAOF 127.0.0.1 1"], StoreUnavailable, "name the primary", id="a-replica"),
        pytest.param(["SET {wfe}:queue:times x"], Permanent, "set another `?prefix=`", id="a-foreign-key"),
    ],
)
async def test_what_the_server_cannot_do_is_said_with_the_way_out(
    a_valkey: OwnServer, commands: list[str], kind: type[Exception], said: str
) -> None:
    for command in commands:
        await tell(a_valkey, *command.split())
    async with opened(a_valkey.url) as provider:
        with pytest.raises(kind) as refused:
            await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
    assert said in str(refused.value)


async def test_a_database_that_the_server_does_not_have(a_valkey: OwnServer) -> None:
    with pytest.raises(ValkeyUnusable, match="does not have that many databases"):
        await from_url(f"{a_valkey.url}/99").open()


async def speaking_tls(server: OwnServer, directory: Path, of: str = "IP:127.0.0.1") -> tuple[str, Path]:
    """Have the server speak TLS on a port of its own; return its URL, and its certificate, which vouches for itself."""
    certificate, key = made_in(directory, "valkey", of)
    port = int(server.url.rpartition(":")[2]) + 1
    settings = ["tls-cert-file", str(certificate), "tls-key-file", str(key)]
    settings += ["tls-ca-cert-file", str(certificate), "tls-auth-clients", "no"]
    await tell(server, "CONFIG", "SET", *settings, "tls-port", str(port))
    return f"rediss://127.0.0.1:{port}", certificate


async def test_tls_is_spoken_to_a_server_with_a_known_certificate(
    a_valkey: OwnServer, tmp_path: Path
) -> None:
    url, authority = await speaking_tls(a_valkey, tmp_path)
    async with opened(f"{url}?ca={authority}") as provider:
        await provider.queue(now=CLOCK.now).put("a", CLOCK.now())
        assert (await take_one(provider)).key == "a"


@pytest.mark.parametrize(
    ("of", "option"),
    [
        pytest.param("IP:127.0.0.1", "", id="nobody-vouches-for-it"),
        pytest.param("DNS:elsewhere", "?ca={authority}", id="of-another-host"),
        pytest.param("IP:127.0.0.1", "?ca={authority}.missing", id="no-such-file"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_refused(
    a_valkey: OwnServer, tmp_path: Path, of: str, option: str
) -> None:
    url, authority = await speaking_tls(a_valkey, tmp_path, of)
    with pytest.raises(ValkeyUnusable, match=r"name its certificate authority with `\?ca=FILE`"):
        await from_url(url + option.format(authority=authority)).open()


async def test_a_server_that_speaks_no_tls_does_not_answer_it(a_valkey: OwnServer) -> None:
    with pytest.raises(StoreUnavailable, match="or speaks no TLS"):
        await from_url(a_valkey.url.replace("redis:", "rediss:") + "?timeout=0.3").open()
