"""The admission webhook: what it answers, and how it looks after its certificate."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from wfe.hosts.kubernetes.webhook import review
from wfe.hosts.kubernetes.webhook.certificate import (
    LIFE,
    Certificate,
    bundle_of,
    is_good,
    new_certificate,
    service_names,
    split,
)
from wfe.hosts.kubernetes.webhook.keeper import CONFIGURATIONS, SECRETS, Keeper
from wfe.hosts.kubernetes.webhook.process import keep
from wfe.hosts.kubernetes.webhook.server import Reviewer, Server
from wfe.hosts.kubernetes.workflows import verdict_on
from wfe.kube import Client
from wfe.providers.customresource import WORKFLOWS
from wfe.testing.apiserver import ApiServer, serving

NAMES = service_names("hook", "wfe")
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
STEPS = [{"name": "a", "config": {"run": "true"}}]


@asynccontextmanager
async def _cluster() -> AsyncIterator[tuple[ApiServer, Client]]:
    async with serving([SECRETS, CONFIGURATIONS, WORKFLOWS]) as (server, client):
        await client.create(SECRETS, {"metadata": {"name": "cert"}}, "wfe")
        webhooks = [{"name": "a", "clientConfig": {}}, {"name": "b", "clientConfig": {"caBundle": "old"}}]
        await client.create(CONFIGURATIONS, {"metadata": {"name": "wfe"}, "webhooks": webhooks})
        yield server, client


def _keeper(client: Client, names: tuple[str, ...] = NAMES) -> Keeper:
    return Keeper(client, "wfe", "cert", "wfe", names)


async def _bundles(client: Client) -> list[bytes]:
    found = await client.get(CONFIGURATIONS, "wfe")
    return [b64decode(one["clientConfig"]["caBundle"]) for one in found["webhooks"]]


# -- certificates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "names", "good"),
    [
        pytest.param(timedelta(), NAMES, True, id="fresh"),
        pytest.param(LIFE / 2, NAMES, True, id="half-way"),
        pytest.param(LIFE * 0.7, NAMES, False, id="old"),
        pytest.param(-timedelta(days=1), NAMES, False, id="not-yet"),
        pytest.param(timedelta(), ("other.wfe.svc",), False, id="for-others"),
    ],
)
def test_a_certificate_will_do_while_it_is_young_and_names_the_server(
    after: timedelta, names: tuple[str, ...], good: bool
) -> None:
    made = new_certificate(NAMES, now=NOW)
    assert is_good(made.certificate, made.key, names, now=NOW + after) is good


@pytest.mark.parametrize(
    "garbage", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"]
)
def test_garbage_is_no_certificate(garbage: bytes) -> None:
    made = new_certificate(NAMES, now=NOW)
    assert not is_good(garbage, made.key, NAMES, now=NOW)
    assert not is_good(made.certificate, garbage, NAMES, now=NOW)
    assert bundle_of(garbage, made.certificate, now=NOW) == made.certificate


def test_the_key_of_another_certificate_does_not_fit() -> None:
    one, other = (new_certificate(NAMES, now=NOW) for _ in range(2))
    assert not is_good(one.certificate, other.key, NAMES, now=NOW)


def test_a_bundle_has_each_living_certificate_once() -> None:
    old, new = new_certificate(NAMES, now=NOW - 2 * LIFE), new_certificate(NAMES, now=NOW)
    bundle = bundle_of(old.certificate, new.certificate, new.certificate, now=NOW)
    assert split(bundle) == [new.certificate]


async def test_the_first_replica_makes_a_certificate_and_the_second_takes_it() -> None:
    async with _cluster() as (server, client):
        first = await _keeper(client).look()
        second = await _keeper(client).look()
        assert first == second
        assert await _bundles(client) == [first.certificate] * 2
        assert len(server.writes(SECRETS)) == 2  # its creation, and the certificate


async def test_of_two_replicas_that_make_one_at_once_one_takes_the_others() -> None:
    async with _cluster() as (_, client):
        found = await asyncio.gather(*(_keeper(client).look() for _ in range(4)))
        assert len({one.certificate for one in found}) == 1
        assert (await _bundles(client))[0] == found[0].certificate


async def test_a_new_certificate_leaves_the_one_before_in_the_bundle() -> None:
    async with _cluster() as (_, client):
        before = await _keeper(client).look()
        after = await _keeper(client, (*NAMES, "another.name")).look()
        assert before != after
        assert split((await _bundles(client))[0]) == [before.certificate, after.certificate]


async def test_what_an_upgrade_takes_away_is_written_again() -> None:
    async with _cluster() as (_, client):
        made = await _keeper(client).look()
        await client.patch(CONFIGURATIONS, "wfe", None, {"webhooks": [{"name": "a", "clientConfig": {}}]})
        assert await _keeper(client).look() == made
        assert await _bundles(client) == [made.certificate]


async def test_the_server_is_believed_by_the_bundle_and_takes_another_certificate_while_it_serves(
    tmp_path: Path,
) -> None:
    async with _cluster() as (_, client):
        server = Server(Reviewer(client))
        assert not server.has_certificate
        made = await _keeper(client).look()
        server.use(made)
        async with server.serve(0) as port:
            assert await _asked(port, made) == 400
            other = new_certificate(NAMES, now=client.now())
            server.use(other)
            assert await _asked(port, other) == 400
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await _asked(port, made)


async def _asked(port: int, trusted: Certificate) -> int:
    context = ssl.create_default_context(cadata=trusted.certificate.decode())
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"https://127.0.0.1:{port}/validate", data=b"no json", ssl=context, server_hostname=NAMES[0]
        ) as answer,
    ):
        return answer.status


async def test_a_certificate_that_cannot_be_looked_after_is_tried_again() -> None:
    async with _cluster() as (server, client):
        hook = Server(Reviewer(client))
        server.faults.refuse(resource="secrets")
        task = asyncio.create_task(keep(_keeper(client), hook))
        while not hook.has_certificate:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# -- reviews ---------------------------------------------------------------------------------------------------


def _review(kind: str, body: Any, operation: str = "CREATE", **more: Any) -> dict[str, Any]:
    request = {"uid": "u", "kind": {"kind": kind}, "operation": operation, "namespace": "wfe", "object": body}
    return {"request": {**request, **more}}


def _workflow(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "w"}, "spec": {"steps": STEPS, **spec}}


def _instance(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "i"}, "spec": {"workflowRef": {"name": "w"}, **spec}}


@pytest.mark.parametrize(
    ("asked", "allowed", "said"),
    [
        pytest.param(_review("Workflow", _workflow()), True, "", id="a-good-workflow"),
        pytest.param(
            _review("Workflow", _workflow(steps=[{"name": "a", "config": {"rnu": "x"}}])),
            False,
            "spec.steps[0].config.rnu",
            id="a-typo",
        ),
        pytest.param(
            _review("Workflow", _workflow(stepz=1), "UPDATE", oldObject=_workflow(stepz=1)),
            True,
            "",
            id="a-faulty-one-that-only-gets-a-label",
        ),
        pytest.param(_review("Workflow", {"spec": None}), False, "not a mapping", id="no-spec"),
        pytest.param(
            _review("WorkflowInstance", _instance(inputs={"who": "me"})), True, "", id="an-instance"
        ),
        pytest.param(
            _review("WorkflowInstance", _instance()),
            False,
            "spec.inputs: input `who` (string) is missing; give it as `who: …`",
            id="an-input-is-missing",
        ),
        pytest.param(
            _review("WorkflowInstance", _instance(workflowRef={"name": "w", "version": 9})),
            True,
            "",
            id="another-version-is-for-the-operator",
        ),
        pytest.param(
            _review("WorkflowInstance", _instance(parent={"id": "x"})),
            False,
            "spec.parent",
            id="a-forged-parent",
        ),
        pytest.param(
            _review("WorkflowInstance", _instance(retryOf={"name": "x"})),
            True,
            "",
            id="a-retry-is-for-the-operator",
        ),
        pytest.param(
            _review("WorkflowInstance", _instance(), "UPDATE"),
            True,
            "",
            id="an-instance-that-is-there-already",
        ),
        pytest.param(
            _review("WorkflowEvent", {"spec": {"event": "e", "payloadJson": "{"}}),
            False,
            "spec.payloadJson",
            id="no-json",
        ),
        pytest.param(
            _review("WorkflowEvent", {"spec": {"event": "e", "payloadJson": "1"}}), True, "", id="json"
        ),
        pytest.param(_review("Pod", {}), True, "", id="something-else"),
        pytest.param({}, True, "", id="nothing"),
    ],
)
async def test_an_object_is_reviewed(asked: dict[str, Any], allowed: bool, said: str) -> None:
    async with _cluster() as (_, client):
        known = {**_workflow(inputs={"who": "string"}), "apiVersion": WORKFLOWS.api_version}
        await client.create(WORKFLOWS, known, "wfe")
        counted: list[tuple[str, str]] = []
        reviewer = Reviewer(client, counted=lambda kind, result: counted.append((kind, result)))
        response = (await reviewer.answer(asked))["response"]
        assert response["allowed"] is allowed, response
        assert said in response.get("status", {}).get("message", "")
        assert counted[0][1] == ("allowed" if allowed else "denied")


async def test_an_instance_of_a_workflow_that_comes_later_is_let_in_with_a_warning() -> None:
    async with _cluster() as (_, client):
        response = (await Reviewer(client).answer(_review("WorkflowInstance", _instance())))["response"]
        assert response["allowed"]
        assert "Workflow `w` is not there yet" in response["warnings"][0]


async def test_what_cannot_be_looked_at_is_let_through() -> None:
    async with serving([SECRETS]) as (server, client):
        server.faults.refuse(times=100)
        short = Client(client.access, patience=0.0)
        await short.transport.open()
        response = (await Reviewer(short).answer(_review("WorkflowInstance", _instance())))["response"]
        await short.close()
        assert response["allowed"]
        assert response["warnings"]


def test_warnings_are_short_lines() -> None:
    answer = review.Answer(warnings=("a\nb" * 500,) * 30)
    warnings = answer.response("u")["response"]["warnings"]
    assert len(warnings) == 10
    assert all(len(one) <= 250 and "\n" not in one for one in warnings)


def test_a_workflow_has_its_objects_name_as_its_id() -> None:
    graph = verdict_on({"metadata": {"name": "named"}, "spec": {"steps": STEPS}}).graph
    assert graph is not None
    assert graph.workflow.id == "named"
