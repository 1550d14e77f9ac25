"""Asking copies, without the store that they are of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from wfe.errors import NotFound, Permanent
from wfe.expr.duration import parse_duration
from wfe.ports.logs import LogStore
from wfe.ports.provider import Provider
from wfe.ports.search import Search
from wfe.providers import UrlInvalid, find, without_secrets
from wfe.runtime.clock import SystemClock

_NO_SEARCH: Final = (
    "no search is named: run instances with `--search URL` (or WFE_SEARCH), as "
    "`--search sqlite:.wfe/search.db`, and name the same here"
)
_NO_LOGS: Final = (
    "no logs are named to search in: run instances with `--logs URL` (or WFE_LOGS), as "
    "`--logs files:.wfe/logs`, and name the same here"
)


class NoCopy(Permanent):
    """There is no copy that could be asked."""


@asynccontextmanager
async def opened_search(url: str | None, *, way_out: str = _NO_SEARCH) -> AsyncIterator[Search]:
    """Open the search that instances are copied to.

    Args:
        way_out: what to say if no URL is given.

    Raises:
        NoCopy: no URL is given.
        NotFound: nothing was ever copied there.
        UrlInvalid: the technology has no search.
    """
    if url is None:
        raise NoCopy(way_out)
    provider = find(url)
    if provider.search is None:
        raise UrlInvalid(
            f"`{without_secrets(url)}` has no search; use `https://…` (OpenSearch) or `sqlite:PATH`"
        )
    async with _opened(url, provider):
        yield provider.search


@asynccontextmanager
async def opened_logs(url: str | None, *, way_out: str = _NO_LOGS) -> AsyncIterator[LogStore]:
    """Open the keeper of logs that lines are copied to.

    Args:
        way_out: what to say if no URL is given.

    Raises:
        NoCopy: no URL is given.
        NotFound: nothing was ever copied there.
        UrlInvalid: the technology keeps no logs.
    """
    if url is None:
        raise NoCopy(way_out)
    provider = find(url)
    if provider.logs is None:
        raise UrlInvalid(
            f"`{without_secrets(url)}` keeps no logs; use `https://…` (OpenSearch), `files:DIRECTORY` or "
            "`sqlite:PATH`"
        )
    async with _opened(url, provider):
        yield provider.logs


@asynccontextmanager
async def _opened(url: str, provider: Provider) -> AsyncIterator[None]:
    _require_there(url)
    await provider.open()
    try:
        yield
    finally:
        await provider.close()


def _require_there(url: str) -> None:
    scheme, _, rest = url.partition(":")
    if scheme in {"files", "sqlite"} and not Path(rest.removeprefix("//")).exists():
        raise NotFound(f"there is no `{url}`: nothing was copied there; name the URL that instances run with")


def moment(text: str | None, option: str) -> datetime | None:
    """Return the time that is so long ago (`2h`), or that an ISO 8601 text says.

    Raises:
        click.BadParameter: it says neither.
    """
    if text is None:
        return None
    try:
        return SystemClock().now() - parse_duration(text)
    except Permanent:
        pass
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise click.BadParameter(
            f"`{text}` is no time; say how long ago, as `2h`, or when, as `2030-01-31T12:00`",
            param_hint=option,
        ) from error
