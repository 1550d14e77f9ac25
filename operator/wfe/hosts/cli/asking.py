"""Asking copies, without the store that they are of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import click

from wfe.errors import Permanent
from wfe.expr.duration import parse_duration
from wfe.ports.logs import LogStore
from wfe.ports.provider import Provider
from wfe.ports.search import Search
from wfe.providers import UrlInvalid, find, without_secrets
from wfe.runtime.clock import SystemClock


class NoCopy(Permanent):
    """There is no copy that could be asked."""


@asynccontextmanager
async def opened_search(url: str | None) -> AsyncIterator[Search]:
    """Open the search that instances are copied to.

    Raises:
        NoCopy: no URL is given.
        UrlInvalid: the technology has no search.
    """
    if url is None:
        raise NoCopy(
            "no search is named: run instances with `--search URL` (or WFE_SEARCH), as "
            "`--search sqlite:.wfe/search.db`, and name the same here"
        )
    provider = find(url)
    if provider.search is None:
        raise UrlInvalid(
            f"`{without_secrets(url)}` has no search; use `https://…` (OpenSearch) or `sqlite:PATH`"
        )
    async with _opened(provider):
        yield provider.search


@asynccontextmanager
async def opened_logs(url: str | None) -> AsyncIterator[LogStore]:
    """Open the keeper of logs that lines are copied to.

    Raises:
        NoCopy: no URL is given.
        UrlInvalid: the technology keeps no logs.
    """
    if url is None:
        raise NoCopy(
            "no logs are named to search in: run instances with `--logs URL` (or WFE_LOGS), as "
            "`--logs files:.wfe/logs`, and name the same here"
        )
    provider = find(url)
    if provider.logs is None:
        raise UrlInvalid(
            f"`{without_secrets(url)}` keeps no logs; use `https://…` (OpenSearch), `files:DIRECTORY` or "
            "`sqlite:PATH`"
        )
    async with _opened(provider):
        yield provider.logs


@asynccontextmanager
async def _opened(provider: Provider) -> AsyncIterator[None]:
    await provider.open()
    try:
        yield
    finally:
        await provider.close()


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
