"""Index templates: made when they are missing, replaced by a later version, and never by an earlier one.

A template says how indices are made that somebody writes to for the first time, so an index that was dropped comes
back as it has to be. What a later version of a template adds is added to indices there are.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from wfe.providers.opensearch.errors import OpenSearchUnusable
from wfe.providers.opensearch.server import Server

INSTANCES: Final = "instances"
LOGS: Final = "logs"
# Above the templates for everything that a cluster may have.
_PRIORITY: Final = 200


async def migrate(server: Server) -> None:
    """Bring the templates of this prefix up to date.

    Raises:
        OpenSearchUnusable: they are of a later version, or we may not.
    """
    for name in (INSTANCES, LOGS):
        await _bring_up_to_date(server, name)


def index_of_instances(prefix: str) -> str:
    """Return the name of the index of instances."""
    return f"{prefix}{INSTANCES}"


def indices_of_logs(prefix: str, period: str = "*") -> str:
    """Return the name of the index of logs for a period, or the pattern of all of them."""
    return f"{prefix}{LOGS}-{period}"


async def _bring_up_to_date(server: Server, name: str) -> None:
    address = server.address
    template, wanted = f"{address.prefix}{name}", _template(name)
    pattern = indices_of_logs(address.prefix) if name == LOGS else index_of_instances(address.prefix)
    found = await server.call(
        lambda client: client.indices.get_index_template(name=template, params={"ignore": 404})
    )
    known = max((_version(one) for one in found.get("index_templates", ())), default=None)
    if known is not None and known > wanted["version"]:
        raise OpenSearchUnusable(
            f"the index template `{template}` of OpenSearch at `{address}` was written by a later version of WFE "
            f"({known}, this one knows {wanted['version']}); use that version, or another `?prefix=`"
        )
    if known == wanted["version"]:
        return
    settings = {**wanted["settings"]["index"], "refresh_interval": address.refresh}
    body = {
        "index_patterns": [pattern],
        "priority": _PRIORITY,
        "version": wanted["version"],
        "template": {"settings": {"index": settings}, "mappings": wanted["mappings"]},
    }
    await server.call(lambda client: client.indices.put_index_template(name=template, body=body))
    if known is not None:
        added = {"properties": wanted["mappings"]["properties"]}
        options = {"ignore_unavailable": "true", "allow_no_indices": "true"}
        await server.call(
            lambda client: client.indices.put_mapping(index=pattern, body=added, params=options)
        )


def _version(found: Mapping[str, Any]) -> int:
    return int(found["index_template"].get("version", 0))


def _template(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath("templates", f"{name}.json").read_text("utf-8")
    template: dict[str, Any] = json.loads(text)
    return template
