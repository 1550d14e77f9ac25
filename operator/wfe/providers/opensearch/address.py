"""What the URL of an OpenSearch server says.

    http[s]://[USER:PASSWORD@]HOST[:PORT][/PATH][?OPTION=VALUE&…]

prefix    what the names of indices and templates begin with; `wfe-` by default
period    how long an index of logs is written to: `day` (the default) or `month`. Retention drops whole ones
refresh   how soon what was written is found: `1s` by default; shorter costs the server time
timeout   how long to wait for an answer; `30s` by default
ca        a file with certificates to trust, for https
cert key  files with our own certificate and its key, for https
verify    `no`: talk to a server whose certificate nobody vouches for
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Final, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

T = TypeVar("T")
PORT: Final = 9200
# Of what OpenSearch allows in names of indices, what needs no escape anywhere.
_PREFIX: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_DURATION: Final = re.compile(r"(\d{1,6})(ms|s|m)")
_UNITS: Final = {"ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1)}
_PERIODS: Final = {"day": "%Y.%m.%d", "month": "%Y.%m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server is, who we are, and how we use it.

    Attributes:
        path: what stands before every path of the server, as behind a proxy.
        period: the form (of `strftime`) of the time in the name of an index of logs.
        refresh: how soon what was written is found, in OpenSearch's words.
    """

    host: str
    port: int = PORT
    path: str = ""
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = "wfe-"
    period: str = _PERIODS["day"]
    refresh: str = "1s"
    timeout: timedelta = timedelta(seconds=30)
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True

    def __str__(self) -> str:
        """Return the URL without the password."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{user}{host}:{self.port}{self.path}"


_KNOWN: Final = ("prefix", "period", "refresh", "timeout", "ca", "cert", "key", "verify")


def parsed(url: str) -> Address:
    """Read a URL.

    Raises:
        ValueError: it is not understood; the text goes on after the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
    except ValueError as error:
        raise ValueError("has a port that is no number; use `https://HOST:9200`") from error
    if not parts.hostname:
        raise ValueError("names no host; use `https://HOST:9200`")
    options = _options(parts.query)
    return Address(
        host=parts.hostname,
        port=port,
        path=parts.path.rstrip("/"),
        tls=parts.scheme == "https",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        prefix=_prefix(options.get("prefix", "wfe-")),
        period=_chosen("period", options.get("period", "day"), _PERIODS),
        refresh=_refresh(options.get("refresh", "1s")),
        timeout=_duration("timeout", options.get("timeout", "30s")),
        ca=options.get("ca"),
        cert=options.get("cert"),
        key=options.get("key"),
        verify=_chosen("verify", options.get("verify", "yes"), {"yes": True, "no": False}),
    )


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _KNOWN:
            near = get_close_matches(name, _KNOWN, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(_KNOWN)}"
            raise ValueError(f"has an option `{name}`, which is unknown; {hint}")
    return options


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError(
            f"has the prefix `{text}`; use up to 100 small letters, digits, `-` and `_`, a letter or digit first"
        )
    return text


def _chosen(name: str, text: str, choices: Mapping[str, T]) -> T:
    if text not in choices:
        raise ValueError(f"has {name} `{text}`; use one of {', '.join(choices)}")
    return choices[text]


def _duration(name: str, text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if not found or not int(found[1]):
        raise ValueError(f"has {name} `{text}`; use a duration, as `500ms` or `30s`")
    return int(found[1]) * _UNITS[found[2]]


def _refresh(text: str) -> str:
    _duration("refresh", text)
    return text
