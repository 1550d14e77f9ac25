"""Runs what documents show: `wfe` as a newcomer has it on the path, in a directory of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def environment() -> dict[str, str]:
    """Return an environment in which `wfe` and `python` are this installation's, and which says nothing of colours."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": path, "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(arguments: Sequence[str], directory: Path, *, within: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; when it takes too long, end it and what it started."""
    with subprocess.Popen(
        arguments,
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def said(result: subprocess.CompletedProcess[str]) -> str:
    """Return all that a command printed, for messages of failing tests."""
    return f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
