"""A Postgres for the time of a measurement, with fsync, on the disk that is measured."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = 54329


def programs() -> Path | None:
    """Return the directory of the newest Postgres's programs, if there is one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running(directory: Path) -> Iterator[str | None]:
    """Yield the URL of a fresh server, or None where there is no Postgres."""
    bin_directory = programs()
    if bin_directory is None:
        yield None
        return
    data = directory / "postgres"
    data.mkdir()
    # Postgres refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(data, user)
        directory.chmod(0o755)

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)

    run(bin_directory / "initdb", "-D", data, "-U", "postgres", "-A", "trust")
    control = (bin_directory / "pg_ctl", "-D", data, "-w", "-l", data / "log")
    run(*control, "-o", f"-p {PORT} -c listen_addresses=127.0.0.1 -k {data}", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{PORT}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
