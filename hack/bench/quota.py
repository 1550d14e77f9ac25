"""A part of a processor for one process: a control group of its own, of version 1 or 2."""

from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_PERIOD_US: Final = 100_000


class NoQuota(Exception):
    """This machine lets us cap nothing; the message says why."""


class Quota:
    """A share of one processor.

    Args:
        name: of the group; no other has it.
        processors: how much, 0.25 for a quarter.

    Raises:
        NoQuota: it needs root, and a control group file system that can be written.
    """

    def __init__(self, name: str, processors: float) -> None:
        is_unified = (_ROOT / "cgroup.controllers").exists()
        self._group = (_ROOT if is_unified else _ROOT / "cpu") / name
        quota = int(processors * _PERIOD_US)
        try:
            if is_unified:
                (_ROOT / "cgroup.subtree_control").write_text("+cpu")
            self._group.mkdir()
            if is_unified:
                (self._group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
            else:
                (self._group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (self._group / "cpu.cfs_quota_us").write_text(str(quota))
        except OSError as error:
            raise NoQuota(
                f"a processor cannot be divided here: {error}; be root, outside of a fence"
            ) from error

    def take(self, pid: int) -> None:
        """Put a process under it, with all its threads."""
        (self._group / "cgroup.procs").write_text(str(pid))

    def remove(self) -> None:
        """Remove the group; its process has ended."""
        self._group.rmdir()
