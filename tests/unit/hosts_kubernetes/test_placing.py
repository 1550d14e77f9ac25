"""What stands before the lines of a step: its path in the whole tree, in the pod and wherever they are read."""

import pytest

from tests.unit.pods.homes import SETTINGS, a_home, a_task
from wfe.executors.runner.files import starting
from wfe.hosts.cli.cluster.logs.pods import started
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.hosts.kubernetes.placing import HomePlanner
from wfe.hosts.kubernetes.verdict import judge
from wfe.model.commands import StartTask
from wfe.model.ids import AttemptKey
from wfe.model.instance import ParentRef
from wfe.model.task import ProcessTask
from wfe.pods.attempt import attempt_pod
from wfe.ports.store import Definition
from wfe.providers.memory import MemoryStore
from wfe.runtime.definitions import Definitions
from wfe.testing.builders import a_pointer, an_instance


class CountingStore(MemoryStore):
    """A store that counts epochs."""

    async def raise_epoch(self, root: str) -> int:
        raise AssertionError(root)


@pytest.mark.parametrize(
    ("name", "is_child", "attempt", "shown"),
    [
        pytest.param("deploy-1", False, 1, "build", id="root"),
        pytest.param("deploy-1/ship", True, 1, "ship/build", id="child"),
        pytest.param("deploy-1/each[3]/ship#2/pack", True, 2, "each[3]/ship#2/pack/build#2", id="grandchild"),
    ],
)
async def test_a_step_of_a_child_is_shown_with_the_steps_above_it(
    name: str, is_child: bool, attempt: int, shown: str
) -> None:
    graph = judge({"id": "w", "steps": [{"name": "build", "config": {"run": "true"}}]}).graph
    assert graph is not None
    store, homes = CountingStore(), TreeHomes("runner")
    await store.put_definition(Definition(workflow=graph.workflow, source=graph.source))
    parent = ParentRef("other", "ship", 1) if is_child else None
    built = an_instance("i", name=name, workflow=graph.workflow, parent=parent)
    instance = built.with_step("build", a_pointer(path="build", node="build", attempt=attempt))()
    await homes.learn(Place("team", store, Definitions(store, lambda _: graph)), instance)
    command = StartTask(path="build", attempt=attempt, incarnation="uid")
    task = HomePlanner(homes, SETTINGS)(graph, instance, command)
    assert isinstance(task, ProcessTask)
    assert starting(task, "i/token", "uid").split()[-1].decode() == shown


@pytest.mark.parametrize(
    ("shown", "attempt", "expected"),
    [
        pytest.param("", 1, "build", id="root"),
        pytest.param("", 2, "build#2", id="again"),
        pytest.param("ship/build", 1, "ship/build", id="child"),
        pytest.param("ship/build", 3, "ship/build#3", id="child-again"),
    ],
)
def test_a_pod_of_its_own_is_shown_by_the_same_path(shown: str, attempt: int, expected: str) -> None:
    task = a_task(shown=shown, key=AttemptKey("i", "build", attempt))
    pod = attempt_pod(a_home(), task, SETTINGS)
    statuses = [{"name": "step", "state": {"running": {}}}]
    metadata = {**pod["metadata"], "uid": "u"}
    (container,) = started({"metadata": metadata, "status": {"containerStatuses": statuses}})
    assert container.step == expected
    # Its own path says which attempt it is.
    assert pod["metadata"]["annotations"]["wfe.sunbeam.pt/step"] == "build"
