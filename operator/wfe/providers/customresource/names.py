"""Kinds, labels and names of what the store keeps in the API server (ADR 0007)."""

import re
from hashlib import sha256
from typing import Final

from wfe.kube.resource import Resource

GROUP: Final = "wfe.sunbeam.pt"
VERSION: Final = "v1alpha1"
WORKFLOWS: Final = Resource(GROUP, VERSION, "workflows", "Workflow")
INSTANCES: Final = Resource(GROUP, VERSION, "workflowinstances", "WorkflowInstance")
WORKFLOW_EVENTS: Final = Resource(GROUP, VERSION, "workflowevents", "WorkflowEvent")

ROLE: Final = f"{GROUP}/role"
ROOT: Final = f"{GROUP}/root"
ID: Final = f"{GROUP}/id"
WORKFLOW: Final = f"{GROUP}/workflow"
DEFINITION: Final = f"{GROUP}/definition"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,198}[a-z0-9])?")
_LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def digest(text: str, digits: int) -> str:
    """Return the first digits of a text's SHA-256; half characters count as well."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def slug(text: str, longest: int) -> str:
    """Return the part of an object's name that a person recognizes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:longest].strip("-") or "x"


def label(text: str) -> str:
    """Return a text as the value of a label: itself, or its hash."""
    return text if _LABEL.fullmatch(text) else digest(text, 40)


def labels(role: str, **others: str) -> dict[str, str]:
    """Return the labels of an object that the operator makes; keywords are labels of the group."""
    own = {f"{GROUP}/{name}": label(value) for name, value in others.items()}
    return {MANAGED_BY: "wfe", ROLE: role, **own}


def root_name(name: str) -> str:
    """Return the name of the object of an instance that no user made an object for."""
    return name if _SUBDOMAIN.fullmatch(name) else f"{slug(name, 40)}-{digest(name, 16)}"


def child_name(root: str, child: str) -> str:
    """Return the name of a child's object: the root object's name, and the child's id."""
    tail = child[:12] if re.fullmatch(r"[a-z0-9]{12,}", child) else digest(child, 12)
    return f"{root[:40].rstrip('-.')}-{tail}"


def revision_name(workflow: str, content: str) -> str:
    """Return the name of a definition's ControllerRevision."""
    tail = content[:16] if re.fullmatch(r"[a-z0-9][-a-z0-9]*[a-z0-9]", content) else digest(content, 16)
    return f"wfe-{workflow[:40].rstrip('-')}-{tail}"


def chunk_name(instance: str, revision: int, content: bytes) -> str:
    """Return the name of a chunk that the save of this revision refers to, and no other before it."""
    found = sha256(f"{instance}/{revision}/".encode("utf-8", "surrogatepass") + content)
    return f"wfe-c-{found.hexdigest()[:24]}"


def history_name(instance: str, number: int) -> str:
    """Return the name of an instance's history object of that number."""
    return f"wfe-h-{digest(instance, 20)}-{number}"


def log_name(instance: str, number: int) -> str:
    """Return the name of a piece of an instance's log archive."""
    return f"wfe-l-{digest(instance, 20)}-{number}"


def group_name(key: str) -> str:
    """Return the name of the object of a concurrency group."""
    return f"wfe-g-{digest(key, 24)}"


def activity_name(instance: str, path: str, attempt: int) -> str:
    """Return the name of the Lease of an offered activity."""
    return f"wfe-o-{digest(f'{instance}/{path}/{attempt}', 24)}"
