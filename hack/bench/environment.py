"""Runs a bench in the project's virtual environment, which it sets up; importing it is enough."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

HACK = Path(__file__).resolve().parent.parent

if find_spec("wfe") is None:
    subprocess.run([str(HACK / "venv")], check=True)
    python = str(HACK.parent / ".venv/bin/python")
    os.execv(python, [python, *sys.argv])  # noqa: S606 - it is this program again
