"""Pods of instances that only wait."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from wfe.definition.services import Service
from wfe.errors import Retryable
from wfe.hosts.kubernetes.homes import Place, TreeHomes
from wfe.hosts.kubernetes.placing import Pods, StillLeaving
from wfe.hosts.kubernetes.resting import Rests
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, Workspace, WorkspaceKind
from wfe.providers.customresource import INSTANCES
from wfe.testing.builders import NOON, an_instance
from wfe.testing.executor_contract import a_script
from wfe.testing.fakes import FakeExecutor

ROOT = "root-uid"
PLACE = cast("Place", type("Nowhere", (), {"namespace": "team"})())
AFTER = timedelta(minutes=5)
SERVICES = {"db": Service(image="postgres:17", ports=(5432,))}


def a_home(kind: WorkspaceKind = WorkspaceKind.NONE, *, of: str = ROOT, **more: Any) -> Home:
    owner = Owner(INSTANCES.api_version, INSTANCES.kind, "i", ROOT)
    return Home(of, "team", owner, "w", Needs(default_image="x", workspace=Workspace(kind=kind), **more))


def waiting(**changes: Any) -> Instance:
    """Return an instance that waits and has had a pod."""
    return an_instance(ROOT, **{"incarnation": "pod-uid", **changes})()


@dataclass
class Hands:
    """Keeps logs, and deletes pods; notes both."""

    done: list[str] = field(default_factory=list)
    pods: set[str] = field(default_factory=lambda: {ROOT})
    parked: set[str] = field(default_factory=lambda: {ROOT})
    failures: int = 0
    may_release: asyncio.Event = field(default_factory=asyncio.Event)

    def is_parked(self, instance: str) -> bool:
        return instance in self.parked

    async def keep_tree(self, place: Place, instance: Instance) -> None:
        self.done.append(f"keep {instance.id}")

    async def release(self, root: str) -> None:
        if self.failures:
            self.failures -= 1
            raise Retryable("the API server is away")
        await self.may_release.wait()
        self.done.append(f"release {root}")
        self.pods.discard(root)


@dataclass
class Clock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


def some_rests(hands: Hands, clock: Clock) -> Rests:
    return Rests(hands, hands, TreeHomes("x"), AFTER, clock.now, lambda root: root in hands.pods)


GIVEN_BACK = [f"keep {ROOT}", f"release {ROOT}"]


@pytest.mark.parametrize(
    ("home", "instance", "due", "expected"),
    [
        pytest.param(a_home(), waiting(), None, GIVEN_BACK, id="it-shares-no-files"),
        pytest.param(
            a_home(WorkspaceKind.VOLUME), waiting(), None, GIVEN_BACK, id="its-files-are-on-a-volume"
        ),
        pytest.param(a_home(WorkspaceKind.POD), waiting(), None, [], id="its-files-are-in-the-pod"),
        pytest.param(a_home(services=SERVICES), waiting(), None, [], id="its-services-would-forget"),
        pytest.param(a_home(of="other"), waiting(), None, [], id="the-pod-is-that-of-its-tree"),
        pytest.param(a_home(), waiting(incarnation=None), None, [], id="it-never-had-a-pod"),
        pytest.param(a_home(), waiting(), NOON + AFTER, [], id="it-is-due-soon"),
        pytest.param(a_home(), waiting(), NOON + 3 * AFTER, GIVEN_BACK, id="it-is-due-much-later"),
    ],
)
async def test_a_pod_goes_where_nothing_goes_with_it(
    home: Home, instance: Instance, due: datetime | None, expected: list[str]
) -> None:
    hands, clock = Hands(), Clock()
    hands.may_release.set()
    rests = some_rests(hands, clock)
    rests.begins(PLACE, home, instance, due=due, is_parked=hands.is_parked)
    clock.at += AFTER - timedelta(seconds=1)
    await rests.look()
    assert hands.done == []
    clock.at += timedelta(seconds=1)
    for _ in range(2):
        await rests.look()
    assert hands.done == expected


async def test_who_goes_on_keeps_its_pod() -> None:
    hands, clock = Hands(), Clock()
    rests = some_rests(hands, clock)
    rests.begins(PLACE, a_home(), waiting(), due=None, is_parked=hands.is_parked)
    rests.ends(ROOT)
    clock.at += AFTER
    await rests.look()
    assert hands.done == []


async def test_the_pod_of_one_that_others_drive_by_now_is_left_alone() -> None:
    hands, clock = Hands(), Clock()
    rests = some_rests(hands, clock)
    rests.begins(PLACE, a_home(), waiting(), due=None, is_parked=hands.is_parked)
    hands.parked.clear()
    clock.at += AFTER
    await rests.look()
    assert hands.done == []


async def test_a_pod_that_cannot_be_given_back_is_tried_again() -> None:
    hands, clock = Hands(failures=1), Clock()
    hands.may_release.set()
    rests = some_rests(hands, clock)
    rests.begins(PLACE, a_home(), waiting(), due=None, is_parked=hands.is_parked)
    clock.at += AFTER
    await rests.look()
    assert hands.pods == {ROOT}
    await rests.look()
    assert hands.pods == set()


async def test_one_that_wakes_up_meanwhile_waits_for_another_pod() -> None:
    hands, clock = Hands(), Clock()
    rests = some_rests(hands, clock)
    pods = Pods(FakeExecutor(), FakeExecutor(), clock.now, leaving=rests.leaving)
    rests.begins(PLACE, a_home(), waiting(), due=None, is_parked=hands.is_parked)
    clock.at += AFTER
    looking = asyncio.create_task(rests.look())
    while not rests.leaving:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    rests.ends(ROOT)
    child, task = an_instance("child", root=ROOT)(), a_script("true", AttemptKey(ROOT, "a", 1))
    for instance in (waiting(), child):
        assert pods.place(instance) == ""
        with pytest.raises(StillLeaving):
            await pods.admit(task, instance)
    assert await pods.admit(replace(task, isolated=True), waiting())
    hands.may_release.set()
    await looking
    assert pods.place(waiting()) == "here"
    assert await pods.admit(task, waiting()) == "here"
