"""Where an attempt lives below a state directory, for those who run it and those who read what it wrote.

INSTANCE/TOKEN/        TOKEN is the token of the attempt's key
    about.json         the key in words, since a token cannot be read back
    claim pid reason end launch stdout stderr      the supervisor's
    times              when which bytes were seen, by the engine that followed them
    output             WFE_OUTPUT
    unmasked           there while stdout and stderr may hold values of secrets
    …                  the files of the task
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from typing import Final

from wfe.model.ids import AttemptKey

ABOUT: Final = "about.json"
TIMES: Final = "times"
END: Final = "end"
CLAIM: Final = "claim"
OUTPUT: Final = "output"
UNMASKED: Final = "unmasked"
# Names below the state directory, and in an attempt's, that no instance and no task's file may have.
RESERVED: Final = frozenset({"id", "supervisor.sh"})
TAKEN: Final = frozenset(
    {ABOUT, TIMES, END, CLAIM, OUTPUT, UNMASKED, "pid", "reason", "launch", "stdout", "stderr"}
)


def instance_directory(instance: str) -> str:
    """Return a safe name for an instance's directory; most names are safe as they are."""
    if fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", instance) and instance not in RESERVED:
        return instance
    return sha256(instance.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def attempt_directory(key: AttemptKey) -> str:
    """Return the name of an attempt's directory, relative to the state directory; a key of the protocol."""
    return f"{instance_directory(key.instance)}/{key.token}"


def about(key: AttemptKey) -> bytes:
    """Return the text of `about.json`."""
    return json.dumps({"instance": key.instance, "path": key.path, "attempt": key.attempt}).encode()


def attempts(root: Path, instance: str) -> Iterator[tuple[AttemptKey, Path]]:
    """Yield the attempts of an instance that left something here, in no order."""
    for path in (root / instance_directory(instance)).glob(f"*/{ABOUT}"):
        try:
            said = json.loads(path.read_bytes())
            yield AttemptKey(said["instance"], said["path"], said["attempt"]), path.parent
        except (OSError, ValueError, KeyError):
            continue
