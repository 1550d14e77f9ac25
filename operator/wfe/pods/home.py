"""Whose pods they are."""

from dataclasses import dataclass
from typing import Any

from wfe.pods import labels
from wfe.pods.needs import Needs


@dataclass(frozen=True, slots=True)
class Owner:
    """The object whose end is the end of all that was made for it."""

    api_version: str
    kind: str
    name: str
    uid: str

    def reference(self) -> dict[str, Any]:
        """Return it as an entry of `metadata.ownerReferences`; deleting the owner waits for nobody."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }


@dataclass(frozen=True, slots=True)
class Home:
    """Where the processes of one instance tree run, and what they need there.

    `root` is the id of the tree's root instance, `owner` its object, `workflow` the id of its workflow. `volume_of`
    is the root whose volume the tree has taken over, if it has none of its own.
    """

    root: str
    namespace: str
    owner: Owner
    workflow: str
    needs: Needs
    volume_of: str | None = None

    @property
    def pod_name(self) -> str:
        """The name of the runner pod."""
        return labels.runner_name(self.root)

    @property
    def volume_name(self) -> str:
        """The name of the volume claim."""
        return labels.volume_name(self.volume_of or self.root)

    def metadata(self, name: str, role: str) -> dict[str, Any]:
        """Return the metadata of something that is made for the tree."""
        return {
            "name": name,
            "namespace": self.namespace,
            "labels": {
                labels.MANAGED_BY: labels.WFE,
                labels.ROLE: role,
                labels.ROOT: self.root,
                labels.WORKFLOW: self.workflow,
            },
            "ownerReferences": [self.owner.reference()],
        }
