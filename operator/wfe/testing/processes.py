"""Processes that tests start, read and kill."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def another_process(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run that module of `wfe.testing` with these arguments; the process is gone at the end."""
    command = [sys.executable, "-m", f"wfe.testing.{module}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
