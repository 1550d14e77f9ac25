"""What a URL says of a server: `redis://USER:PASSWORD@HOST:PORT/DB?prefix=wfe&timeout=5&ca=FILE`."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

PREFIX: Final = "wfe"
TIMEOUT: Final = timedelta(seconds=5)
_OPTIONS: Final = ("ca", "prefix", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the server is, who we are there, and under which keys.

    Attributes:
        prefix: stands before all our keys as `{prefix}`, which keeps them on one node of a cluster.
        timeout: how long a call may take.
        ca: a file with the certificate authority to trust; the system's if None.
    """

    host: str
    port: int = 6379
    database: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    prefix: str = PREFIX
    timeout: timedelta = TIMEOUT
    ca: str | None = None

    def __str__(self) -> str:
        """Return words for people, without secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"the Valkey server {host}:{self.port}"


def parsed(url: str) -> Address:
    """Return what the URL says.

    Raises:
        ValueError: the rest of a sentence that begins with the URL.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"names no server; use `{parts.scheme}://HOST:PORT`")
    return Address(
        host=parts.hostname,
        port=_port(parts),
        database=_database(parts.path),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "rediss",
        **_options(parts.query),
    )


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or 6379
    except ValueError as error:
        raise ValueError("has a port that is none; use `redis://HOST:PORT`") from error


def _database(path: str) -> int:
    name = path.strip("/")
    if name and not (name.isascii() and name.isdecimal()):
        raise ValueError(f"names a database `{name}`, but they have numbers; use `redis://HOST:PORT/0`")
    return int(name or 0)


def _options(query: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        match name:
            case "prefix" if re.fullmatch(r"[\w.:/-]+", value, re.ASCII):
                found[name] = value
            case "prefix":
                raise ValueError("has a prefix with odd characters; use letters, digits and `_ . : / -`")
            case "timeout" if re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) and float(value) > 0:
                found[name] = timedelta(seconds=float(value))
            case "timeout":
                raise ValueError("has a timeout that is no number of seconds; use one like `timeout=5`")
            case "ca" if value:
                found[name] = value
            case _:
                known = ", ".join(f"`{option}`" for option in _OPTIONS)
                raise ValueError(f"has an option `{name}`; there are {known}")
    return found
