"""Logs in files: those that steps write themselves, and those that are handed over. `files:DIRECTORY`"""

from pathlib import Path

from wfe.ports.provider import Provider
from wfe.providers.files.ledger import FileLedger
from wfe.providers.files.logs import FileLogs
from wfe.providers.files.spool import Spool
from wfe.providers.files.store import DirectoryLogs

__all__ = ["DirectoryLogs", "FileLedger", "FileLogs", "FilesProvider", "Spool", "from_url"]


class FilesProvider(Provider):
    """Logs below one directory."""

    def __init__(self, root: Path) -> None:
        self.logs: DirectoryLogs = DirectoryLogs(root)

    async def open(self) -> None:
        await self.logs.open()


def from_url(url: str) -> FilesProvider:
    """Return the provider for `files:DIRECTORY`, also written `files:///DIRECTORY`."""
    path = url.removeprefix("files:").removeprefix("//")
    if not path:
        raise ValueError("names no directory; use `files:DIRECTORY`")
    return FilesProvider(Path(path))
