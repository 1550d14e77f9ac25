"""The supervisor: a POSIX shell program that runs steps beside where they run, and the codec of its lines."""

from importlib.resources import files
from typing import Final

PARTS: Final = ("processes", "step", "guard", "requests", "serve")


def script() -> str:
    """Return the text of the supervisor; any `sh` runs it."""
    folder = files("wfe.supervisor").joinpath("shell")
    return "\n".join(folder.joinpath(f"{part}.sh").read_text("utf-8") for part in PARTS)
