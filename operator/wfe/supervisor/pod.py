"""What a pod must have so that steps can run in its containers under a supervisor. Pure; the manifest is built from it.

Each step container (one for each distinct image) has `command` as its command, the variables of `VARIABLES` from the
downward API, and these mounts, writable for its user:

    /wfe/state    STATE_VOLUME, an emptyDir in memory: claims, exit records, the journal. It survives a container
    /wfe/out      OUT_VOLUME, an emptyDir with a limit: what steps write, their scripts and data
    /wfe/secrets/NAME/KEY    one secret volume for each secret that steps refer to, read-only

Below the first two every container has a directory of its own, which its PID 1 makes. The incarnation of claims is
the uid of the pod.
"""

from hashlib import sha256
from importlib.resources import files
from re import sub
from typing import Final

STATE: Final = "/wfe/state"
OUT: Final = "/wfe/out"
SECRETS: Final = "/wfe/secrets"
WORKSPACE: Final = "/workspace"
STATE_VOLUME: Final = "wfe-state"
OUT_VOLUME: Final = "wfe-out"
STATE_SIZE: Final = "16Mi"
DEFAULT_CONTAINER: Final = "main"
# The supervisor refuses to serve a pod of another uid, so the container has to know its own.
POD_UID: Final = "WFE_POD"
VARIABLES: Final = {POD_UID: "metadata.uid"}
# A container whose process is told to end has this long before it is killed; steps get most of it.
TERMINATION_GRACE_SECONDS: Final = 10


def container_name(image: str | None) -> str:
    """Name the container that runs steps of an image; None is the image of steps that name none."""
    if image is None:
        return DEFAULT_CONTAINER
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    readable = sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "image"
    return f"{readable}-{sha256(image.encode()).hexdigest()[:8]}"


def secret_volume(name: str) -> str:
    """Name the volume of a secret; names of secrets are longer than those of volumes may be."""
    readable = sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "secret"
    return f"wfe-secret-{readable}-{sha256(name.encode()).hexdigest()[:8]}"


def secret_directory(name: str) -> str:
    """Return where a secret is mounted; its keys are files there."""
    return f"{SECRETS}/{name}"


def command(container: str, *, copies_output: bool) -> list[str]:
    """Return PID 1 of a step container: it reaps, ends steps on SIGTERM, and copies what they write to its stdout.

    A container whose steps see secrets copies nothing, unless its user says so.
    """
    return ["/bin/sh", "-c", pid_1(), "wfe", container, "copy" if copies_output else "quiet"]


def pid_1() -> str:
    """Return its text, without what only its readers need."""
    text = files("wfe.supervisor").joinpath("shell").joinpath("pid1.sh").read_text("utf-8")
    return without_comments(text)


def without_comments(text: str) -> str:
    """Leave out the lines of a shell script that are comments, and the indentation of others."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))
