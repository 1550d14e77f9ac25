"""Stored definitions."""

from collections.abc import Mapping
from typing import Any

from wfe.model.instance import WorkflowRef
from wfe.ports.store import Definition
from wfe.providers.postgres.database import Database


async def put(database: Database, definition: Definition) -> None:
    ref = definition.workflow
    await database.fetch("put_definition", ref.digest, ref.id, ref.version, definition.source)


async def get(database: Database, digest: str) -> Definition | None:
    return _definition(await database.fetch_one("definition", digest))


async def latest(database: Database, workflow: str, version: int | None) -> Definition | None:
    return _definition(await database.fetch_one("latest_definition", workflow, version))


def _definition(row: Mapping[str, Any] | None) -> Definition | None:
    if row is None:
        return None
    workflow = WorkflowRef(row["workflow"], row["version"], row["digest"])
    return Definition(workflow=workflow, source=row["source"])
