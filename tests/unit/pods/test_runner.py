"""Which container a task runs in, how large it is, and what a pod of the pool will do for."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.pods.homes import IMAGE, SETTINGS, a_home, a_step, a_task, a_workflow, needs
from wfe.pods.attempt import attempt_pod, task_files
from wfe.pods.guard import check
from wfe.pods.needs import NeedsRefused
from wfe.pods.runner import container_for, is_satisfied_by_pool, placed, runner_pod
from wfe.pods.settings import Amounts
from wfe.pods.volumes import volume_claim
from wfe.supervisor.pod import container_name

GIBI = 1024**3
SECRET = ("registry", "token")
SMALL = replace(SETTINGS, default=Amounts(memory=GIBI, cpu=1000), maximum=Amounts(memory=2 * GIBI, cpu=2000))
NEEDS = needs(
    a_workflow(
        a_step("a"),
        a_step(
            "b",
            image="x",
            memory="256Mi",
            cpu="100m",
            env={"T": {"secret": {"name": "registry", "key": "token"}}},
        ),
    )
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "main", id="the-default-image"),
        pytest.param({"image": IMAGE}, "main", id="the-default-image-by-its-name"),
        pytest.param({"image": "x"}, container_name("x"), id="another-image"),
        pytest.param({"image": "y"}, None, id="an-image-that-was-not-known"),
        pytest.param({"isolated": True}, None, id="a-task-that-wants-its-own"),
        pytest.param({"memory": "1Gi"}, "main", id="as-much-as-there-is"),
        pytest.param({"memory": "1.5Gi"}, None, id="more-memory-than-there-is"),
        pytest.param({"cpu": "2"}, None, id="more-time-than-there-is"),
        pytest.param({"image": "x", "memory": "256Mi"}, container_name("x"), id="as-much-as-was-asked-for"),
        pytest.param({"image": "x", "memory": "257Mi"}, None, id="more-than-was-asked-for"),
        pytest.param({"image": "x", "secrets": {"T": SECRET}}, container_name("x"), id="its-secret-is-there"),
        pytest.param(
            {"image": "x", "private_files": {"T": SECRET}}, container_name("x"), id="also-as-a-file"
        ),
        pytest.param({"secrets": {"T": SECRET}}, None, id="its-secret-is-elsewhere"),
        pytest.param({"private_files": {"T": "text"}}, "main", id="a-text-is-no-secret"),
    ],
)
def test_a_task_runs_where_all_is_there_that_it_needs(changes: dict[str, Any], expected: str | None) -> None:
    task = a_task(**changes)
    assert container_for(task, NEEDS, SMALL) == expected
    assert placed(task, NEEDS, SMALL).isolated is (expected is None)


def limits(step: dict[str, Any], *more: dict[str, Any]) -> dict[str, str]:
    manifest = runner_pod(a_home(a_workflow(step, *more)), SMALL)
    found: dict[str, str] = manifest["spec"]["containers"][0]["resources"]["limits"]
    return found


@pytest.mark.parametrize(
    ("steps", "memory", "cpu"),
    [
        pytest.param([a_step()], "1024Mi", "1", id="the-default"),
        pytest.param([a_step(memory="64Mi", cpu="0.25")], "64Mi", "250m", id="less-if-all-say-so"),
        pytest.param([a_step("a", memory="64Mi"), a_step("b")], "1024Mi", "1", id="not-less-if-some-do-not"),
        pytest.param([a_step("a", memory="2Gi", cpu="2"), a_step("b")], "2048Mi", "2", id="the-largest"),
        pytest.param([a_step(memory="100Gi", cpu="64")], "2048Mi", "2", id="up-to-the-maximum"),
    ],
)
def test_a_container_is_limited(steps: list[dict[str, Any]], memory: str, cpu: str) -> None:
    assert limits(*steps) == {"memory": memory, "cpu": cpu}


def test_a_container_is_sure_of_no_more_than_its_limit() -> None:
    manifest = runner_pod(a_home(a_workflow(a_step(memory="32Mi", cpu="10m"))), SETTINGS)
    assert manifest["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "32Mi", "cpu": "10m"},
        "requests": {"memory": "32Mi", "cpu": "10m"},
    }


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(
            lambda: attempt_pod(a_home(), a_task(memory="3Gi"), SMALL),
            "3072Mi of memory, and 2048Mi",
            id="memory",
        ),
        pytest.param(lambda: attempt_pod(a_home(), a_task(cpu="4"), SMALL), "4 processors, and 2", id="cpu"),
        pytest.param(
            lambda: runner_pod(a_home(a_workflow(services={"db": {"image": "x", "memory": "3Gi"}})), SMALL),
            "service `db` asks for 3072Mi",
            id="a-service",
        ),
        pytest.param(
            lambda: runner_pod(a_home(a_workflow(services={"db": {"image": "x", "cpu": "fast"}})), SMALL),
            "`fast` is no amount",
            id="no-amount",
        ),
        pytest.param(
            lambda: runner_pod(a_home(a_workflow(services={"db": {"image": "x", "data": ["/proc"]}})), SMALL),
            "service `db`: data: `/proc`",
            id="no-directory-for-data",
        ),
        pytest.param(
            lambda: volume_claim(a_home(a_workflow(shared_volume={"size": "2Ti"})), SETTINGS),
            "and 1048576Mi is the most",
            id="a-volume",
        ),
        pytest.param(
            lambda: task_files(a_home(), a_task(files={"data.json": b"x" * 1_000_001})),
            "the limit is 1000000",
            id="data",
        ),
        pytest.param(
            lambda: attempt_pod(a_home(), a_task(secrets={"T": ("A B", "c")}), SETTINGS),
            "cannot name a Secret",
            id="a-secret",
        ),
    ],
)
def test_what_nobody_may_have_is_refused(make: Any, words: str) -> None:
    with pytest.raises(NeedsRefused, match=words):
        make()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, True, id="one-ordinary-image"),
        pytest.param({"workspace": "none"}, True, id="no-workspace"),
        pytest.param({"steps": [a_step(image="x")]}, False, id="another-image"),
        pytest.param({"steps": [a_step("a"), a_step("b", image="x")]}, False, id="two-images"),
        pytest.param({"steps": [a_step(memory="512Mi")]}, True, id="less-memory"),
        pytest.param({"steps": [a_step(memory="2Gi")]}, False, id="more-memory"),
        pytest.param({"steps": [a_step(cpu="2")]}, False, id="more-time"),
        pytest.param({"shared_volume": {}}, False, id="a-volume"),
        pytest.param({"services": {"db": {"image": "x"}}}, False, id="a-service"),
        pytest.param(
            {"steps": [a_step(env={"T": {"secret": {"name": "s", "key": "k"}}})]}, False, id="a-secret"
        ),
    ],
)
def test_a_pod_of_the_pool_does_for_what_is_ordinary(fields: dict[str, Any], expected: bool) -> None:
    written = dict(fields)
    found = needs(a_workflow(*written.pop("steps", ()), **written))
    assert is_satisfied_by_pool(found, SMALL) is expected


def test_a_service_that_is_named_like_a_container_of_steps_gets_another_name() -> None:
    manifest = runner_pod(a_home(a_workflow(services={"main": {"image": "x"}})), SETTINGS)
    check(manifest, SETTINGS)
    assert [each["name"] for each in manifest["spec"]["initContainers"]] == ["main-service"]
    assert manifest["spec"]["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["main"]}]


def test_with_a_read_only_root_containers_write_to_volumes_alone() -> None:
    strict = replace(SETTINGS, read_only_root=True)
    service = {"image": "x", "data": ["/data"]}
    manifest = runner_pod(a_home(a_workflow(services={"db": service})), strict)
    check(manifest, strict)
    sidecar, main = manifest["spec"]["initContainers"][0], manifest["spec"]["containers"][0]
    assert {each["securityContext"]["readOnlyRootFilesystem"] for each in (sidecar, main)} == {True}
    assert [each["mountPath"] for each in sidecar["volumeMounts"]] == ["/data", "/tmp"]


def test_only_containers_that_see_no_secrets_copy_what_steps_write() -> None:
    secret = {"T": {"secret": {"name": "s", "key": "k"}}}
    manifest = runner_pod(a_home(a_workflow(a_step("a"), a_step("b", image="x", env=secret))), SETTINGS)
    copies = {each["name"]: each["command"][-1] for each in manifest["spec"]["containers"]}
    assert copies == {"main": "copy", container_name("x"): "quiet"}


def test_a_task_of_another_image_needs_no_shell_there() -> None:
    direct = a_task(argv=("/app", "-v"), files={"data.json": b"{}"})
    assert attempt_pod(a_home(), direct, SETTINGS)["spec"]["containers"][0]["command"] == ["/app", "-v"]
    assert task_files(a_home(), a_task(argv=("/app",), files={})) is None


def test_what_the_administrator_says_of_pods_is_on_all_of_them() -> None:
    told = replace(
        SETTINGS,
        pull_secrets=("registry",),
        node_selector={"pool": "ci"},
        tolerations=({"key": "ci", "operator": "Exists"},),
        priority_class="low",
        runtime_class="gvisor",
        labels={"team": "a"},
        annotations={"note": "b"},
    )
    for manifest in (runner_pod(a_home(), told), attempt_pod(a_home(), a_task(), told)):
        check(manifest, told)
        spec, metadata = manifest["spec"], manifest["metadata"]
        assert spec["imagePullSecrets"] == [{"name": "registry"}]
        assert (spec["nodeSelector"], spec["priorityClassName"], spec["runtimeClassName"]) == (
            {"pool": "ci"},
            "low",
            "gvisor",
        )
        assert (metadata["labels"]["team"], metadata["annotations"]["note"]) == ("a", "b")
