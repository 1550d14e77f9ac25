"""Providers: the ports kept with one technology each, found by the scheme of a URL.

A provider is a package with `from_url(url) -> Provider`, and one line in `SCHEMES`.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Final, cast

from wfe.errors import Permanent
from wfe.ports.provider import Provider

__all__ = ["SCHEMES", "Provider", "UrlInvalid", "find"]

SCHEMES: Final[Mapping[str, str]] = {
    "kubernetes": "wfe.providers.customresource",
    "memory": "wfe.providers.memory",
    "sqlite": "wfe.providers.sqlite",
}


class UrlInvalid(Permanent):
    """The URL names no provider, or not what the provider needs."""


def find(url: str) -> Provider:
    """Return the provider that the URL names, without connecting to anything.

    Raises:
        UrlInvalid: no provider has the scheme, or the rest of the URL is not what it needs.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"`{name}:`" for name in sorted(SCHEMES))
        near = get_close_matches(scheme, SCHEMES, 1)
        hint = f"did you mean `{near[0]}:`?" if near else f"use one of {known}"
        raise UrlInvalid(f"no provider has the scheme of `{_without_secrets(url)}`; {hint}")
    from_url = cast(Callable[[str], Provider], import_module(SCHEMES[scheme]).from_url)
    try:
        return from_url(url)
    except ValueError as error:
        raise UrlInvalid(f"`{_without_secrets(url)}` {error}") from error


def _without_secrets(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition(':')[0]}://…@{after}" if at else url
