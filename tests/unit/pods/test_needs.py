"""What a tree of workflows needs of a pod, found before anything runs."""

from typing import Any

import pytest

from tests.unit.pods.homes import IMAGE, a_step, a_workflow, needs
from wfe.pods.needs import Needs, NeedsRefused, WorkspaceKind
from wfe.supervisor.pod import container_name

MEBI = 1024**2


def images(found: Needs) -> list[str]:
    return [container.image for container in found.containers]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([a_step()], [IMAGE], id="a-step-without-an-image-runs-in-the-default-one"),
        pytest.param([a_step(image=IMAGE)], [IMAGE], id="the-default-image-by-its-name-is-the-same"),
        pytest.param([a_step("a", image="x"), a_step("b", image="x")], ["x"], id="one-container-an-image"),
        pytest.param([a_step("a", image="x"), a_step("b")], [IMAGE, "x"], id="the-default-one-comes-first"),
        pytest.param([a_step("a"), a_step("b", image="((which))")], [IMAGE], id="a-placeholder-is-not-known"),
        pytest.param(
            [{**a_step("a", image="x"), "isolation": "pod"}], [IMAGE], id="an-isolated-step-counts-not"
        ),
        pytest.param([{"name": "a", "delay": "1s"}], [IMAGE], id="there-is-always-a-container"),
        pytest.param(
            [{"name": "a", "parallel": [a_step("b", image="x")], "ensure": a_step("c", image="y")}],
            ["x", "y"],
            id="inner-steps-and-hooks-count",
        ),
        pytest.param(
            [
                {
                    "name": "p",
                    "poll": {
                        "url": "http://localhost",
                        "interval": "1s",
                        "until": {"field": ".a", "equals": 1},
                    },
                }
            ],
            [IMAGE],
            id="a-poll-is-a-process",
        ),
        pytest.param(
            [{"name": "a", "type": "buildkit", "config": {"image": "x"}}], [IMAGE], id="no-executor"
        ),
    ],
)
def test_there_is_a_container_for_each_image(steps: list[dict[str, Any]], expected: list[str]) -> None:
    found = needs(a_workflow(*steps))
    assert images(found) == expected
    assert [each.name for each in found.containers] == [
        container_name(None if image == IMAGE else image) for image in expected
    ]


def test_children_bring_their_images_and_services() -> None:
    child = a_workflow(
        a_step("c", image="x"), id="child", services={"db": {"image": "postgres", "ports": [5432]}}
    )
    found = needs(a_workflow(), child)
    assert images(found) == [IMAGE, "x"]
    assert list(found.services) == ["db"]


def test_a_container_is_as_large_as_its_largest_step() -> None:
    found = needs(
        a_workflow(a_step("a", memory="1Gi", cpu="500m"), a_step("b", memory="512Mi", cpu=2), a_step("c"))
    ).containers[0]
    assert (found.memory, found.cpu) == (1024 * MEBI, 2000)
    assert (found.memory_unsaid, found.cpu_unsaid) == (True, True)


def test_what_every_step_says_is_not_left_to_the_default() -> None:
    found = needs(a_workflow(a_step("a", memory="64Mi"), a_step("b", memory="32Mi"))).containers[0]
    assert (found.memory, found.memory_unsaid, found.cpu_unsaid) == (64 * MEBI, False, True)


def test_the_ninth_image_gets_pods_of_its_own() -> None:
    found = needs(a_workflow(*(a_step(f"s{n}", image=f"image-{n}") for n in range(9))))
    assert images(found) == [f"image-{n}" for n in range(8)]
    assert found.notes == ("steps of `image-8` get pods of their own: a runner has at most 8 images",)


def test_branches_that_together_ask_for_more_than_their_container_has_are_noted() -> None:
    found = needs(
        a_workflow({"name": "both", "parallel": [a_step("a", memory="1Gi"), a_step("b", memory="1Gi")]})
    )
    assert found.notes == ("branches of `both` share a container of 1024Mi and ask for 2048Mi together",)


def test_secrets_are_found_in_variables_and_files_of_the_containers_that_see_them() -> None:
    secret = {"secret": {"name": "registry", "key": "token"}}
    later = {"secret": {"name": "((which))", "key": "token"}}
    found = needs(
        a_workflow(
            a_step("a", env={"TOKEN": secret, "OTHER": later}),
            a_step("b", image="x", files={"CA": {"secret": {"name": "ca", "key": "ca.crt"}}}),
        )
    )
    assert [each.secrets for each in found.containers] == [(("registry", "token"),), (("ca", "ca.crt"),)]
    assert found.secrets == (("ca", "ca.crt"), ("registry", "token"))


@pytest.mark.parametrize(
    ("fields", "kind", "path", "size"),
    [
        pytest.param({}, WorkspaceKind.POD, "/workspace", None, id="the-pod-by-default"),
        pytest.param({"workspace": "none"}, WorkspaceKind.NONE, "/workspace", None, id="none"),
        pytest.param({"workspace": "volume"}, WorkspaceKind.VOLUME, "/workspace", None, id="a-volume"),
        pytest.param(
            {"shared_volume": {"mount_path": "/src/", "size": "2Gi"}},
            WorkspaceKind.VOLUME,
            "/src",
            2048 * MEBI,
            id="a-shared-volume",
        ),
    ],
)
def test_the_workspace_is_what_the_root_says(
    fields: dict[str, Any], kind: WorkspaceKind, path: str, size: int | None
) -> None:
    found = needs(a_workflow(**fields)).workspace
    assert (found.kind, found.mount_path, found.size) == (kind, path, size)


def test_the_workspace_is_what_a_child_says_if_the_root_says_nothing() -> None:
    child = a_workflow(id="child", shared_volume={})
    assert needs(a_workflow(), child).workspace.kind is WorkspaceKind.VOLUME
    assert needs(a_workflow(workspace="none"), child).workspace.kind is WorkspaceKind.NONE


def test_services_are_filled_in_by_whoever_knows_the_data() -> None:
    model = a_workflow(services={"db": {"image": "postgres:((major))", "ports": [5432]}})
    found = needs(model, fill=lambda _, service: {**service, "image": "postgres:17"})
    assert found.services["db"].image == "postgres:17"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        pytest.param(
            [
                a_workflow(services={"a": {"image": "x", "ports": [80]}}),
                a_workflow(id="child", services={"b": {"image": "x", "ports": [80]}}),
            ],
            "services `a` and `b` both listen on port 80",
            id="equal-ports",
        ),
        pytest.param(
            [
                a_workflow(services={"a": {"image": "x"}}),
                a_workflow(id="child", services={"a": {"image": "y"}}),
            ],
            "have a service `a`, and they differ",
            id="two-of-one-name",
        ),
        pytest.param([a_workflow(shared_volume={"size": "large"})], "`large` is no amount", id="no-size"),
        pytest.param(
            [a_workflow(shared_volume={"mount_path": "work"})], "not an absolute path", id="relative"
        ),
        pytest.param(
            [a_workflow(shared_volume={"mount_path": "/wfe/x"})], "needed by the container", id="ours"
        ),
        pytest.param([a_workflow(shared_volume={"mount_path": "/a/../proc"})], "needed by", id="the-kernels"),
        pytest.param([a_workflow(shared_volume={"mount_path": "/usr"})], "would hide", id="programs"),
        pytest.param(
            [a_workflow(a_step(env={"A": {"secret": {"name": "My Secret", "key": "k"}}}))],
            "cannot name a Secret",
            id="no-secret",
        ),
        pytest.param(
            [a_workflow(a_step(env={"A": {"secret": {"name": "s", "key": "../k"}}}))],
            "cannot be a key",
            id="no-key",
        ),
    ],
)
def test_what_no_pod_can_be_is_refused(models: list[Any], words: str) -> None:
    with pytest.raises(NeedsRefused, match=words):
        needs(*models)
