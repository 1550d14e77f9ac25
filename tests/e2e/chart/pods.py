"""Pods for tests of what may be made."""

from typing import Any


def pod(name: str, **changes: Any) -> dict[str, Any]:
    """Return a restricted pod that waits to be deleted; a name that ends in `-` is completed by the server."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name} if name[-1] != "-" else {"generateName": name},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "main",
                    "image": "localhost/debian:testbed",
                    "command": ["sh", "-c", "trap exit TERM; while :; do sleep 60 & wait $!; done"],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
            **changes,
        },
    }
