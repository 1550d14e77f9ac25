"""The time of the API server, which is the same for every replica and for whoever reads its objects."""

from collections.abc import Callable
from datetime import datetime

from wfe.runtime.clock import SystemClock


class ServerClock(SystemClock):
    """A clock that goes by the answers of the API server; it never goes back."""

    def __init__(self, server: Callable[[], datetime]) -> None:
        super().__init__()
        self._server = server

    def now(self) -> datetime:
        return self._server()
