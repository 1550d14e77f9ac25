"""Whatever happens to server and connections, no step is lost and none runs twice."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.integration.postgres.conftest import Opened
from tests.integration.postgres.flows import in_trouble
from tests.integration.postgres.test_schema import carry_out
from tests.integration.servers import OwnServer
from wfe import providers
from wfe.errors import StoreUnavailable
from wfe.providers.postgres import StoreUnusable

pytestmark = pytest.mark.integration


async def test_the_server_is_killed_and_comes_back(a_postgres: OwnServer, tmp_path: Path) -> None:
    async with in_trouble(a_postgres.url, tmp_path, seconds=0.2):
        for _ in range(3):
            await asyncio.to_thread(a_postgres.kill)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(a_postgres.start)
            await asyncio.sleep(0.2)


async def test_the_server_restarts_in_an_orderly_way(a_postgres: OwnServer, tmp_path: Path) -> None:
    async with in_trouble(a_postgres.url, tmp_path, seconds=0.1):
        await asyncio.to_thread(a_postgres.restart)


async def test_the_server_is_held_for_a_while(a_postgres: OwnServer, tmp_path: Path) -> None:
    async with in_trouble(a_postgres.url, tmp_path):
        a_postgres.pause()
        await asyncio.sleep(1)
        a_postgres.resume()


async def test_connections_are_cut_again_and_again(url: str, tmp_path: Path) -> None:
    server, _, schema = url.partition("?schema=")
    admin = await asyncpg.connect(server)
    async with in_trouble(f"{url}&application_name=cut_{schema}", tmp_path, seconds=0.1):
        for _ in range(20):
            await admin.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                f"cut_{schema}",
            )
            await asyncio.sleep(0.04)
    await admin.close()


FULL = """
CREATE FUNCTION SCHEMA_.no_room() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON SCHEMA_.parts EXECUTE FUNCTION SCHEMA_.no_room()
"""


async def test_a_disk_that_was_full_has_room_again(url: str, tmp_path: Path) -> None:
    async with in_trouble(url, tmp_path):
        await carry_out(url, FULL)
        await asyncio.sleep(0.5)
        await carry_out(url, "DROP TRIGGER no_room ON SCHEMA_.parts")


# -- roles that may less than others -----------------------------------------------------------------------------


@pytest.fixture
def role(url: str) -> str:
    """The name of a user of the test's own, whose password is `secret`; it may create schemas."""
    name = urlsplit(url).query.removeprefix("schema=")
    asyncio.run(carry_out(url, f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name} LOGIN PASSWORD 'secret'"))
    return name


def as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return url.replace(f"{parts.username}:{parts.password}@", f"{role}:secret@")


async def give(url: str, role: str, *statements: str) -> None:
    """Make the schema, the role's own, and say more about it."""
    await carry_out(url, f"CREATE SCHEMA SCHEMA_ AUTHORIZATION {role}", *statements)


async def take_back(url: str, role: str) -> None:
    await carry_out(url, "DROP SCHEMA SCHEMA_ CASCADE", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ALTER ROLE {} CONNECTION LIMIT 3", id="few-connections"),
        pytest.param(
            "ALTER ROLE {} SET idle_in_transaction_session_timeout = '20ms'", id="no-idle-transactions"
        ),
        pytest.param("ALTER ROLE {} SET synchronous_commit = off", id="hasty-commits"),
        pytest.param("ALTER ROLE {} SET search_path = public", id="another-path"),
        pytest.param(
            "ALTER ROLE {} SET default_transaction_isolation = 'repeatable read'", id="other-isolation"
        ),
    ],
)
async def test_a_role_with_limits_is_enough(url: str, role: str, tmp_path: Path, statement: str) -> None:
    await give(url, role, statement.format(role))
    async with in_trouble(as_role(url, role), tmp_path):
        pass
    await take_back(url, role)


@pytest.mark.parametrize("options", ["statement_cache_size=0", "connections=2"])
async def test_options_for_what_is_in_between(url: str, tmp_path: Path, options: str) -> None:
    async with in_trouble(f"{url}&{options}", tmp_path):
        pass


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            ("secret", "wrong"), "refuses the user; give the right user and password", id="password"
        ),
        pytest.param(("/wfe?", "/nothing?"), "does not exist; create it: `createdb nothing`", id="database"),
        pytest.param(
            ("", ""), "does not allow it; let the user `ROLE` own the schema: `CREATE SCHEMA ROLE", id="right"
        ),
    ],
)
async def test_what_is_wrong_is_said_at_once(url: str, role: str, change: tuple[str, str], said: str) -> None:
    store = providers.find(as_role(url, role).replace(*change)).store
    assert store
    with pytest.raises(StoreUnusable) as refused:
        await store.open()
    assert said.replace("ROLE", role) in str(refused.value)
    assert "secret" not in str(refused.value)
    await carry_out(url, f"DROP ROLE {role}")


async def test_nobody_there_is_unavailable(a_postgres: OwnServer) -> None:
    a_postgres.kill()
    store = providers.find(a_postgres.url).store
    assert store
    with pytest.raises(StoreUnavailable, match="cannot be reached; look whether the server runs"):
        await store.open()
    await asyncio.to_thread(a_postgres.start)
    await store.open()
    assert await store.unfinished() == []
    await store.close()


async def test_what_is_closed_says_so(opened: Opened) -> None:
    async with opened() as provider:
        pass
    with pytest.raises(StoreUnavailable, match=r"is not open; call `open\(\)` first"):
        await provider.store.unfinished()
