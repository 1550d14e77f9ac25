"""New attempts are admitted to a place before their decision is saved."""

import asyncio
from dataclasses import dataclass, field, replace

from tests.unit.engine.nodes import graph, par, seq, task
from tests.unit.runtime.site import Site, a_plan, settled, virtually
from wfe.errors import Permanent, Retryable, StoreUnavailable
from wfe.graph.graph import Graph
from wfe.graph.node import Node, TaskSpec
from wfe.model.commands import StartTask
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask, Task
from wfe.ports.executor import CannotGoOn
from wfe.testing.fakes import FakeExecutor

GONE = Failure(reason=Reason.WORKSPACE_LOST, message="the pod is gone, and the workspace with it")


@dataclass
class Pods(FakeExecutor):
    """Runs attempts in pods that are made when they are asked for: one that is shared, and isolated ones."""

    pod: str = ""
    admitted: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)

    @property
    def admits(self) -> bool:
        return True

    def place(self, instance: Instance | None) -> str:
        return self.pod if instance is not None else ""

    def takes(self, task: ProcessTask, incarnation: str) -> bool:
        return bool(incarnation) and incarnation == self.pod and not task.isolated

    def expect(self, task: ProcessTask, incarnation: str) -> None:
        assert incarnation == self.pod
        self.expected.append(task.key.path)

    async def admit(self, task: ProcessTask, instance: Instance) -> str:
        self.admitted.append(task.key.path)
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        if task.isolated:
            return f"own-{task.key.path}-{task.key.attempt}"
        self.pod = self.pod or "pod-1"
        return self.pod

    async def run(self, task: Task, incarnation: str = "") -> object:  # type: ignore[override]
        self.homes[task.key.path] = incarnation
        self.incarnation = incarnation
        return await super().run(task, incarnation)


def planned(workflow: Graph, instance: Instance, command: StartTask) -> Task:
    spec = workflow.nodes[instance.pointers[command.path].node].spec
    made = a_plan(workflow, instance, command)
    assert isinstance(spec, TaskSpec)
    assert isinstance(made, ProcessTask)
    return replace(made, isolated=spec.isolated)


def isolated(name: str) -> Node:
    return replace(task(name), spec=TaskSpec(isolated=True))


def a_site(pods: Pods) -> Site:
    site = Site(executor=pods)
    site.tasks.plan = planned
    return site


@virtually
async def test_a_pod_is_made_for_the_first_process_and_used_by_the_next() -> None:
    pods = Pods()
    site = a_site(pods)
    await site.start(graph(seq("s", task("a"), task("b"))))
    await settled()
    await site.ends("s/a")
    await site.ends("s/b")
    assert await site.status() == "Complete"
    assert pods.admitted == ["s/a"]
    assert pods.homes == {"s/a": "pod-1", "s/b": "pod-1"}
    stored = await site.store.load("i")
    assert stored is not None
    assert stored.incarnation == "pod-1"


@virtually
async def test_an_attempt_is_expected_before_it_is_saved_and_planned_once() -> None:
    pods = Pods(pod="pod-1")
    site = a_site(pods)
    plans: list[str] = []

    def counted(workflow: Graph, instance: Instance, command: StartTask) -> Task:
        plans.append(f"{command.path}#{command.attempt}")
        return planned(workflow, instance, command)

    site.tasks.plan = counted
    await site.start(graph(seq("s", task("a"), task("b"))))
    await settled()
    site.store.before = [StoreUnavailable("no answer")]
    await site.ends("s/a")
    assert pods.expected == ["s/b"]
    assert "s/b" not in pods.homes
    await asyncio.sleep(2)
    assert pods.homes["s/b"] == "pod-1"
    await site.ends("s/b")
    assert await site.status() == "Complete"
    # Once for each decision that starts it, of which the first was never saved.
    assert plans.count("s/b#1") == 2


@virtually
async def test_an_attempt_is_saved_with_its_place_before_it_starts() -> None:
    pods = Pods()
    site = a_site(pods)
    await site.start(graph(par("p", task("a"), isolated("b"))))
    saved = await site.store.load("i")
    assert saved is not None
    places = {path: pointer.incarnation for path, pointer in saved.pointers.items() if pointer.incarnation}
    assert places == {"p/a": "pod-1", "p/b": "own-p/b-1"}
    await settled()
    assert pods.homes == places
    # What runs elsewhere says nothing of where the instance's files are.
    assert saved.incarnation == "pod-1"


@virtually
async def test_while_there_is_no_place_nothing_is_saved_and_it_is_decided_again() -> None:
    pods = Pods(pod="pod-1")
    site = a_site(pods)
    await site.start(graph(seq("s", task("a"), task("b"))))
    await settled()
    pods.pod, pods.refusals = "", [Retryable("the quota is used up")] * 2
    saves = len(site.store.saves)
    await site.ends("s/a")
    assert len(site.store.saves) == saves
    await asyncio.sleep(2)
    assert pods.admitted[-3:] == ["s/b"] * 3
    await site.ends("s/b")
    assert await site.status() == "Complete"


@virtually
async def test_a_step_that_no_place_takes_fails_and_says_why() -> None:
    pods = Pods(refusals=[Permanent("the image `:` has no name")])
    site = a_site(pods)
    await site.start(graph(seq("s", task("a"), task("b"))))
    await settled()
    assert await site.status() == "Failed"
    stored = await site.store.load("i")
    assert stored is not None
    assert "the image `:` has no name" in str(stored.failure)
    assert pods.starts == {}


@virtually
async def test_an_instance_that_cannot_go_on_fails_for_that_and_its_hooks_run() -> None:
    pods = Pods(pod="pod-1")
    site = a_site(pods)
    await site.start(graph(seq("s", task("a"), task("b"), ensure=task("tidy"))))
    await settled()
    pods.pod, pods.refusals = "", [CannotGoOn(GONE)]
    await site.ends("s/a")
    await settled()
    await site.ends("s/ensure")
    stored = await site.store.load("i")
    assert stored is not None
    assert (stored.status, stored.failure) == ("Failed", GONE)
    assert pods.starts == {"s/a": 1, "s/ensure": 1}


@virtually
async def test_what_cannot_go_on_while_it_runs_ends_the_instance() -> None:
    class Losing(Pods):
        async def run(self, task: Task, incarnation: str = "") -> object:  # type: ignore[override]
            raise CannotGoOn(GONE)

    site = a_site(Losing())
    await site.start(graph(seq("s", task("a"), task("b"))))
    await settled()
    stored = await site.store.load("i")
    assert stored is not None
    assert (stored.status, stored.failure) == ("Failed", GONE)
