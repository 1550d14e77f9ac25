"""The host that a verb works with, and the store that it needs."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from wfe.errors import NotFound
from wfe.executors.local.directory import writing_state
from wfe.hosts.cli.remembered import Way
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.wiring.engine_room import Settings, state_of
from wfe.hosts.wiring.parts import is_of_one_process
from wfe.ports.logs import Segment
from wfe.providers import UrlInvalid

GRACE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Copied:
    """URLs of copies, and whether the host sends to them or only looks."""

    search: str | None = None
    logs: str | None = None
    ship: bool = False


@asynccontextmanager
async def open_host(  # noqa: PLR0913  # what a verb was told
    store: str,
    *,
    create: bool = False,
    way: Way | None = None,
    secrets: Mapping[str, str] | None = None,
    max_tasks: int | None = None,
    sink: Callable[[Segment], None] | None = None,
    queue: str | None = None,
    copies: Copied | None = None,
) -> AsyncIterator[WorkflowHost]:
    """Open a host that drives nothing but what it is asked to, and sends that to its copies.

    Raises:
        NotFound: there is no such store, and none is to be made.
        StateUnusable: the state directory cannot be made.
    """
    state = prepare_store(store, create=create)
    way = way or Way()
    settings = Settings(
        store=store,
        queue=queue,
        state=state,
        workspace=Path(way.workspace),
        max_tasks=max_tasks,
        inherit=way.env,
        secrets=secrets or {},
        sink=sink,
        search=copies.search if copies else None,
        logs=copies.logs if copies else None,
        ship=copies.ship if copies else False,
    )
    host = WorkflowHost(settings=settings, recover=False)
    try:
        await host.start_host()
        yield host
    finally:
        await host.stop(GRACE)


def prepare_store(store: str, *, create: bool) -> Path:
    """Return the state directory of a store, made if need be.

    Raises:
        NotFound: there is no such store, and none is to be made.
        StateUnusable: the state directory cannot be made.
    """
    state = state_of(store)
    path = database_of(store)
    if path is not None and not create and not path.exists():
        raise NotFound(
            f"there is no store `{path}`: nothing was run in this directory; --store names another"
        )
    if create and not state.exists():
        with writing_state(state):
            state.mkdir(mode=0o700, parents=True, exist_ok=True)  # Another run may have made it just now.
            (state / ".gitignore").write_text("*\n")
    return state


def require_shared(store: str) -> None:
    """Refuse a store in which no other process finds what is to be worked on.

    Raises:
        UrlInvalid: it is such a store.
    """
    if is_of_one_process(store):
        raise UrlInvalid(
            f"`{store}` is seen by one process alone, and a worker is another one; use `sqlite:PATH` or `postgres://…` "
            "as the store"
        )


def database_of(store: str) -> Path | None:
    """Return the file of a `sqlite:` store."""
    scheme, _, path = store.partition(":")
    return Path(path.removeprefix("//")) if scheme == "sqlite" and path else None
