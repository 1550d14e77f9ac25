"""Concurrency groups: compared and swapped by their whole text."""

from wfe.errors import Conflict
from wfe.model.concurrency import Group
from wfe.providers.postgres.database import Database
from wfe.providers.postgres.words import digest


async def get(database: Database, key: str) -> Group:
    row = await database.fetch_one("group", digest(key))
    return Group.of_text(None if row is None else row["body"])


async def put(database: Database, key: str, before: Group, after: Group) -> None:
    if before == after:
        is_swapped = await get(database, key) == before
    elif not before.members:
        is_swapped = await database.fetch_one("make_group", digest(key), after.to_text()) is not None
    elif not after.members:
        is_swapped = await database.fetch_one("drop_group", digest(key), before.to_text()) is not None
    else:
        row = await database.fetch_one("swap_group", digest(key), before.to_text(), after.to_text())
        is_swapped = row is not None
    if not is_swapped:
        raise Conflict(f"concurrency group `{key}` is another by now")
