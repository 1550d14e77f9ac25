"""A release through its life: installed, used, upgraded, uninstalled and installed again. The tests are in order."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.chart.release import Release, released
from tests.e2e.chart.servers import PASSWORD, Servers, servers
from tests.e2e.cluster import ROOT, Cluster, instance, shell, workflow
from tests.unit.chart.older import VALUES, chart_of
from wfe.hosts.kubernetes.shards import SHARDS

pytestmark = pytest.mark.e2e
GOLDEN = ROOT / "tests" / "golden" / "chart" / "rights.txt"
CONDITIONS = ("HistoryInPostgres", "SearchInOpenSearch", "LeasesInValkey")
LATER = {"postgres", "opensearch", "valkey", "history", "logs", "networkPolicy", "flowSchema"}
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
def release(cluster: Cluster, work: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A release that is installed from a chart of before there were servers and policies."""
    older = {key: value for key, value in VALUES.items() if key not in LATER}
    chart = chart_of(tmp_path_factory.mktemp("chart"), older)
    with released(cluster, "wfe-e2e", chart=chart, namespaces=[work], operator={"replicas": 2}) as found:
        yield found


@pytest.fixture(scope="module")
def outside(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers that the operator is told of when it is upgraded."""
    with servers(release.cluster, release.namespace, tmp_path_factory.mktemp("tls")) as found:
        yield found


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


def _conditions(release: Release, name: str) -> set[str]:
    """Return what the operator's pods say of something; "" where one says nothing."""
    pods = [release.cluster.get(release.namespace, "pods", each) for each in release.operators()]
    told = [
        {one["type"].rpartition("/")[2]: one["status"] for one in each["status"].get("conditions", ())}
        for each in pods
        if each
    ]
    return {each.get(name, "") for each in told}


def _said(release: Release) -> set[str]:
    return {word for name in CONDITIONS for word in _conditions(release, name)}


def _shares(said: str) -> dict[str, int]:
    """Return how many shards each replica has, of what `wfe shards` prints."""
    return {one["name"]: one["shards"] for one in json.loads(said)}


def test_the_notes_say_what_to_type_next(release: Release) -> None:
    assert "kubectl get wfi -w" in release.helm("get", "notes", release.name)


def test_the_operator_lives_under_restricted_pod_security(release: Release) -> None:
    pods = release.cluster.items(release.namespace, "pods")
    assert len(pods) == 4
    for pod in pods:
        assert not any(status["restartCount"] for status in pod["status"]["containerStatuses"])


def test_what_it_does_without_is_said_in_the_notes_and_in_conditions_of_its_pods(release: Release) -> None:
    assert "It does without" in release.helm("get", "notes", release.name)
    release.cluster.until(lambda: _said(release) == {"False"}, what="conditions are told")


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
    for pod in release.operators():
        text = release.ask(pod, "metrics")
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


def test_replicas_share_the_work_and_what_one_leaves_goes_to_another(release: Release) -> None:
    cluster = release.cluster

    def shares() -> dict[str, int]:
        return _shares(cluster.wfe("shards", "--cluster", "-n", release.namespace, "-o", "json").stdout)

    first, second = release.operators()
    cluster.until(lambda: shares().keys() == {first, second}, what="both hold leases")
    found = shares()
    assert min(found.values()) > 0
    assert sum(found.values()) == SHARDS
    cluster.kubectl("-n", release.namespace, "delete", "pod", first, "--wait=false")
    cluster.until(lambda: first not in shares(), what=f"{first} keeps its lease")
    assert second in shares()
    assert sum(shares().values()) == SHARDS


def test_an_upgrade_with_the_values_of_before_disturbs_no_instance_and_brings_servers(
    release: Release, work: str, outside: Servers
) -> None:
    cluster = release.cluster
    cluster.apply(work, workflow("slow", SLOW, outputs={"done": "string"}))
    cluster.apply(work, instance("slow-1", "slow"))
    _runs(cluster, work, "slow-1")
    before = set(release.operators())
    assert "It does without" not in release.renew(operator={"logLevel": "debug"}, **outside.values)
    assert not before & set(release.operators())
    cluster.until(lambda: _said(release) == {"True"}, what="its pods know of them")
    _go(cluster, work, "slow-1")
    status = cluster.ended(work, "slow-1")
    assert status["phase"] == "Complete"
    logs = cluster.wfe("logs", "slow-1", "--cluster", "-n", work).stdout
    assert logs.count("once") == 1
    words = {b"slow-1", rb"once\n"}
    cluster.until(
        lambda: words <= set(re.findall(rb"slow-1|once\\n", asyncio.run(outside.search.content()))),
        what="copies of it arrive",
    )


def test_a_wrong_password_is_told_stops_nobody_and_once_it_is_right_nothing_is_missing(
    release: Release, work: str, outside: Servers
) -> None:
    cluster = release.cluster

    def told() -> str:
        return "".join(release.ask(pod, "readyz") for pod in release.operators())

    cluster.until(lambda: "refuses the user; give the right user and password" in told(), what="it is told")
    assert PASSWORD not in told() + release.words()
    assert cluster.status(work, "slow-1")["phase"] == "Complete"
    outside.agree_on_the_password()

    def history() -> list[str]:
        return release.within("list", "--history", "--cluster", "-n", work, "-o", "name").split()

    cluster.until(lambda: "slow-1" in history(), what="the history has what ended before")


def test_a_valkey_keeps_the_leases_of_the_replicas(release: Release, outside: Servers) -> None:
    def shares() -> dict[str, int]:
        return _shares(release.within("shards", "-o", "json"))

    release.cluster.until(lambda: shares().keys() == set(release.operators()), what="both hold leases there")
    assert sum(shares().values()) == SHARDS


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
