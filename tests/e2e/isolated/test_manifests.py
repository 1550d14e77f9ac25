"""Golden pods on the real cluster: a namespace that enforces "restricted" admits them, and runners become ready."""

import json
from typing import Any

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.isolated.place import DEBIAN, POSTGRES, an_owner
from tests.golden.pods.manifests import CASES, manifests
from tests.unit.pods.homes import a_home, a_step, a_workflow
from wfe.pods.guard import check
from wfe.pods.home import Home
from wfe.pods.needs import needs_of
from wfe.pods.runner import runner_pod
from wfe.pods.settings import PodSettings

pytestmark = pytest.mark.e2e
Manifest = dict[str, Any]
SECRET = ("create", "secret", "generic", "registry", "--from-literal=token=canary")


def is_ready(cluster: Cluster, namespace: str, name: str) -> bool:
    conditions = cluster.get(namespace, "pods", name).get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def wait_until_ready(cluster: Cluster, namespace: str, manifest: Manifest) -> None:
    name = manifest["metadata"]["name"]
    try:
        cluster.until(lambda: is_ready(cluster, namespace, name), what=f"pod {name} is not ready")
    except AssertionError:
        pytest.fail(cluster.kubectl("describe", "-n", namespace, "pod", name))


def create(cluster: Cluster, namespace: str, manifest: Manifest) -> None:
    cluster.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(manifest))


def release(cluster: Cluster, namespace: str) -> None:
    """Let go of gated pods, which nobody else does here."""
    for pod in cluster.items(namespace, "pods"):
        cluster.kubectl(
            "patch", "-n", namespace, "pod", pod["metadata"]["name"],
            "--type=merge", "-p", '{"metadata":{"finalizers":null}}',
        )  # fmt: skip


def test_golden_pods_are_admitted_and_runners_become_ready(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl(*SECRET, "-n", namespace)
    runners = []
    for name in CASES:
        owner = an_owner(cluster, namespace, name.replace("_", "-"))
        for manifest in manifests(name, namespace=namespace, owner=owner):
            create(cluster, namespace, manifest)
            role = manifest["metadata"]["labels"]["wfe.sunbeam.pt/role"]
            runners += [manifest] if role == "runner" else []
    for manifest in runners:
        wait_until_ready(cluster, namespace, manifest)
    release(cluster, namespace)


def test_a_pod_that_the_guard_would_refuse_is_refused_by_the_cluster_too(
    cluster: Cluster, namespace: str
) -> None:
    """The guard is about more than Pod Security; where both speak, they agree."""
    owner = an_owner(cluster, namespace, "one")
    manifest = runner_pod(a_home(namespace=namespace, owner=owner), PodSettings(image=DEBIAN))
    manifest["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    said = cluster.kubectl("create", "-n", namespace, "-f", "-", given=json.dumps(manifest), check=False)
    assert "violates PodSecurity" in said


def test_a_database_is_ready_before_steps_start_and_is_reached_by_its_name(
    cluster: Cluster, namespace: str
) -> None:
    settings = PodSettings(image=POSTGRES)
    service = {
        "image": POSTGRES,
        "ports": [5432],
        "env": {"POSTGRES_PASSWORD": "$(HOME) $$", "POSTGRES_DB": "app"},
        "data": ["/var/lib/postgresql"],
        "run_as_user": 999,
        "readiness": {"tcp": 5432, "interval": "1s"},
    }
    model = a_workflow(a_step(), services={"db": service})
    owner = an_owner(cluster, namespace, "db")
    home = Home(owner.uid, namespace, owner, model.id, needs_of([model], default_image=settings.image))
    manifest = runner_pod(home, settings)
    check(manifest, settings)
    create(cluster, namespace, manifest)
    wait_until_ready(cluster, namespace, manifest)
    script = "PGPASSWORD='$(HOME) $$' psql -h db -U postgres -d app -tAc 'select 6 * 7'"
    said = cluster.kubectl(
        "exec", "-n", namespace, manifest["metadata"]["name"], "-c", "main", "--", "sh", "-c", script
    )
    assert said.strip() == "42"


def test_steps_can_write_where_they_should(cluster: Cluster, namespace: str) -> None:
    owner = an_owner(cluster, namespace, "write")
    manifest = runner_pod(a_home(namespace=namespace, owner=owner), PodSettings(image=DEBIAN))
    create(cluster, namespace, manifest)
    wait_until_ready(cluster, namespace, manifest)
    script = (
        'id -u; for d in . "$HOME" "$TMPDIR" /wfe/state /wfe/out; do echo x >"$d/file" || exit 1; done; pwd'
    )
    said = cluster.kubectl(
        "exec", "-n", namespace, manifest["metadata"]["name"], "-c", "main", "--", "sh", "-c", script
    )
    assert said.split() == ["65532", "/workspace"]
