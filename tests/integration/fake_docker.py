"""A container program that records its calls and pretends; environment variables say what goes wrong.

State is a directory: `calls` has a line of JSON for every call, `running-NAME` exists while a container runs.
FAKE_DOCKER: its directory. FAKE_DOCKER_MODE: `ready`, `slow` (never ready), `dies`, `refuses`,
`down` (the program itself does not work).
"""

import json
import os
import sys
from pathlib import Path

HERE, MODE = Path(os.environ["FAKE_DOCKER"]), os.environ.get("FAKE_DOCKER_MODE", "ready")


def run(arguments: list[str]) -> int:
    if MODE == "refuses":
        sys.stderr.write("no such image\n")
        return 125
    name = arguments[arguments.index("--name") + 1]
    file = Path(arguments[arguments.index("--env-file") + 1])
    note = {"env": file.read_text(), "mode": oct(file.stat().st_mode & 0o777)}
    with (HERE / "envs").open("a") as out:
        out.write(json.dumps(note) + "\n")
    if MODE != "dies":
        (HERE / f"running-{name}").touch()
    return 0


def main(arguments: list[str]) -> int:
    with (HERE / "calls").open("a") as out:
        out.write(json.dumps(arguments) + "\n")
    name = HERE / f"running-{arguments[-1]}"
    match arguments[0]:
        case "info":
            sys.stderr.write("the daemon does not run\n" if MODE == "down" else "")
            return 1 if MODE == "down" else 0
        case "run":
            return run(arguments)
        case "inspect":
            sys.stdout.write("true\n" if name.exists() else "false\n")
        case "exec":
            return 0 if MODE == "ready" else 1
        case "logs":
            sys.stdout.write("starting\nthe password is hunter22, or aHVudGVyMjI=\n")
        case "rm":
            name.unlink(missing_ok=True)
    return 0


sys.exit(main(sys.argv[1:]))
