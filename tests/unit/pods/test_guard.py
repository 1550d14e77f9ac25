"""The guard lets through whatever our builders make, and nothing that was changed after them."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pods.homes import SETTINGS, a_home, a_step, a_task, a_workflow
from wfe.definition import WorkflowModel
from wfe.pods.attempt import attempt_pod
from wfe.pods.guard import PodRefused, check
from wfe.pods.needs import NeedsRefused
from wfe.pods.runner import pool_pod, runner_pod
from wfe.supervisor.launch import NotLaunchable

Manifest = dict[str, Any]
names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
paths = st.lists(st.from_regex(r"[a-z._-]{1,8}", fullmatch=True), max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
words = st.text(st.characters(exclude_characters="\0"), max_size=20)
images = st.from_regex(r"[!-~]{1,20}", fullmatch=True)
sizes = st.sampled_from(["64Mi", "1Gi", "1.5G", "100k", "900Gi"])
cpus = st.sampled_from(["1", "500m", "0.1", "900"])
secrets = st.fixed_dictionaries({"secret": st.fixed_dictionaries({"name": names, "key": names})})


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


variables = st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), words | secrets, max_size=3)
configs = some(image=images, memory=sizes, cpu=cpus, env=variables, files=variables)
steps = st.builds(
    lambda number, config, isolation: {
        "name": f"s{number}",
        "config": {"run": "true", **config},
        "isolation": isolation,
    },
    st.integers(),
    configs,
    st.sampled_from(["runner", "pod"]),
)
readiness = st.one_of(
    st.fixed_dictionaries({"exec": st.lists(words, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"tcp": st.integers(1, 65535)}),
    st.fixed_dictionaries({"http": st.fixed_dictionaries({"port": st.integers(1, 65535), "path": words})}),
)
services = st.builds(
    lambda image, more: {"image": image, **more},
    images,
    some(
        ports=st.lists(st.integers(1, 65535), max_size=2),
        env=variables,
        readiness=readiness,
        command=st.lists(words, max_size=2),
        args=st.lists(words, max_size=2),
        memory=sizes,
        cpu=cpus,
        run_as_user=st.integers(1, 2**31 - 1),
        data=st.lists(paths, max_size=3),
    ),
)
workflows = st.builds(
    lambda steps, more: a_workflow(*steps, **more),
    st.lists(steps, min_size=1, max_size=10),
    some(
        services=st.dictionaries(names, services, max_size=3),
        shared_volume=some(mount_path=paths, size=sizes),
    ),
)


@given(workflows)
def test_whatever_workflows_need_their_pod_passes_or_is_refused_before(model: WorkflowModel) -> None:
    try:
        manifest = runner_pod(a_home(model), SETTINGS)
    except NeedsRefused:
        return
    check(manifest, SETTINGS)


@given(
    st.builds(
        a_task,
        argv=st.lists(words.filter(bool), min_size=1, max_size=3).map(tuple),
        env=st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), words, max_size=3),
        image=st.just("localhost/any:1") | st.none(),
        memory=sizes | st.none(),
        cpu=cpus | st.none(),
        secrets=st.dictionaries(names.map(lambda name: f"S{name}"), st.tuples(names, names), max_size=2),
        private_files=st.dictionaries(
            names.map(lambda name: f"F{name}".replace("-", "_")), words | st.tuples(names, names), max_size=2
        ),
        working_dir=words,
    ),
)
def test_whatever_a_task_says_its_pod_passes_or_is_refused_before(task: Any) -> None:
    try:
        manifest = attempt_pod(a_home(), task, SETTINGS)
    except (NeedsRefused, NotLaunchable):
        return
    check(manifest, SETTINGS)


def everything() -> Manifest:
    """Return a runner pod with one of everything."""
    secret = {"secret": {"name": "registry", "key": "token"}}
    db = {
        "image": "postgres:17",
        "ports": [5432],
        "env": {"A": "b", "C": secret},
        "data": ["/data"],
        "run_as_user": 999,
    }
    steps = (a_step("a", env={"T": secret}), a_step("b", image="x"))
    return runner_pod(a_home(a_workflow(*steps, services={"db": db}, shared_volume={})), SETTINGS)


def put(*keys: str | int, value: Any) -> Callable[[Manifest], None]:
    """Return a change that sets what stands at the keys."""

    def change(manifest: Manifest) -> None:
        at: Any = manifest
        for key in keys[:-1]:
            at = at[key]
        if isinstance(at, list):
            at.append(value)
        else:
            at[keys[-1]] = value

    return change


SPEC = ("spec",)
MAIN = ("spec", "containers", 0)
SIDECAR = ("spec", "initContainers", 0)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param(put(*SPEC, "hostNetwork", value=True), "hostNetwork", id="the-nodes-network"),
        pytest.param(put(*SPEC, "hostPID", value=True), "hostPID", id="the-nodes-processes"),
        pytest.param(put(*SPEC, "hostIPC", value=True), "hostIPC", id="the-nodes-memory"),
        pytest.param(put(*SPEC, "hostUsers", value=True), "hostUsers", id="the-nodes-users"),
        pytest.param(put(*SPEC, "nodeName", value="node1"), "nodeName", id="past-the-scheduler"),
        pytest.param(put(*SPEC, "nodeSelector", value={"a": "b"}), "nodeSelector", id="other-nodes"),
        pytest.param(
            put(*SPEC, "tolerations", value=[{"operator": "Exists"}]), "tolerations", id="all-nodes"
        ),
        pytest.param(put(*SPEC, "serviceAccountName", value="admin"), "serviceAccountName", id="an-account"),
        pytest.param(put(*SPEC, "serviceAccount", value="admin"), "serviceAccount", id="the-old-word-for-it"),
        pytest.param(put(*SPEC, "automountServiceAccountToken", value=True), "automount", id="a-token"),
        pytest.param(put(*SPEC, "shareProcessNamespace", value=True), "shareProcess", id="shared-processes"),
        pytest.param(
            put(*SPEC, "ephemeralContainers", value=[]), "ephemeral", id="containers-of-another-kind"
        ),
        pytest.param(put(*SPEC, "resourceClaims", value=[]), "resourceClaims", id="devices"),
        pytest.param(put(*SPEC, "priorityClassName", value="system"), "priorityClass", id="priority"),
        pytest.param(put(*SPEC, "securityContext", "runAsUser", value=0), "securityContext", id="root"),
        pytest.param(put(*SPEC, "securityContext", "sysctls", value=[]), "securityContext", id="sysctls"),
        pytest.param(put(*SPEC, "securityContext", "supplementalGroups", value=[0]), "security", id="groups"),
        pytest.param(put(*SPEC, "hostAliases", 0, "ip", value="10.0.0.1"), "hostAliases", id="another-host"),
        pytest.param(
            put(*SPEC, "affinity", value={"nodeAffinity": {}}), "affinity", id="a-node-of-its-choice"
        ),
        pytest.param(put(*SPEC, "restartPolicy", value="Never"), "restartPolicy", id="another-policy"),
        pytest.param(put(*MAIN, "securityContext", "privileged", value=True), "privileged", id="privileged"),
        pytest.param(
            put(*MAIN, "securityContext", "runAsUser", value=0), "runAsUser", id="a-container-as-root"
        ),
        pytest.param(
            put(*MAIN, "securityContext", "procMount", value="Unmasked"), "procMount", id="all-of-proc"
        ),
        pytest.param(
            put(*MAIN, "securityContext", "capabilities", value={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
            "capabilities",
            id="a-capability",
        ),
        pytest.param(
            put(*MAIN, "securityContext", "allowPrivilegeEscalation", value=True), "allow", id="escalation"
        ),
        pytest.param(put(*MAIN, "lifecycle", value={}), "lifecycle", id="hooks-of-the-kubelet"),
        pytest.param(put(*MAIN, "volumeDevices", value=[]), "volumeDevices", id="a-block-device"),
        pytest.param(
            put(*MAIN, "envFrom", value=[{"secretRef": {"name": "x"}}]), "envFrom", id="a-whole-secret"
        ),
        pytest.param(put(*MAIN, "stdin", value=True), "stdin", id="a-terminal"),
        pytest.param(put(*MAIN, "resources", value={}), "resources", id="no-limits"),
        pytest.param(put(*MAIN, "resources", "limits", "memory", value="1Ei"), "memory", id="too-much"),
        pytest.param(put(*MAIN, "resources", "limits", "nvidia.com/gpu", value="1"), "gpu", id="a-device"),
        pytest.param(put(*MAIN, "terminationMessagePath", value="/etc/x"), "terminationMess", id="a-path"),
        pytest.param(
            put(
                *MAIN,
                "env",
                0,
                value={"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            ),
            "fieldRef",
            id="a-field-of-the-pod",
        ),
        pytest.param(
            put(*MAIN, "volumeMounts", 0, value={"name": "workspace", "mountPath": "/proc/x"}),
            "/proc",
            id="proc",
        ),
        pytest.param(
            put(*MAIN, "volumeMounts", 0, value={"name": "nothing", "mountPath": "/x"}),
            "nothing",
            id="no-volume",
        ),
        pytest.param(
            put(
                *MAIN,
                "volumeMounts",
                0,
                value={"name": "workspace", "mountPath": "/x", "mountPropagation": "Bidirectional"},
            ),
            "mountPropagation",
            id="mounts-of-the-node",
        ),
        pytest.param(
            put(*SIDECAR, "ports", 0, value={"containerPort": 1, "hostPort": 1}), "hostPort", id="a-port"
        ),
        pytest.param(put(*SIDECAR, "restartPolicy", value="OnFailure"), "restartPolicy", id="no-sidecar"),
        pytest.param(
            put(*SIDECAR, "startupProbe", value={"httpGet": {"port": 1, "path": "/", "host": "10.0.0.1"}}),
            "host",
            id="the-kubelet-as-a-messenger",
        ),
        *(
            pytest.param(put(*SPEC, "volumes", 0, value={"name": "x", kind: {}}), kind, id=kind)
            for kind in ("hostPath", "csi", "nfs", "downwardAPI", "secret", "configMap", "ephemeral", "image")
        ),
        pytest.param(
            put(*SPEC, "volumes", 0, value={"name": "x", "persistentVolumeClaim": {"claimName": "other"}}),
            "claimName",
            id="somebody-elses-claim",
        ),
        pytest.param(
            put(
                *SPEC,
                "volumes",
                0,
                value={
                    "name": "x",
                    "projected": {"defaultMode": 0o440, "sources": [{"serviceAccountToken": {"path": "x"}}]},
                },
            ),
            "serviceAccountToken",
            id="a-projected-token",
        ),
        pytest.param(
            put(*SPEC, "volumes", 0, value={"name": "x", "emptyDir": {"medium": "Memory"}}),
            "sizeLimit",
            id="no-size",
        ),
        pytest.param(put("metadata", "name", value="kube-proxy"), "name", id="a-name-of-others"),
        pytest.param(put("metadata", "ownerReferences", value=[]), "ownerReferences", id="nobodys"),
        pytest.param(put("metadata", "finalizers", value=["x/y"]), "finalizers", id="a-finalizer"),
        pytest.param(
            put("metadata", "labels", "wfe.sunbeam.pt/role", value="cache"), "role", id="another-role"
        ),
        pytest.param(put("kind", value="Deployment"), "kind", id="no-pod"),
        pytest.param(put("status", value={}), "status", id="a-status"),
    ],
)
def test_a_manifest_that_was_changed_is_refused_with_the_place(
    change: Callable[[Manifest], None], place: str
) -> None:
    manifest = everything()
    check(manifest, SETTINGS)
    change(manifest)
    with pytest.raises(PodRefused, match=place):
        check(manifest, SETTINGS)


def inner(value: Any, keys: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the keys that lead to every mapping in a value."""
    if isinstance(value, dict):
        yield keys
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from inner(child, (*keys, key))


# What these hold is users' and the administrator's to name.
FREE = {"labels", "annotations", "nodeSelector"}


@given(st.data())
def test_a_key_that_nobody_knows_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    manifest = copy.deepcopy(EVERYTHING)
    keys = data.draw(st.sampled_from([keys for keys in inner(manifest) if FREE.isdisjoint(map(str, keys))]))
    put(*keys, "unheardOf", value="x")(manifest)
    with pytest.raises(PodRefused):
        check(manifest, SETTINGS)


EVERYTHING = everything()


def test_images_may_be_limited_to_some_registries() -> None:
    limited = replace(SETTINGS, images=("registry.example/",))
    check(runner_pod(a_home(), limited), limited)
    with pytest.raises(PodRefused, match=r"images here begin with registry\.example/"):
        check(runner_pod(a_home(a_workflow(a_step(image="x"))), limited), limited)
    with pytest.raises(PodRefused, match="images here begin"):
        check(attempt_pod(a_home(), a_task(image="x"), limited), limited)


def test_root_is_for_namespaces_that_the_administrator_named() -> None:
    allowed = replace(SETTINGS, root_namespaces=frozenset({"builds"}))
    manifest = runner_pod(a_home(namespace="builds"), allowed)
    check(manifest, allowed)
    assert manifest["spec"]["securityContext"]["runAsUser"] == 0
    with pytest.raises(PodRefused, match="securityContext"):
        check(manifest, SETTINGS)
    assert runner_pod(a_home(), allowed)["spec"]["securityContext"]["runAsNonRoot"] is True


def test_a_pod_of_the_pool_belongs_to_nobody() -> None:
    manifest = pool_pod(SETTINGS, namespace="default")
    check(manifest, SETTINGS)
    assert "ownerReferences" not in manifest["metadata"]
