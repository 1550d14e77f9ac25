"""How we show who we are: nothing, a fixed word, or a token that somebody renews in a file."""

import base64
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from wfe.kube.errors import AccessUnclear

READ_EVERY_SECONDS: Final = 60.0


class Credentials(Protocol):
    """Who we are, for as long as it holds."""

    async def headers(self) -> dict[str, str]:
        """Return what to send with a request now."""
        ...

    def refused(self) -> None:
        """Forget what is cached: the server does not take it any more."""
        ...


class Anonymous:
    """Nothing to show; a client certificate is part of the TLS context."""

    async def headers(self) -> dict[str, str]:
        return {}

    def refused(self) -> None: ...


def bearer(token: str) -> dict[str, str]:
    """Return the header of a bearer token."""
    return {"Authorization": f"Bearer {token}"}


class Fixed:
    """A token or a password that never changes."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = dict(headers)

    @classmethod
    def password(cls, username: str, password: str) -> "Fixed":
        """Return basic authentication."""
        pair = base64.b64encode(f"{username}:{password}".encode()).decode()
        return cls({"Authorization": f"Basic {pair}"})

    async def headers(self) -> dict[str, str]:
        return self._headers

    def refused(self) -> None: ...


class TokenFile:
    """A token in a file that somebody renews; read at most once a minute."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._headers: dict[str, str] = {}
        self._read_at: float | None = None

    async def headers(self) -> dict[str, str]:
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= READ_EVERY_SECONDS:
            try:
                self._headers = bearer(self._path.read_text().strip())
            except OSError as error:
                # The kubelet swaps the file while we look: what we have holds for a while yet.
                if not self._headers:
                    raise AccessUnclear(f"the token in {self._path} cannot be read: {error}") from error
            self._read_at = now
        return self._headers

    def refused(self) -> None:
        self._read_at = None
