"""A release through its life: installed, used, upgraded, uninstalled and installed again. The tests are in order."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.chart.release import Release, released
from tests.e2e.cluster import ROOT, Cluster, instance, shell, workflow
from tests.e2e.way_in import way_in
from tests.integration.secrets.stores import Place, of_opensearch
from tests.integration.servers import url_of

pytestmark = pytest.mark.e2e
GOLDEN = ROOT / "tests" / "golden" / "chart" / "rights.txt"
SLOW = shell(
    "slow",
    'echo once; until test -e "$WFE_WORKSPACE/go"; do sleep 0.2; done; echo "done=yes" >> "$WFE_OUTPUT"',
)


@pytest.fixture(scope="module")
def work(cluster: Cluster) -> Iterator[str]:
    """The namespace that the release works in."""
    with cluster.namespace("chart") as found:
        yield found


@pytest.fixture(scope="module")
def release(cluster: Cluster, work: str) -> Iterator[Release]:
    with released(cluster, "wfe-e2e", namespaces=[work], operator={"replicas": 2}) as found:
        yield found


@pytest.fixture(scope="module")
def search(cluster: Cluster) -> Iterator[Place]:
    """Where the operator copies to once it is told of it, as pods reach it."""
    with of_opensearch(url_of("opensearch")) as place, way_in(cluster, place.url) as url:
        yield replace(place, url=url)


def _runner(cluster: Cluster, namespace: str, name: str) -> str:
    """Return the name of the runner of an instance; "" if it has none."""
    uid = cluster.get(namespace, "wfi", name)["metadata"]["uid"]
    selector = f"wfe.sunbeam.pt/role=runner,wfe.sunbeam.pt/root={uid}"
    found = cluster.items(namespace, "pods", labels=selector)
    assert len(found) < 2
    return str(found[0]["metadata"]["name"]) if found else ""


def _go(cluster: Cluster, namespace: str, name: str) -> None:
    """Let the slow step end."""
    pod = _runner(cluster, namespace, name)
    cluster.kubectl("-n", namespace, "exec", pod, "--", "touch", "/workspace/go")


def _runs(cluster: Cluster, namespace: str, name: str) -> None:
    def is_running() -> bool:
        pod = _runner(cluster, namespace, name)
        return bool(pod) and "once" in cluster.kubectl("-n", namespace, "logs", pod, check=False)

    cluster.until(is_running, what=f"{name} runs")


def _living(release: Release) -> set[str]:
    """Return the uids of the release's pods that are not being deleted."""
    pods = release.cluster.items(release.namespace, "pods")
    return {pod["metadata"]["uid"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


def _conditions(release: Release, name: str) -> set[str]:
    """Return what the operator's pods say of something; "" where one says nothing."""
    pods = release.cluster.items(release.namespace, "pods", labels="app.kubernetes.io/component=operator")
    living = [pod["status"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    told = [
        {one["type"].rpartition("/")[2]: one["status"] for one in each.get("conditions", ())}
        for each in living
    ]
    return {each.get(name, "") for each in told}


def test_the_notes_say_what_to_type_next(release: Release) -> None:
    assert "kubectl get wfi -w" in release.helm("get", "notes", release.name)


def test_the_operator_lives_under_restricted_pod_security(release: Release) -> None:
    pods = release.cluster.items(release.namespace, "pods")
    assert len(pods) == 4
    for pod in pods:
        assert not any(status["restartCount"] for status in pod["status"]["containerStatuses"])


def test_what_it_does_without_is_said_in_the_notes_and_in_conditions_of_its_pods(release: Release) -> None:
    assert "It does without" in release.helm("get", "notes", release.name)
    said = ("HistoryInPostgres", "SearchInOpenSearch", "LeasesInValkey")
    release.cluster.until(
        lambda: {word for name in said for word in _conditions(release, name)} == {"False"},
        what="conditions are told",
    )


def test_a_workflow_that_is_applied_completes_and_has_logs(release: Release, work: str) -> None:
    cluster = release.cluster
    cluster.apply(work, workflow("hello", shell("greet", "echo hello from $WFE_STEP")))
    cluster.apply(work, instance("hello-1", "hello"))
    waited = cluster.kubectl(
        *("-n", work, "wait", "wfi/hello-1", "--for=condition=Complete", "--timeout=240s"), check=False
    )
    told = cluster.kubectl("-n", work, "describe", "wfi,pods")
    assert "condition met" in waited, f"{waited}\n{told}\n{release.words()}"
    logs = cluster.wfe("logs", "hello-1", "--cluster", "-n", work)
    assert "hello from greet" in logs.stdout, logs.stderr


def test_the_operators_rights_are_those_that_were_looked_at(release: Release, work: str) -> None:
    """After looking at the difference, write what is printed to the golden file."""
    listed = release.cluster.kubectl("auth", "can-i", "--list", "-n", work, "--as", release.account)
    rows = sorted(re.sub(r" {2,}", "  ", line).rstrip() for line in listed.splitlines()[1:])
    own = [row for row in rows if "selfsubject" not in row and not re.match(r"\s*\[/", row)]
    assert "\n".join(own) + "\n" == GOLDEN.read_text("utf-8"), "\n".join(own)


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        pytest.param("get", "secrets", id="read-secrets"),
        pytest.param("list", "secrets", id="list-secrets"),
        pytest.param("create", "serviceaccounts/token", id="make-tokens"),
        pytest.param("list", "nodes", id="list-nodes"),
        pytest.param("create", "rolebindings", id="give-rights"),
        pytest.param("create", "deployments", id="make-deployments"),
        pytest.param("patch", "workflows", id="change-definitions"),
    ],
)
def test_the_operator_may_not(release: Release, work: str, verb: str, what: str) -> None:
    for place in (work, release.namespace, "kube-system"):
        said = release.cluster.kubectl(
            *("auth", "can-i", verb, what, "-n", place, "--as", release.account), check=False
        )
        assert "no" in said.splitlines(), said


def test_the_operator_has_no_rights_where_it_does_not_work(release: Release) -> None:
    said = release.cluster.kubectl(
        *("auth", "can-i", "list", "pods", "-n", "default", "--as", release.account), check=False
    )
    assert "no" in said.splitlines(), said


def test_nothing_that_the_operator_asked_for_was_refused(release: Release) -> None:
    """Rights that are missing are seen here, and not only as something that takes long."""
    for pod in release.cluster.items(
        release.namespace, "pods", labels="app.kubernetes.io/component=operator"
    ):
        path = f"/api/v1/namespaces/{release.namespace}/pods/{pod['metadata']['name']}:8080/proxy/metrics"
        text = release.cluster.kubectl("get", "--raw", path)
        assert "wfe_api_requests_total" in text
        refused = [
            line
            for line in text.splitlines()
            if line.startswith("wfe_api_requests_total") and '"403"' in line
        ]
        assert not refused


FAULTY = [
    pytest.param({"config": {"run": "true"}, "naem": "a"}, "spec.steps[0].naem", id="an-unknown-key"),
    pytest.param(
        {"name": "a", "config": {"run": "true", "timeout": "soon"}}, "spec.steps[0].config", id="a-value"
    ),
]


@pytest.mark.parametrize(("step", "place"), FAULTY)
def test_a_faulty_workflow_is_refused_at_apply(
    release: Release, work: str, step: dict[str, Any], place: str
) -> None:
    cluster = release.cluster
    with pytest.raises(AssertionError) as refused:
        cluster.apply(work, workflow("faulty", step))
    assert place in str(refused.value)
    assert "validate.wfe.sunbeam.pt" in str(refused.value)
    assert not cluster.get(work, "wfd", "faulty")


def test_an_upgrade_disturbs_no_instance_and_brings_a_server(
    release: Release, work: str, search: Place
) -> None:
    cluster = release.cluster
    url = f"--from-literal=url={search.url}"
    cluster.kubectl("-n", release.namespace, "create", "secret", "generic", "search", url)
    cluster.apply(work, workflow("slow", SLOW, outputs={"done": "string"}))
    cluster.apply(work, instance("slow-1", "slow"))
    _runs(cluster, work, "slow-1")
    before = _living(release)
    release.put(
        operator={"replicas": 2, "logLevel": "debug"}, opensearch={"existingSecret": {"name": "search"}}
    )
    assert not before & _living(release)
    cluster.until(lambda: _conditions(release, "SearchInOpenSearch") == {"True"}, what="its pods know of it")
    _go(cluster, work, "slow-1")
    status = cluster.ended(work, "slow-1")
    assert status["phase"] == "Complete"
    logs = cluster.wfe("logs", "slow-1", "--cluster", "-n", work).stdout
    assert logs.count("once") == 1
    words = {b"slow-1", rb"once\n"}
    cluster.until(
        lambda: words <= set(re.findall(rb"slow-1|once\\n", asyncio.run(search.content()))),
        what="copies of it arrive",
    )


def test_the_webhook_keeps_its_certificate_over_an_upgrade(release: Release, work: str) -> None:
    found = release.cluster.get("", "validatingwebhookconfigurations", release.name)
    assert found["webhooks"][0]["clientConfig"]["caBundle"]
    with pytest.raises(AssertionError, match="naem"):
        release.cluster.apply(work, workflow("faulty", {"naem": "a", "config": {"run": "true"}}))


def test_uninstalling_while_instances_run_leaves_nothing_that_hangs(release: Release, work: str) -> None:
    cluster = release.cluster
    cluster.apply(work, workflow("isolated", {**SLOW, "isolation": "pod"}))
    cluster.apply(work, instance("slow-2", "slow"), instance("isolated-1", "isolated"))
    _runs(cluster, work, "slow-2")
    cluster.until(
        lambda: cluster.items(work, "pods", labels="wfe.sunbeam.pt/role=attempt"),
        what="an isolated pod is made",
    )
    release.remove()
    cluster.until(lambda: not release.leftovers(), what="nothing of the release is left")
    assert not [pod for pod in cluster.items(work, "pods") if pod["metadata"].get("finalizers")]
    assert cluster.get(work, "wfi", "slow-2"), "instances stay"


def test_who_installs_it_again_finds_everything_as_it_was(release: Release, work: str) -> None:
    cluster = release.cluster
    release.put()
    _go(cluster, work, "slow-2")
    assert cluster.ended(work, "slow-2")["phase"] == "Complete"
    logs = cluster.wfe("logs", "slow-2", "--cluster", "-n", work).stdout
    assert logs.count("once") == 1


def test_without_the_operator_instances_and_namespaces_can_be_deleted(release: Release) -> None:
    cluster = release.cluster
    with cluster.namespace("doomed") as doomed:
        release.put(namespaces=[*release.values["namespaces"], doomed])
        cluster.apply(doomed, workflow("isolated", {**SLOW, "isolation": "pod"}))
        cluster.apply(doomed, instance("isolated-1", "isolated"))
        cluster.until(
            lambda: cluster.items(doomed, "pods", labels="wfe.sunbeam.pt/role=attempt"), what="a pod is made"
        )
        release.remove()
        cluster.kubectl("delete", "namespace", doomed, "--wait", "--timeout=240s")
