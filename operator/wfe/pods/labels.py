"""The names that everything the operator makes is found by."""

from hashlib import sha256
from typing import Final

from wfe.model.ids import AttemptKey

PREFIX: Final = "wfe.sunbeam.pt/"
ROLE: Final = f"{PREFIX}role"
ROOT: Final = f"{PREFIX}root"
ID: Final = f"{PREFIX}id"
WORKFLOW: Final = f"{PREFIX}workflow"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
WFE: Final = "wfe"

RUNNER: Final = "runner"
ATTEMPT: Final = "attempt"
POOL: Final = "pool"

# On isolated pods: the gate that keeps them from being scheduled, what keeps them until their result is saved, what
# they were made from, which attempt they are, and what people call its step in a child, why they are being ended, and
# which ConfigMap is theirs.
GATE: Final = f"{PREFIX}admitted"
FINALIZER: Final = f"{PREFIX}result"
SPEC: Final = f"{PREFIX}spec"
STEP: Final = f"{PREFIX}step"
SHOWN: Final = f"{PREFIX}shown"
ATTEMPT_NUMBER: Final = f"{PREFIX}attempt"
ENDING: Final = f"{PREFIX}ending"
FILES: Final = f"{PREFIX}files"
DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"

POOL_NAMES: Final = "wfe-r-pool-"


def runner_name(root: str) -> str:
    """Name the runner pod of an instance tree."""
    return f"wfe-r-{_digits(root)}"


def attempt_name(key: AttemptKey) -> str:
    """Name the pod of one attempt."""
    return f"wfe-a-{_digits(f'{key.instance}/{key.path}/{key.attempt}')}"


def volume_name(root: str) -> str:
    """Name the volume claim of an instance tree."""
    return f"wfe-v-{_digits(root)}"


def _digits(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
