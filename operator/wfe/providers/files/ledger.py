"""A ledger in files: a directory for each process, locked while it lives, and an empty file for each instance.

ROOT/lock               held for a moment by whoever begins, so that nobody takes over from one that begins
ROOT/NAME/lock          held by its process; whoever gets the lock knows that the process is gone
ROOT/NAME/i-INSTANCE    an instance, in hexadecimal
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from typing import Final

_LOCK: Final = "lock"
_ENTRY: Final = "i-"


class FileLedger:
    """Keeps the promise of `ports.ledger.Ledger` below a directory that processes share.

    Args:
        root: the directory; it is made when it is opened.
        name: this process among them: a name that no other has.
    """

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self._own = root / name
        self._lock: int | None = None

    def open(self) -> Sequence[str]:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        beginning = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(beginning, fcntl.LOCK_EX)
            return self._begin()
        finally:
            os.close(beginning)

    def _begin(self) -> list[str]:
        self._own.mkdir(mode=0o700, exist_ok=True)
        self._lock = _locked(self._own)
        found: list[str] = []
        for other in sorted(path for path in self._root.iterdir() if path.is_dir() and path != self._own):
            lock = _locked(other)
            if lock is None:
                continue  # it lives, or somebody else takes over from it
            instances = _entries(other)
            for instance in instances:
                self.add(instance)
            found += instances
            rmtree(other, ignore_errors=True)
            os.close(lock)
        return found

    def add(self, instance: str) -> None:
        self._entry(instance).touch(mode=0o600)

    def remove(self, instance: str) -> None:
        self._entry(instance).unlink(missing_ok=True)

    def close(self) -> None:
        lock, self._lock = self._lock, None
        if lock is None:
            return
        if not _entries(self._own):
            rmtree(self._own, ignore_errors=True)
        os.close(lock)

    def _entry(self, instance: str) -> Path:
        return self._own / f"{_ENTRY}{instance.encode('utf-8', 'surrogatepass').hex()}"


def _locked(directory: Path) -> int | None:
    """Take the lock of a directory; None if its process lives, or somebody has removed it."""
    try:
        lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _entries(directory: Path) -> list[str]:
    found = [path.name.removeprefix(_ENTRY) for path in directory.glob(f"{_ENTRY}*")]
    return sorted(bytes.fromhex(name).decode("utf-8", "surrogatepass") for name in found)
