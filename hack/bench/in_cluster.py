"""What `hack/bench/cluster` measures: one function a part."""

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cluster_site import INSTANCES, Site, Step

from wfe.kube.resource import CONFIG_MAPS, PODS

TRUE: Final = {"config": {"run": "true"}}


def show(name: str, samples: list[float], goal: str = "") -> None:
    """Print the middle and the tail of samples in seconds."""
    ordered = sorted(samples)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    said = f"p50 {statistics.median(ordered) * 1000:8.1f} ms   p99 {p99 * 1000:8.1f} ms"
    print(f"   {name:44} {said}   {goal}", flush=True)


def figure(name: str, value: str, goal: str = "") -> None:
    """Print one figure."""
    print(f"   {name:44} {value:34} {goal}", flush=True)


async def timed(count: int, call: Callable[[], Awaitable[object]]) -> list[float]:
    """Return how long each of so many calls took, one after another, in seconds."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - began)
    return taken


def a_pod(name: str, image: str, command: list[str]) -> dict[str, Any]:
    """Return a bare pod of the kind that a pod-per-step engine makes."""
    security = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "step", "image": image, "command": command, "securityContext": security}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]},
    }


async def floor(site: Site, namespace: str) -> None:
    """The floor: a write, a line through an exec stream and back; the peer: a pod for each step."""
    await site.client.create(CONFIG_MAPS, {"metadata": {"name": "floor"}, "data": {"n": "0"}}, namespace)

    async def patch() -> None:
        site.made["n"] += 1
        data = {"data": {"n": str(site.made["n"])}}
        await site.client.patch(CONFIG_MAPS, "floor", namespace, data, metadata_only=True)

    show("merge patch, one writer", await timed(200, patch))
    await site.client.create(PODS, a_pod("cat", site.options.image, ["sleep", "600"]), namespace)
    await _phase(site, namespace, "cat", "Running")
    stream = await site.client.exec("cat", namespace, "step", ["cat"])

    async def there_and_back() -> None:
        await stream.write(b"a line\n")
        while not (await stream.read()).endswith(b"\n"):
            pass

    show("a line through an exec stream and back", await timed(200, there_and_back))
    await stream.close()

    async def pod_a_step() -> None:
        site.made["pod"] += 1
        name = f"step-{site.made['pod']}"
        await site.client.create(PODS, a_pod(name, site.options.image, ["true"]), namespace)
        await _phase(site, namespace, name, "Succeeded")

    show("peer: a pod for each step (create to Succeeded)", await timed(8, pod_a_step))


async def _phase(site: Site, namespace: str, pod: str, phase: str) -> None:
    while (await site.client.get(PODS, pod, namespace)).get("status", {}).get("phase") != phase:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def sequence(site: Site, namespace: str) -> None:
    """Step to step in one runner, each saved before the next starts. A step does nothing but note the time."""
    note = {"config": {"run": "echo ${EPOCHREALTIME/./} >>times", "shell": "bash"}}
    tell = {"config": {"run": 'echo "times=[$(paste -sd, times)]" >>"$WFE_OUTPUT"'}}
    steps = [{"name": f"s{n}", **note} for n in range(site.options.steps)]
    await site.define(
        namespace, "sequence", [*steps, {"name": "tell", **tell}], outputs={"times": "list<integer>"}
    )
    await site.begin(namespace, "sequence", "one")
    await site.ended(namespace, "one")
    times = (await shown(namespace, "one"))["outputs"]["times"]
    gaps = [(later - earlier) / 1e6 for earlier, later in pairwise(times)]
    show("step to step", gaps, "goal p50 ≤ 15 ms, p99 ≤ 60 ms")


async def shown(namespace: str, name: str) -> dict[str, Any]:
    """Return what `wfe show` tells of an instance: the status holds no large outputs."""
    wfe = str(Path(sys.executable).parent / "wfe")
    process = await asyncio.create_subprocess_exec(
        wfe, "show", "--cluster", "-n", namespace, name, "--output", "json", stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    told: dict[str, Any] = json.loads(out)
    return told


async def writes(site: Site, namespace: str) -> None:
    """Writes that the API server counted for one instance of a few steps, and of many."""
    taken: dict[int, Counter[str]] = {}
    for count in (1, 101):
        workflow = f"writes-{count}"
        await site.define(namespace, workflow, [{"name": f"s{n}", **TRUE} for n in range(count)])
        await asyncio.sleep(2)
        before = await site.writes()
        await site.begin(namespace, workflow, workflow)
        found = await site.ended(namespace, workflow)
        while found["status"].get("active") is not False:
            await asyncio.sleep(0.2)
            found = await site.client.get(INSTANCES, workflow, namespace)
        taken[count] = (await site.writes()) - before
    for count, counts in taken.items():
        ours = {what: n for what, n in counts.items() if _is_ours(what)}
        apart = {
            what: n
            for what, n in ours.items()
            if "leases" in what or "configmaps" in what or "events" in what
        }
        total = sum(ours.values()) - sum(apart.values())
        figure(f"{count} steps", f"{total} writes", f"apart: {apart or 'none'}")
        print(f"      {ours}")
    few, many = (
        sum(n for what, n in taken[count].items() if "workflowinstances" in what) for count in (1, 101)
    )
    figure("a step more", f"{(many - few) / 100:.2f} writes", "goal ≤ 1.2")


def _is_ours(what: str) -> bool:
    """Whether a write is the operator's; the kubelet's and the control plane's are not, nor the one that began it."""
    ours = (
        "workflowinstances/status",
        "POST pods",
        "DELETE pods",
        "PATCH pods",
        "leases",
        "configmaps",
        "events",
    )
    return any(word in what for word in ours) and not what.startswith(
        ("PATCH pods/status", "POST pods/binding")
    )


async def many(site: Site, namespace: str) -> None:
    """Steps without pods, many instances at once."""
    steps = [{"name": f"s{n}", "delay": "1ms"} for n in range(20)]
    await _together(site, namespace, steps, site.options.instances, "goal ≥ 200/s")


async def shells(site: Site, namespace: str) -> None:
    """Shell steps, some instances at once, each in its runner."""
    await _together(site, namespace, [{"name": f"s{n}", **TRUE} for n in range(100)], 10, "")


async def _together(site: Site, namespace: str, steps: list[Step], instances: int, goal: str) -> None:
    await site.define(namespace, "many", steps)
    await asyncio.sleep(1)
    began = time.perf_counter()
    await asyncio.gather(*(site.begin(namespace, "many", f"i{n}") for n in range(instances)))
    await site.all_ended(namespace, instances)
    taken = time.perf_counter() - began
    figure(
        f"{instances} instances of {len(steps)} steps", f"{instances * len(steps) / taken:.0f} steps/s", goal
    )


async def hundred(site: Site, namespace: str) -> None:
    """A workflow of a hundred shell steps, from apply to Complete, its pod included."""
    await site.define(namespace, "hundred", [{"name": f"s{n}", **TRUE} for n in range(100)])
    await asyncio.sleep(1)
    began = time.perf_counter()
    await site.begin(namespace, "hundred", "one")
    await site.ended(namespace, "one")
    figure("100 shell steps", f"{time.perf_counter() - began:.2f} s", "goal ≤ 4 s")


async def waiting(site: Site, namespace: str) -> None:
    """Instances that wait for an event: memory of the operator, and how soon one is ready after a SIGKILL."""
    operator, count = site.operator, site.options.waiting
    if operator is None:
        return
    figure("the operator with nothing to do", f"{operator.megabytes:.0f} MiB")
    await site.define(namespace, "waits", [{"name": "w", "wait_for": {"event": "go", "timeout": "30d"}}])
    await asyncio.sleep(1)
    begun = time.perf_counter()
    for first in range(0, count, 200):
        await asyncio.gather(
            *(site.begin(namespace, "waits", f"w{n}") for n in range(first, min(count, first + 200)))
        )
    while await _waiting(site, namespace) < count:  # noqa: ASYNC110 - somebody else's counting
        await asyncio.sleep(2)
    figure(f"{count} instances begun", f"in {time.perf_counter() - begun:.0f} s")
    await asyncio.sleep(45)
    figure(f"the operator with {count} of them", f"{operator.megabytes:.0f} MiB", "goal ≤ 150 MiB")
    operator.stop(signal.SIGKILL)
    operator = site.start_operator()
    figure("ready after a SIGKILL", f"{await operator.ready():.1f} s", "goal ≤ 5 s")
    await asyncio.sleep(60)
    figure("another one, a minute later", f"{operator.megabytes:.0f} MiB", "goal ≤ 150 MiB")


async def _waiting(site: Site, namespace: str) -> int:
    found = 0
    async for _ in site.client.list(INSTANCES, namespace, fields="status.phase=Running", metadata_only=True):
        found += 1
    return found


PARTS: Final[dict[str, Callable[[Site, str], Awaitable[None]]]] = {
    part.__name__: part for part in (floor, sequence, writes, many, shells, hundred, waiting)
}
