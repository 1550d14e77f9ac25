"""The history of a cluster, read from the database that its operator copies to."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar

import click

from wfe.errors import NotFound, Permanent
from wfe.hosts.cli.cluster.listing import Wanted
from wfe.hosts.cli.cluster.phases import Phase
from wfe.hosts.cli.trusting import trusting
from wfe.hosts.embedded.view import StepView, steps_of
from wfe.hosts.kubernetes.reconcile import Desired
from wfe.ports.mirror import Kept, Mirror, MirrorQuery
from wfe.providers import UrlInvalid, find, without_secrets
from wfe.providers.customresource.words import span

F = TypeVar("F", bound=Callable[..., Any])
# The second is what the operator itself reads.
VARIABLES: Final = ("WFE_HISTORY", "WFE_POSTGRES_URL")
PAGE: Final = 500


class NoHistory(Permanent):
    """Nobody says where the history is."""


def history_url_option(function: F) -> F:
    """Add `--history-url URL`."""
    return click.option(
        "--history-url",
        metavar="URL",
        envvar=VARIABLES,
        show_envvar=True,
        callback=trusting("postgres"),
        help="Where the operator keeps the history: postgres://USER@HOST:PORT/DATABASE.",
    )(function)


def history_options(function: F) -> F:
    """Add `--history` and `--history-url URL`."""
    flag = click.option(
        "--history", is_flag=True, help="Look in the history, which has also what is gone from the cluster."
    )
    return flag(history_url_option(function))


@asynccontextmanager
async def opened_history(url: str | None) -> AsyncIterator[Mirror]:
    """Open the history.

    Raises:
        NoHistory: no URL is given.
        UrlInvalid: what it names keeps no history.
    """
    if not url:
        raise NoHistory(
            "nobody says where the history is: name the database that the operator copies to, with `--history-url "
            f"postgres://USER@HOST:PORT/DATABASE` or {VARIABLES[0]}; the operator has it from the value `postgres` of "
            "its chart, and without it there is no history"
        )
    mirror = find(url).mirror
    if mirror is None:
        raise UrlInvalid(
            f"`{without_secrets(url)}` keeps no history; use `postgres://USER@HOST:PORT/DATABASE`"
        )
    await mirror.open()
    try:
        yield mirror
    finally:
        await mirror.close()


async def listed(mirror: Mirror, wanted: Wanted, namespace: str) -> Sequence[Phase]:
    """Return instances of the history, newest first."""
    query = MirrorQuery(
        namespace=None if wanted.everywhere else namespace,
        statuses=wanted.statuses,
        workflow=wanted.workflow,
        reference=wanted.reference,
        roots_only=not wanted.children,
    )
    found: list[Phase] = []
    after: str | None = None
    while True:
        left = wanted.limit - len(found)
        page = await mirror.list(replace(query, after=after, limit=min(PAGE, left)))
        found.extend(map(phase_of, page.found))
        after = page.next
        if after is None or len(found) >= wanted.limit:
            return found


def phase_of(kept: Kept) -> Phase:
    """Return an instance of the history as its object would show it."""
    instance, counts = kept.instance, kept.instance.counts
    done = counts.complete + counts.failed + counts.skipped + counts.cancelled + counts.compensated
    ended = instance.finished_at
    return Phase(
        name=instance.name,
        uid=instance.id,
        id=instance.id,
        namespace=kept.namespace,
        version="",
        workflow=instance.workflow.id,
        workflow_version=instance.workflow.version,
        status=instance.status,
        reason=instance.failure.reason.value if instance.failure else instance.reason or "",
        message=str(instance.failure or instance.message or ""),
        progress=f"{done}/{done}" if instance.status.is_final else f"{done}",
        step="",
        desired=Desired.RUNNING,
        resumes=0,
        resumed=0,
        reference=instance.reference or "",
        root=instance.root or instance.id,
        parent=instance.parent.instance if instance.parent else "",
        parent_path="",
        parent_attempt=0,
        created=instance.created_at,
        started=instance.started_at,
        finished=ended,
        duration=span(ended - (instance.started_at or instance.created_at)) if ended else "",
        is_begun=True,
        is_over=instance.status.is_final,
    )


async def found(mirror: Mirror, name: str, namespace: str) -> Kept:
    """Return an instance of the history, by its id or name.

    Raises:
        NotFound: there is none.
    """
    kept = await mirror.find(name, namespace=namespace)
    if kept is None:
        raise NotFound(
            f"the history has no instance `{name}` in namespace `{namespace}`; `wfe list --history -A` lists "
            "what it has"
        )
    return kept


async def steps_in(mirror: Mirror, kept: Kept, prefix: str = "") -> Sequence[StepView]:
    """Return the visits that had ended, those of children among them, in start order."""
    views: list[StepView] = []
    for view in steps_of(None, kept.instance, list(await mirror.steps(kept.instance.id))):
        views.append(replace(view, path=prefix + view.path))
        child = await mirror.find(view.child, namespace=kept.namespace) if view.child else None
        if child is not None:
            views.extend(await steps_in(mirror, child, f"{prefix}{view.path}/"))
    return views


def facts_of(kept: Kept) -> Mapping[str, str]:
    """Return what is said of an instance besides its own."""
    return {"namespace": kept.namespace, "progress": phase_of(kept).progress}
