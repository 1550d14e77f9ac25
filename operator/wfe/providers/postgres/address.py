"""Where the data is: what a URL says of server, database and schema."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}")
SCHEMA: Final = "wfe"
CONNECTIONS: Final = 8
STATEMENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Address:
    """A schema of a database, and how to talk to its server.

    Attributes:
        dsn: what the client library connects to; it knows the environment (`PGPASSWORD`, `PGSSLMODE`, …) as well.
        schema: `?schema=`, the schema that the tables are in.
        connections: `?connections=`, how many this process opens at most.
        cached_statements: `?statement_cache_size=`, how many prepared statements a connection keeps; 0 where something
            between here and the server loses them.
    """

    dsn: str = field(repr=False)
    schema: str = SCHEMA
    connections: int = CONNECTIONS
    cached_statements: int = STATEMENTS

    @classmethod
    def of(cls, url: str) -> "Address":
        """Read a URL.

        Raises:
            ValueError: an option has a value that it cannot have.
        """
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        schema = options.pop("schema", SCHEMA)
        if not _NAME.fullmatch(schema) or schema.startswith("pg_"):
            raise ValueError(
                "has a schema that cannot be one; use at most 40 small letters, digits and `_`, the first no digit"
            )
        connections = _number(options, "connections", CONNECTIONS, least=2)
        cached = _number(options, "statement_cache_size", STATEMENTS, least=0)
        return cls(urlunsplit(parts._replace(query=urlencode(options))), schema, connections, cached)

    @property
    def shown(self) -> str:
        """The address as errors name it: no password, nor anything else that may be secret."""
        parts = urlsplit(self.dsn)
        user = f"{parts.username}@" if parts.username else ""
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{user}{host}{parts.path}?schema={self.schema}"

    @property
    def user(self) -> str:
        return urlsplit(self.dsn).username or "(the user of this process)"

    @property
    def database(self) -> str:
        return urlsplit(self.dsn).path.strip("/") or self.user


def _number(options: dict[str, str], name: str, default: int, *, least: int) -> int:
    text = options.pop(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"has the option `{name}`, which needs a number from {least}")
    return int(text)
