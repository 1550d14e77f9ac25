"""Stored definitions."""

from sqlite3 import Connection

from wfe.model.instance import WorkflowRef
from wfe.ports.store import Definition
from wfe.providers.sqlite.statements import SQL


def put(connection: Connection, definition: Definition) -> None:
    ref = definition.workflow
    connection.execute(SQL["put_definition"], (ref.digest, ref.id, ref.version, definition.source))


def get(connection: Connection, digest: str) -> Definition | None:
    return _definition(connection.execute(SQL["definition"], (digest,)).fetchone())


def latest(connection: Connection, workflow: str, version: int | None) -> Definition | None:
    values = {"workflow": workflow, "version": version}
    return _definition(connection.execute(SQL["latest_definition"], values).fetchone())


def _definition(row: tuple[str, int, str, str] | None) -> Definition | None:
    if row is None:
        return None
    workflow, version, digest, source = row
    return Definition(workflow=WorkflowRef(workflow, version, digest), source=source)
