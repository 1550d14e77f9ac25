"""What the operator does without is told in the conditions of its pod and in its log."""

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from wfe.hosts.kubernetes.servers import Servers
from wfe.hosts.kubernetes.settings import Settings
from wfe.hosts.kubernetes.shortcomings import conditions, tell
from wfe.kube import Client
from wfe.kube.resource import PODS
from wfe.testing.apiserver import serving

HIDDEN = "s3cr3t"
NAMED = Servers(**{name: SecretStr(f"x://u:{HIDDEN}@h") for name in Servers.model_fields})
TYPES = {"HistoryInPostgres", "SearchInOpenSearch", "LeasesInValkey"}


@pytest.mark.parametrize(
    ("servers", "status"),
    [pytest.param(Servers(), "False", id="none"), pytest.param(NAMED, "True", id="all")],
)
def test_there_is_a_condition_for_each_server(servers: Servers, status: str) -> None:
    found = {one["type"].partition("/")[2]: one for one in conditions(servers)}
    assert found.keys() == TYPES
    assert {one["status"] for one in found.values()} == {status}
    assert HIDDEN not in str(found)


def test_a_condition_that_is_false_says_what_is_missing_and_which_value_brings_it() -> None:
    said = {one["type"].partition("/")[2]: one["message"] for one in conditions(Servers())}
    assert "gone for good" in said["HistoryInPostgres"]
    assert "`postgres.existingSecret`" in said["HistoryInPostgres"]


async def _told(client: Client, uid: str) -> list[str]:
    """Tell it of the pod with that uid, and return the events of the log."""
    with capture_logs() as lines:
        await tell(Settings(identity="wfe-1", namespace="wfe-system", pod_uid=uid), client)
    return [line["event"] for line in lines]


MISSING = ["does without a server"] * len(TYPES)


async def test_a_pod_gets_them_in_its_own_status() -> None:
    async with serving([PODS]) as (_, client):
        made = await client.create(PODS, {"metadata": {"name": "wfe-1"}}, "wfe-system")
        assert await _told(client, made["metadata"]["uid"]) == MISSING
        pod = await client.get(PODS, "wfe-1", "wfe-system")
        assert pod["status"]["conditions"] == conditions(Servers())


async def test_outside_of_a_pod_the_log_alone_says_it() -> None:
    async with serving([PODS]) as (server, client):
        assert await _told(client, "") == MISSING
        assert not [seen for seen in server.seen if seen.resource == "pods"]


async def test_a_pod_that_may_not_be_written_to_stops_nobody() -> None:
    async with serving([PODS]) as (_, client):
        # There is none of that name; a role that is missing is no other case.
        assert await _told(client, "gone") == [*MISSING, "the conditions of this pod are not told"]
