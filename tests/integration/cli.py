"""The real command in a directory of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

WFE = [sys.executable, "-m", "wfe"]


class Cli:
    """Runs `wfe` in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind, also when a test fails in the middle."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=240)
            if process.stdout is not None:
                process.stdout.close()

    def write(self, text: str, name: str = "w.yaml") -> str:
        (self.directory / name).write_text(text)
        return name

    def __call__(
        self, *arguments: str, code: int | None = 0, env: dict[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*WFE, *arguments],
            cwd=self.directory,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            input=stdin,
        )
        if code is not None:
            assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--output", "json", code=code).stdout)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*WFE, *arguments],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def lines(self, name: str) -> list[str]:
        path = self.directory / name
        return path.read_text().splitlines() if path.exists() else []

    def until(self, condition: Callable[[], object]) -> None:
        """Wait until something of another process can be seen."""
        end = time.monotonic() + 240
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)


def end(process: "subprocess.Popen[str]", number: int = signal.SIGKILL) -> tuple[int, str]:
    """Send a signal to a process, wait for its end, and return its exit code and what it wrote."""
    process.send_signal(number)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output
