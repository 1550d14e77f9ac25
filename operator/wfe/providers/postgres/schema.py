"""The schema, brought up to date under a lock that all processes share."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

import asyncpg

from wfe.providers.postgres.address import Address
from wfe.providers.postgres.errors import StoreUnusable
from wfe.providers.postgres.statements import SQL
from wfe.providers.postgres.words import lock_number

OLDEST: Final = 13


async def migrate(connection: asyncpg.Connection, address: Address, package: str = __package__) -> None:
    """Apply the migrations of a package that the schema has not seen, all or none, one process at a time.

    Raises:
        StoreUnusable: the schema belongs to another program, or to a later version of this one.
    """
    if (version := connection.get_server_version().major) < OLDEST:
        raise StoreUnusable(
            f"the server of `{address.shown}` is PostgreSQL {version}, and WFE needs {OLDEST}; use a newer server"
        )
    latest = len(known(package))
    if await _version(connection, address, latest) == latest:
        return
    async with connection.transaction():
        await connection.fetch(SQL["migration_lock"], lock_number("migrations of wfe", address.schema))
        seen = await _version(connection, address, latest)
        if seen is None:
            await connection.execute(await connection.fetchval(SQL["create_schema"], address.schema))
        for number, script in enumerate(known(package)[seen or 0 :], (seen or 0) + 1):
            await connection.execute(script)
            await connection.fetch(SQL["migrated"], number)


async def _version(connection: asyncpg.Connection, address: Address, latest: int) -> int | None:
    """Return how many migrations the schema has seen, None if there is no schema; refuse one that is not for us."""
    found = await connection.fetchrow(SQL["schema_version"], address.schema)
    if not found["is_there"]:
        return None
    if not found["is_ours"]:
        if found["has_tables"]:
            raise StoreUnusable(
                f"the schema of `{address.shown}` belongs to another program; name another: `?schema=`"
            )
        return 0
    version: int = await connection.fetchval(SQL["applied"])
    if version > latest:
        raise StoreUnusable(
            f"the schema of `{address.shown}` was written by a later version of WFE (schema {version}, this one "
            f"knows {latest}); use that version, or name another schema"
        )
    return version


@cache
def known(package: str = __package__) -> list[str]:
    """Return the migrations of a package, the first one first."""
    found = {
        int(one.name[:4]): re.sub(r"--.*", "", one.read_text("utf-8"))
        for one in files(package).joinpath("migrations").iterdir()
        if one.name.endswith(".sql")
    }
    return [script for _, script in sorted(found.items())]
