"""Every statement fits the schema, and those whose tables grow read no more than they need."""

import pytest

from tests.integration.postgres.conftest import Opened
from wfe.providers.postgres.statements import SQL

pytestmark = pytest.mark.integration

# These are not of our tables, or are asked for all that waits.
ELSEWHERE = {"prepare_session", "schema_version", "migration_lock", "create_schema", "notify", "backend"}
WHOLE = {"inboxes"}


@pytest.mark.parametrize("name", sorted(SQL.keys() - ELSEWHERE))
async def test_a_statement_uses_an_index(opened: Opened, name: str) -> None:
    filters = "workflow = 'w' AND (created, id) < (now(), 'x')"
    async with opened() as provider, provider.store.database.connection() as connection:
        statement = await connection.prepare(SQL[name].replace(":filters", filters))
        await connection.execute(f"PREPARE it AS {statement.get_query()}")
        nulls = ", ".join(["NULL"] * len(statement.get_parameters()))
        rows = await connection.fetch(f"EXPLAIN EXECUTE it{f' ({nulls})' if nulls else ''}")
    plan = "\n".join(row[0] for row in rows)
    assert name in WHOLE or "Seq Scan" not in plan, plan


@pytest.mark.parametrize(("default", "used"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
async def test_every_commit_waits_for_the_disk_whatever_the_default(
    opened: Opened, default: str, used: str
) -> None:
    async with opened() as provider, provider.store.database.connection() as connection:
        await connection.execute(f"SET synchronous_commit = {default}")
        await connection.fetch(SQL["prepare_session"], provider.store.database.address.schema)
        assert await connection.fetchval("SHOW synchronous_commit") == used
