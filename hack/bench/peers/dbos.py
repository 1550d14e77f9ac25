"""DBOS in an environment of its own, kept in the user's cache."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from figures import show

VERSION = "3.4.0"
SCRIPT = Path(__file__).with_name("dbos_steps.py")


@dataclass(frozen=True)
class Figures:
    """What one run measured: milliseconds of single steps, and steps a second of many instances."""

    each: list[float]
    per_second: float
    instances: int

    def show(self, where: str) -> float:
        """Print both, and where they were measured; return the median of single steps."""
        name = f"DBOS {VERSION} on {where}"
        median = show(f"{name}, a step after another", self.each)
        print(f"{f'{name}, {self.instances} at once':44} {self.per_second:,.0f} steps/s")
        return median


def python() -> Path:
    """Return a Python that has DBOS; install it the first time.

    Raises:
        subprocess.CalledProcessError: it cannot be installed here.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment = cache / "wfe-bench" / f"dbos-{VERSION}"
    found = environment / "bin" / "python"
    if not (environment / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([found, "-m", "pip", "install", "-q", f"dbos=={VERSION}"], check=True)
        (environment / "ready").touch()
    return found


def measure(url: str, instances: int, steps: int, samples: int, *, directory: Path) -> Figures:
    """Run its workflow on that database."""
    # -P: this file must not hide the library of its name.
    numbers = map(str, (instances, steps, samples))
    done = subprocess.run(
        [python(), "-P", SCRIPT, url, *numbers], check=True, capture_output=True, text=True, cwd=directory
    )
    return Figures(**json.loads(done.stdout.splitlines()[-1]), instances=instances)
