"""What the operator does without, told where people look: the conditions of its own pod.

A condition belongs to an object, and the operator's own is its pod: each replica reads its own environment. The
instances do not depend on it, and a Deployment's conditions belong to its controller. `kubectl describe pod` shows it,
`kubectl wait` waits for it, and the log says it once.
"""

from dataclasses import dataclass
from typing import Any, Final

import structlog

from wfe.errors import WfeError
from wfe.hosts.kubernetes.servers import Servers
from wfe.hosts.kubernetes.settings import Settings
from wfe.kube import Client
from wfe.kube.resource import PODS
from wfe.providers.customresource.names import GROUP

log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """What there is with a server, and not without.

    Attributes:
        server: the field of `Servers`, and the value of the chart.
        condition: the type of the condition, which is true where the server is named.
        without: what is so where it is not.
    """

    server: str
    condition: str
    without: str


SHORTCOMINGS: Final = (
    Shortcoming(
        "postgres",
        "HistoryInPostgres",
        "an instance is gone for good when its time to live after its end is over",
    ),
    Shortcoming(
        "opensearch",
        "SearchInOpenSearch",
        "what steps wrote goes with their instance, 1 MiB of it at most, and nobody finds an instance or a line by "
        "its words",
    ),
    Shortcoming(
        "valkey",
        "LeasesInValkey",
        "each replica renews its leases in the API server, with a write every two seconds",
    ),
)


def conditions(servers: Servers) -> list[dict[str, str]]:
    """Return what the pod's status is to say: of each server, whether it is named, and what is missing otherwise."""
    return [_condition(each, bool(getattr(servers, each.server).get_secret_value())) for each in SHORTCOMINGS]


def _condition(each: Shortcoming, named: bool) -> dict[str, str]:
    return {
        "type": f"{GROUP}/{each.condition}",
        "status": "True" if named else "False",
        "reason": "Named" if named else "NotNamed",
        "message": ""
        if named
        else f"{each.without}; `{each.server}.existingSecret` of the chart names a server",
    }


async def tell(settings: Settings, client: Client) -> None:
    """Say in the log, and in the status of this pod if this is one, what is missing. Nothing depends on it."""
    for each in conditions(settings.servers):
        if each["status"] == "False":
            log.info("does without a server", condition=each["type"], message=each["message"])
    if not settings.pod_uid:
        return
    body = {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        # A pod of the same name made anew is another.
        "metadata": {"name": settings.identity, "uid": settings.pod_uid},
        "status": {"conditions": conditions(settings.servers)},
    }
    try:
        await client.patch(
            PODS, settings.identity, settings.namespace, body, kind="apply", subresource="status", force=True
        )
    except WfeError as error:
        log.warning("the conditions of this pod are not told", error=str(error))
