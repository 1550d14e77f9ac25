"""Where instances are at home, and where their tasks run."""

from datetime import timedelta
from typing import Any

import pytest

from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.building import pod_settings
from wfe.hosts.kubernetes.homes import NotKnownYet, Place, TreeHomes
from wfe.hosts.kubernetes.placing import NoCallables, Pods
from wfe.hosts.kubernetes.settings import Runner, SettingsInvalid
from wfe.hosts.kubernetes.verdict import judge
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask, PythonTask
from wfe.pods.home import Home
from wfe.pods.needs import NeedsRefused
from wfe.ports.store import Definition
from wfe.providers.memory import MemoryStore
from wfe.runtime.definitions import Definitions
from wfe.testing.builders import NOON, an_instance
from wfe.testing.fakes import FakeExecutor


class CountingStore(MemoryStore):
    """A store that counts epochs."""

    epochs = 0

    async def raise_epoch(self, root: str) -> int:
        self.epochs += 1
        return self.epochs


def _graph(name: str, *images: str, **spec: Any) -> Graph:
    steps = [
        {"name": f"s{number}", "config": {"run": "true", "image": image}}
        for number, image in enumerate(images)
    ]
    verdict = judge({"id": name, "steps": steps, **spec})
    assert verdict.graph is not None, verdict.errors
    return verdict.graph


async def _place(*graphs: Graph) -> Place:
    store = CountingStore()
    definitions = Definitions(store, lambda source: next(one for one in graphs if one.source == source))
    for graph in graphs:
        await store.put_definition(Definition(workflow=graph.workflow, source=graph.source))
    return Place("team", store, definitions)


def _instance(id: str, graph: Graph, **more: Any) -> Instance:  # noqa: A002 - the word for it
    return an_instance(id, workflow=graph.workflow, **more)()


def _images(home: Home) -> list[str]:
    return sorted(container.image for container in home.needs.containers)


async def test_a_tree_is_at_home_where_the_images_of_its_closure_are() -> None:
    root, child = _graph("root", "a"), _graph("child", "b")
    place, homes = await _place(root, child), TreeHomes("runner")
    parent = _instance("r", root, pins={"child": child.workflow.digest})
    await homes.learn(place, parent)
    await homes.learn(place, _instance("c", child, root="r"))
    home = await homes.home("r")
    assert _images(home) == ["a", "b"]
    assert await homes.home("c") is home
    assert (home.owner.uid, home.owner.name, home.namespace, home.workflow) == ("r", "r", "team", "root")
    assert homes.has_own(parent)
    assert not homes.has_own(_instance("c", child, root="r"))


async def test_a_child_that_nobody_knew_of_at_the_start_has_a_home_of_its_own() -> None:
    root, other = _graph("root", "a"), _graph("other", "b")
    place, homes = await _place(root, other), TreeHomes("runner")
    await homes.learn(place, _instance("r", root))
    stray = _instance("c", other, root="r")
    await homes.learn(place, stray)
    home = await homes.home("c")
    assert (_images(home), home.root, home.owner.uid) == (["b"], "c", "r")
    assert homes.has_own(stray)


async def test_services_have_what_the_instance_was_given_and_not_what_its_steps_made_of_it() -> None:
    services = {"db": {"image": "db:((tag))", "ports": [1]}}
    graph = _graph("w", "a", services=services, inputs={"tag": "string"})
    place, homes = await _place(graph), TreeHomes("runner")
    for id_, tag in (("i", "one"), ("j", "two")):
        changed = an_instance(id_, workflow=graph.workflow, inputs={"tag": tag}).with_data(tag="else")()
        await homes.learn(place, changed)
        assert (await homes.home(id_)).needs.services["db"].image == f"db:{tag}"


async def test_a_service_that_cannot_be_filled_in_is_refused() -> None:
    graph = _graph("w", "a", services={"db": {"image": "((tag))"}}, inputs={"tag": "string"})
    place, homes = await _place(graph), TreeHomes("runner")
    with pytest.raises(NeedsRefused, match="tag"):
        await homes.learn(place, _instance("i", graph))


async def test_nobody_knows_the_home_of_what_is_not_driven() -> None:
    graph = _graph("w", "a")
    place, homes = await _place(graph), TreeHomes("runner")
    await homes.learn(place, _instance("i", graph))
    assert [await homes.epoch("i"), await homes.epoch("i")] == [1, 2]
    assert homes.namespace_of("i") == "team"
    homes.forget(["i"])
    for ask in (homes.home, homes.epoch):
        with pytest.raises(NotKnownYet):
            await ask("i")


def _task(path: str, *, isolated: bool = False) -> ProcessTask:
    return ProcessTask(key=AttemptKey("i", path, 1), argv=("true",), isolated=isolated)


class FakePool:
    """Notes who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def claim(self, home: Home) -> bool:
        self.asked.append(home.root)
        return True


async def test_a_task_goes_to_the_executor_that_its_plan_says() -> None:
    runner, isolated = FakeExecutor("runner"), FakeExecutor("pod")
    pods = Pods(runner, isolated, now=lambda: NOON)
    runner.ends("i", "a")
    isolated.ends("i", "b")
    await pods.run(_task("a"), "runner")
    await pods.run(_task("b", isolated=True), "pod")
    assert pods.ran_isolated == {"i"}
    assert [pods.takes(_task("a"), "runner"), pods.takes(_task("a", isolated=True), "runner")] == [
        True,
        False,
    ]


async def test_an_instance_without_a_pod_asks_the_pool_first() -> None:
    graph = _graph("w", "a")
    place, homes, pool = await _place(graph), TreeHomes("runner"), FakePool()
    fresh = FakeExecutor("")
    pods = Pods(fresh, FakeExecutor("pod"), now=lambda: NOON, pool=pool, homes=homes)
    instance = _instance("i", graph)
    await homes.learn(place, instance)
    await pods.admit(_task("a"), instance)
    await pods.admit(_task("a", isolated=True), instance)
    await pods.admit(_task("a"), _instance("i", graph, incarnation="uid"))
    assert pool.asked == ["i"]


async def test_the_time_from_dispatch_to_start_is_told_of_what_was_started() -> None:
    told: list[float] = []
    runner = FakeExecutor("runner")
    pods = Pods(runner, FakeExecutor("pod"), now=lambda: NOON, started=told.append)
    for path, seconds in (("a", 2.0), ("b", -0.01), ("c", -60.0)):
        runner.ends("i", path)
        end = runner._end_of(AttemptKey("i", path, 1))
        ended = end.result()
        object.__setattr__(ended, "started_at", NOON + timedelta(seconds=seconds))
        await pods.run(_task(path), "runner")
    assert told == [2.0, 0.0]


async def test_a_step_in_python_is_told_where_it_belongs() -> None:
    task = PythonTask(key=AttemptKey("i", "a", 1), callable_id="module.step", data={})
    ended = await NoCallables(lambda: NOON).run(task)
    assert ended.failure is not None
    assert ended.failure.reason is Reason.NO_EXECUTOR
    assert "make it an `activity`" in ended.failure.message


def test_the_settings_of_pods_come_from_the_chart() -> None:
    written = {
        "image": "r:1",
        "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": 2, "memory": "1Gi"}},
        "rootNamespaces": ["a"],
    }
    found = pod_settings(Runner.model_validate(written))
    assert (found.image, found.default.cpu, found.default.memory, found.request.cpu) == (
        "r:1",
        2000,
        1 << 30,
        100,
    )
    assert found.root_namespaces == {"a"}
    with pytest.raises(SettingsInvalid, match=r"runner.resources.limits: `much`"):
        pod_settings(Runner.model_validate({"resources": {"limits": {"memory": "much"}}}))
