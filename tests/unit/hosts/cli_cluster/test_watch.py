"""Following instances that somebody works on while we look."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.hosts.cli_cluster.cluster import NAMESPACE, Cluster
from tests.unit.hosts.cli_cluster.test_show import plain
from wfe.hosts.cli.cluster.looks import Look, unbegun
from wfe.hosts.cli.cluster.phases import phase
from wfe.hosts.cli.cluster.telling import Told
from wfe.hosts.embedded.view import StepView
from wfe.model.record import InstanceChanged, Lifecycle, StepChanged
from wfe.model.status import InstanceStatus, StepStatus
from wfe.providers.customresource import INSTANCES
from wfe.testing.apiserver import ApiServer

GO = """
workflows:
  - id: go
    version: 1
    outputs: {said: string}
    steps:
      - name: first
        config: {run: "true"}
      - name: gate
        wait_for: {event: go, key: on}
      - name: call
        type: workflow
        config: {workflow: inner}
  - id: inner
    version: 1
    steps:
      - name: last
        config: {run: 'echo "said=hi" >> "$WFE_OUTPUT"'}
"""
WATCHED = """\
CLOCK go v1, instance g1 (ID)
CLOCK first: Running
CLOCK first: Complete after TOOK
CLOCK gate: Waiting
CLOCK gate: Complete after TOOK
CLOCK call: Running
CLOCK call/last: Running
CLOCK call/last: Complete after TOOK
CLOCK call: Complete after TOOK
g1: Complete after TOOK
  said: hi
"""
WORKERS_WATCHES, OURS = 2, 2


def without_times(text: str) -> str:
    return plain(re.sub(r"^\d\d:\d\d:\d\d\.\d{3} ", "CLOCK ", text, flags=re.MULTILINE))


def waits_at(step: str) -> Callable[[ApiServer], bool]:
    """Return whether an instance waits at a step."""

    def waits(server: ApiServer) -> bool:
        return any(
            running["step"] == step and running["status"] == "Waiting"
            for item in server.objects.all(INSTANCES, NAMESPACE)
            for running in item.get("status", {}).get("running") or ()
        )

    return waits


@contextmanager
def meanwhile(cluster: Cluster, watches: int, act: Callable[[], object]) -> Iterator[None]:
    """Do something once so many watch."""

    def acting() -> None:
        cluster.until(lambda server: server.watching >= watches)
        act()

    thread = threading.Thread(target=acting)
    thread.start()
    yield
    thread.join()


def test_an_instance_is_followed_to_its_end(cluster: Cluster) -> None:
    with cluster.working() as worker:
        worker.start(cluster.write(GO), "g1")
        cluster.until(waits_at("gate"))
        with meanwhile(
            cluster, WORKERS_WATCHES + OURS, lambda: worker.do(lambda host: host.publish("go", "on"))
        ):
            shown = cluster.wfe("watch", "g1", "-o", "plain").stdout

    assert without_times(shown) == WATCHED


def test_the_document_is_printed_at_the_end_and_the_rest_goes_to_stderr(cluster: Cluster) -> None:
    with cluster.working() as worker:
        worker.start(cluster.write(GO), "g1")
        worker.do(lambda host: host.publish("go", "on"))
        result = cluster.wfe("watch", "g1", "-o", "json")

    assert '"status": "Complete"' in result.stdout
    assert "call/last: Complete" in result.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        pytest.param("config: {run: 'true'}", 0, "x: Complete", id="complete"),
        pytest.param("config: {run: 'exit 3'}", 1, "`wfe retry x --cluster` does the rest", id="failed"),
        pytest.param(
            "config: {run: 'exit 3'}, error_behavior: {type: suspend}",
            3,
            "`wfe resume x --cluster` goes on",
            id="suspended",
        ),
        pytest.param("end: {status: Terminated, message: enough}", 4, "enough", id="terminated"),
    ],
)
def test_the_exit_code_says_how_it_ended(cluster: Cluster, text: str, code: int, said: str) -> None:
    file = cluster.write(f"workflow: {{id: w, version: 1, steps: [{{name: one, {text}}}]}}")
    with cluster.working() as worker:
        worker.start(file, "x")

        assert said in cluster.wfe("watch", "x", "-o", "plain", code=code).stdout


def test_a_cancellation_waits_until_it_has_stopped(cluster: Cluster) -> None:
    with cluster.working() as worker:
        worker.start(cluster.write(GO), "g1")
        cluster.until(waits_at("gate"))
        # There is no operator, so somebody else does what the spec wants.
        with meanwhile(cluster, WORKERS_WATCHES + OURS, lambda: worker.do(lambda host: host.cancel("g1"))):
            shown = cluster.wfe("cancel", "g1").stdout

    assert shown.endswith("gate: Cancelled after TOOK\ng1: Terminated\n") or "g1: Terminated" in shown
    assert cluster.get(INSTANCES, "g1")["spec"]["desiredState"] == "Terminated"


def test_an_instance_that_does_not_begin_says_why_and_is_waited_for(cluster: Cluster) -> None:
    cluster.create(INSTANCES, "waits", {"workflowRef": {"name": "w"}})
    cluster.status("waits", active=True, phase="Pending", message="there is no workflow `w`")

    with meanwhile(cluster, OURS, lambda: cluster.status("waits", phase="Terminated", message="not begun")):
        shown = cluster.wfe("watch", "waits", "-o", "plain", code=4).stdout

    assert "waits: Pending: there is no workflow `w`" in shown
    assert shown.endswith("waits: Terminated: not begun\n")


def test_an_instance_that_somebody_deletes_is_said_to_be_gone(cluster: Cluster) -> None:
    cluster.create(INSTANCES, "waits", {"workflowRef": {"name": "w"}})

    with meanwhile(cluster, OURS, lambda: cluster.delete(INSTANCES, "waits")):
        said = cluster.wfe("watch", "waits", "-o", "plain", code=2).stderr

    assert "there is no instance `waits`" in said


def test_ctrl_c_ends_the_watching_and_not_the_instance(cluster: Cluster) -> None:
    cluster.create(INSTANCES, "waits", {"workflowRef": {"name": "w"}})
    before = cluster.get(INSTANCES, "waits")

    with meanwhile(cluster, OURS, lambda: os.kill(os.getpid(), signal.SIGINT)):
        said = cluster.wfe("watch", "waits", code=130).stderr

    assert "waits goes on in the cluster" in said
    assert "`wfe cancel waits --cluster` stops it" in said
    assert cluster.get(INSTANCES, "waits") == before


def test_a_server_that_does_not_answer_for_a_while_is_asked_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wfe.hosts.cli.cluster.watching.LONGEST_PAUSE", 0.05)
    monkeypatch.setattr("wfe.hosts.cli.cluster.room.PATIENCE_SECONDS", 0.0)
    cluster.create(INSTANCES, "waits", {"workflowRef": {"name": "w"}})

    def fall_over() -> None:
        cluster.order(cluster.server.faults.answer, 503, times=3, verb="get", resource="workflowinstances")
        cluster.status("waits", phase="Terminated")

    with meanwhile(cluster, OURS, fall_over):
        shown = cluster.wfe("watch", "waits", "-o", "plain", code=4).stdout

    assert shown.count("looking again") == 1


# -- what is told of two looks ---------------------------------------------------------------------------------

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_look(*steps: StepView, status: InstanceStatus = InstanceStatus.RUNNING) -> Look:
    found = phase({"metadata": {"name": "x"}, "status": {"phase": status.value}})
    return Look(found, unbegun(found), steps)


def a_step(status: StepStatus, path: str = "one", **more: object) -> StepView:
    return replace(StepView(path=path, name=path, type="shell", status=status), **more)  # type: ignore[arg-type]


def said(news: list[Lifecycle]) -> list[str]:
    return [
        f"{change.path} {change.status}" if isinstance(change, StepChanged) else str(change.status)
        for change in news
    ]


SOON, LATER = NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)
RUNNING = a_step(StepStatus.RUNNING, attempts=1, started=NOON)
DONE = a_step(StepStatus.COMPLETE, attempts=1, started=NOON, finished=SOON)


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        pytest.param([[a_step(StepStatus.PENDING)]], [], id="what-was-not-reached-is-not-told"),
        pytest.param([[RUNNING]], ["one Running"], id="running"),
        pytest.param([[RUNNING], [RUNNING]], ["one Running"], id="once"),
        pytest.param([[RUNNING], [DONE]], ["one Running", "one Complete"], id="ended"),
        pytest.param([[DONE]], ["one Running", "one Complete"], id="a-start-that-was-missed"),
        pytest.param([[a_step(StepStatus.SKIPPED, finished=SOON)]], ["one Skipped"], id="what-never-started"),
        pytest.param(
            [[RUNNING], [replace(RUNNING, attempts=2)]], ["one Running", "one Running"], id="another-attempt"
        ),
        pytest.param(
            [[DONE], [DONE, replace(DONE, started=SOON, finished=LATER)]],
            ["one Running", "one Complete"] * 2,
            id="a-second-visit",
        ),
        pytest.param(
            [[DONE, a_step(StepStatus.RUNNING, "two", attempts=1, started=SOON)]],
            ["one Running", "one Complete", "two Running"],
            id="in-the-order-of-time",
        ),
    ],
)
def test_what_happened_between_two_looks_is_told_once(looks: list[list[StepView]], told: list[str]) -> None:
    teller = Told()
    news = [change for steps in looks for change in teller.news(a_look(*steps), now=LATER)]

    assert [words for words in said(news) if words != "Running"] == told


def test_a_suspension_is_told_with_its_reason() -> None:
    teller = Told()
    teller.news(a_look(), now=NOON)

    (change,) = teller.news(a_look(status=InstanceStatus.SUSPENDED), now=NOON)

    assert isinstance(change, InstanceChanged)
    assert change.status is InstanceStatus.SUSPENDED
