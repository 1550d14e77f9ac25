"""A Postgres for the time of a measurement, with fsync, on the disk that is measured."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTBED = Path(__file__).resolve().parents[2] / "testbed"
ENVIRONMENT = {**os.environ, "WFE_POSTGRES_PORT": "54329"}


def _testbed(verb: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [TESTBED, "servers", verb, "postgres", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)


@contextmanager
def running(directory: Path) -> Iterator[str | None]:
    """Yield the URL of a fresh server, or None where there is no Postgres; it says why."""
    directory.chmod(0o755)  # Postgres refuses to run as root
    made = _testbed("own", directory / "postgres")
    if made.returncode != 0:
        print(made.stderr.strip())
        yield None
        return
    url, *command = made.stdout.splitlines()
    with (directory / "postgres.log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        while _testbed("status").returncode != 0:
            if process.poll() is not None:
                raise SystemExit((directory / "postgres.log").read_text("utf-8"))
            time.sleep(0.1)
        # The scheme that all clients know.
        yield url.replace("postgres://", "postgresql://")
    finally:
        process.send_signal(signal.SIGQUIT)  # it waits for no client
        process.wait()
