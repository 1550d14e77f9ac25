"""Holders of leases on one machine: a process that is gone holds nothing, however long its lease would last.

A holder is named `<boot id>/<pid namespace>:<pid>:<start time>:<random>`. The boot id, the namespace (containers of one
machine have pids of their own) and the start time (field 22 of `/proc/PID/stat`) make the pid unique. On other
systems, in other namespaces and under other names, a holder lives until its lease ends.
"""

import os
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def holder_name(chance: str, *, proc: Path = PROC) -> str:
    """Name this process as a holder; `chance` tells hosts in one process apart."""
    return f"{_world(proc)}:{os.getpid()}:{_start_time(os.getpid(), proc)}:{chance}"


def holder_alive(holder: str, *, proc: Path = PROC) -> bool:
    """Return False only if the holder is a process of this boot that has ended."""
    match holder.split(":"):
        case [world, pid, started, _] if world and world == _world(proc) and pid.isdecimal():
            return _start_time(int(pid), proc) == started
        case _:
            return True


def _world(proc: Path) -> str:
    """Return what names the pids that this process sees; "" where nothing does."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        namespace = str((proc / "self/ns/pid").readlink())
    except OSError:
        return ""
    return f"{boot}/{namespace.removeprefix('pid:').strip('[]')}"


def _start_time(pid: int, proc: Path) -> str:
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return ""
    # The command's name is in parentheses and may hold anything, so count from behind them.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else fields[18]
