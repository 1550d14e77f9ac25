"""Providers: the ports kept with one technology each, found by the scheme of a URL.

A provider is a package with `from_url(url) -> Provider`, and one line in `SCHEMES`.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Final, cast

from wfe.errors import Permanent
from wfe.ports.provider import Provider

__all__ = ["SCHEMES", "Provider", "UrlInvalid", "find", "without_secrets"]

SCHEMES: Final[Mapping[str, str]] = {
    "files": "wfe.providers.files",
    "http": "wfe.providers.opensearch",
    "https": "wfe.providers.opensearch",
    "kubernetes": "wfe.providers.customresource",
    "memory": "wfe.providers.memory",
    "postgres": "wfe.providers.postgres",
    "postgresql": "wfe.providers.postgres",
    "redis": "wfe.providers.valkey",
    "rediss": "wfe.providers.valkey",
    "sqlite": "wfe.providers.sqlite",
    "valkey": "wfe.providers.valkey",
}
# The extra that brings a provider's client, where it is not named as the provider is.
_EXTRAS: Final[Mapping[str, str]] = {"wfe.providers.customresource": "operator"}
# An `@` behind what looks like host and port: what stands before it was meant as a user and password.
_SLIPPED: Final = re.compile(r"\w+://[^@/?#]+[/?#].*@")
_PASSWORD: Final = re.compile(r"([?&]\w*password=)[^&]*", re.IGNORECASE)


class UrlInvalid(Permanent):
    """The URL names no provider, or not what the provider needs."""


def find(url: str) -> Provider:
    """Return the provider that the URL names, without connecting to anything.

    Raises:
        UrlInvalid: no provider has the scheme, or its client is not installed, or the rest is not what it needs.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in SCHEMES:
        known = ", ".join(f"`{name}:`" for name in sorted(SCHEMES))
        near = get_close_matches(scheme, SCHEMES, 1)
        hint = f"did you mean `{near[0]}:`?" if near else f"use one of {known}"
        raise UrlInvalid(f"no provider has the scheme of `{without_secrets(url)}`; {hint}")
    if _SLIPPED.match(url):
        raise UrlInvalid(
            f"the user or password of a URL `{scheme}://…` has a sign that ends it early; write `/` as `%2F`, `?` as "
            "`%3F` and `#` as `%23`, and `@` behind the host as `%40`"
        )
    from_url = _opener(scheme)
    try:
        return from_url(url)
    except ValueError as error:
        raise UrlInvalid(f"`{without_secrets(url)}` {error}") from error


def _opener(scheme: str) -> Callable[[str], Provider]:
    package = SCHEMES[scheme]
    try:
        return cast(Callable[[str], Provider], import_module(package).from_url)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(package, package.rpartition(".")[2])
        raise UrlInvalid(
            f"`{scheme}:` needs the package `{error.name}`, which is not installed; `pip install 'wfe[{extra}]'`"
        ) from error


def without_secrets(url: str) -> str:
    """Return a URL as it may be shown."""
    before, at, after = url.rpartition("@")
    shown = f"{before.partition(':')[0]}://…@{after}" if at else url
    return _PASSWORD.sub(r"\1…", shown)
