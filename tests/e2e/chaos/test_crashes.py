"""Nothing is run twice and nothing is lost, whatever dies."""

import random
import signal
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.e2e.cluster import Cluster, instance, shell, workflow
from tests.e2e.process import Operator, running

KILLS = 20
# A step notes that it ran, in the workspace; a second start of the same attempt would note it again.
NOTE = 'echo "$WFE_STEP $WFE_ATTEMPT" >>ran; echo "line of $WFE_STEP"; sleep 0.2'
TELL = 'echo "ran=$(sort ran | uniq -c | awk \'{print $1 " " $2}\' | paste -sd,)" >>"$WFE_OUTPUT"'


def counted(name: str, steps: int) -> dict[str, Any]:
    noting = [shell(f"s{number}", NOTE) for number in range(steps)]
    return workflow(name, *noting, shell("tell", TELL), outputs={"ran": "string"})


def lines(log: str) -> list[str]:
    """Return what the steps wrote, without the names of the steps."""
    return [line.rpartition(" | ")[2] for line in log.splitlines()]


def ran(status: dict[str, Any]) -> Counter[str]:
    """Return how often each step ran, as the last step counted."""
    pairs = [pair.split(" ") for pair in status["outputs"]["ran"].strip('"').split(",")]
    return Counter({step: int(times) for times, step in pairs})


def test_an_operator_killed_at_random_moments_starts_no_step_twice(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    steps, instances = 40, 4
    cluster.apply(namespace, counted("counted", steps))
    cluster.apply(namespace, *(instance(f"c{number}", "counted") for number in range(instances)))
    moments = random.Random(4)  # noqa: S311  # moments are no secret
    for _ in range(KILLS):
        cluster.run("sleep", str(0.3 + moments.random()))
        operator.kill()
        operator.start(wait=False)
    for number in range(instances):
        status = cluster.ended(namespace, f"c{number}", 180)
        assert status["phase"] == "Complete", status
        assert ran(status) == Counter({f"s{step}": 1 for step in range(steps)})
        log = cluster.wfe("logs", "--cluster", "-n", namespace, f"c{number}").stdout
        assert lines(log) == [f"line of s{step}" for step in range(steps)]


def test_an_operator_killed_at_random_moments_loses_no_line(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    steps = 20
    cluster.apply(namespace, counted("counted", steps), instance("i", "counted"))
    for _ in range(4):
        cluster.run("sleep", "1")
        operator.kill()
        operator.start(wait=False)
    assert cluster.ended(namespace, "i", 180)["phase"] == "Complete"
    log = cluster.wfe("logs", "--cluster", "-n", namespace, "i").stdout
    assert lines(log) == [f"line of s{step}" for step in range(steps)]


def test_a_killed_operator_loses_no_line_of_children_and_of_pods_of_their_own(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    noting = [shell(f"s{number}", 'echo "line of $WFE_STEP"; sleep 0.3') for number in range(6)]
    alone = [shell(f"p{number}", 'echo "line of $WFE_STEP"', isolation="pod") for number in range(3)]
    child = {"name": "child", "type": "workflow", "config": {"workflow": "inner"}}
    cluster.apply(namespace, workflow("inner", *noting), workflow("outer", *alone, child))
    cluster.apply(namespace, instance("i", "outer"))
    moments = random.Random(7)  # noqa: S311  # moments are no secret
    for _ in range(6):
        cluster.run("sleep", str(1 + moments.random()))
        operator.kill()
        operator.start(wait=False)
    assert cluster.ended(namespace, "i", 180)["phase"] == "Complete"
    log = cluster.wfe("logs", "--cluster", "-n", namespace, "i").stdout
    steps = [*(f"p{number}" for number in range(3)), *(f"s{number}" for number in range(6))]
    assert lines(log) == [f"line of {step}" for step in steps]


def test_a_runner_that_is_deleted_mid_step_loses_its_workspace_and_the_instance_says_so(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    cluster.apply(namespace, workflow("long", shell("one", "echo begun; sleep 120")), instance("i", "long"))
    _until_it_runs(cluster, namespace, "i", "one")
    cluster.kubectl("delete", "pods", "-n", namespace, "-l", "wfe.sunbeam.pt/role=runner", "--wait=false")
    status = cluster.ended(namespace, "i")
    assert (status["phase"], status["reason"]) == ("Failed", "WorkspaceLost"), status


def test_a_workflow_that_may_start_over_does_when_its_runner_is_deleted(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    slow_once = 'test -e again && exit 0; sleep "$SECONDS_TO_SLEEP"'
    flow = workflow(
        "again",
        shell("one", slow_once, timeout="1h"),
        inputs={"seconds_to_sleep": {"type": "number", "default": 8}},
        on_workspace_lost="restart",
    )
    cluster.apply(namespace, flow, instance("i", "again"))
    _until_it_runs(cluster, namespace, "i", "one")
    cluster.kubectl("delete", "pods", "-n", namespace, "-l", "wfe.sunbeam.pt/role=runner", "--wait=false")
    assert cluster.ended(namespace, "i")["phase"] == "Complete"


def test_a_step_that_takes_too_much_memory_fails_and_says_so(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    eat = "python3 -c 'x = b\"x\" * (400 << 20)' || exit $?"
    eater = shell("eat", eat, memory="64Mi", image="localhost/debian:testbed")
    cluster.apply(namespace, workflow("eats", eater), instance("i", "eats"))
    status = cluster.ended(namespace, "i")
    assert status["phase"] == "Failed"
    assert "memory" in status["message"] or "SIGKILL" in status["message"], status


def test_an_image_that_does_not_exist_fails_the_instance_and_names_it(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    step = shell("s", "true", image="localhost/there-is-no-such-image:1")
    cluster.apply(namespace, workflow("imageless", step), instance("i", "imageless"))
    status = cluster.ended(namespace, "i", 240)
    assert status["phase"] == "Failed"
    assert "localhost/there-is-no-such-image:1" in status["message"], status


def test_steps_survive_a_kubelet_that_is_stopped_and_started(
    cluster: Cluster, operator: Operator, namespace: str
) -> None:
    del operator
    cluster.apply(namespace, counted("counted", 30), instance("i", "counted"))
    _until_it_runs(cluster, namespace, "i", "s")
    for what in ("stop", "start"):
        subprocess.run(["hack/testbed", "node", what], check=True, env=cluster.environment)
        cluster.run("sleep", "3")
    status = cluster.ended(namespace, "i", 240)
    assert status["phase"] == "Complete", status
    assert set(ran(status).values()) == {1}


def test_a_paused_operator_that_comes_back_does_no_harm_beside_the_one_that_took_over(
    cluster: Cluster, operator: Operator, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cluster.apply(namespace, counted("counted", 60), instance("i", "counted"))
    _until_it_runs(cluster, namespace, "i", "s")
    operator.send(signal.SIGSTOP)
    try:
        with running(cluster, tmp_path_factory.mktemp("second"), name="second"):
            before = cluster.status(namespace, "i")["progress"]
            cluster.until(
                lambda: cluster.status(namespace, "i")["progress"] != before, what="nobody takes over"
            )
            operator.send(signal.SIGCONT)
            status = cluster.ended(namespace, "i", 180)
    finally:
        operator.send(signal.SIGCONT)
    assert status["phase"] == "Complete", status
    assert set(ran(status).values()) == {1}


def test_sixty_instances_at_once_all_complete(cluster: Cluster, operator: Operator, namespace: str) -> None:
    del operator
    cluster.apply(
        namespace, workflow("short", shell("one", "echo x=1 >>$WFE_OUTPUT"), shell("two", "test $X = 1"))
    )
    cluster.apply(namespace, *(instance(f"i{number}", "short") for number in range(60)))
    for number in range(60):
        assert cluster.ended(namespace, f"i{number}", 240)["phase"] == "Complete"


def test_a_namespace_that_is_deleted_while_instances_run_goes_away(
    cluster: Cluster, operator: Operator
) -> None:
    del operator
    with cluster.namespace("doomed") as doomed:
        isolated = shell("alone", "sleep 120", isolation="pod")
        cluster.apply(doomed, workflow("long", shell("one", "sleep 120")), workflow("alone", isolated))
        cluster.apply(doomed, instance("i", "long"), instance("j", "alone"))
        _until_it_runs(cluster, doomed, "i", "one")
        _until_it_runs(cluster, doomed, "j", "alone")
        cluster.kubectl("delete", "namespace", doomed, "--wait=false")
        cluster.until(
            lambda: not cluster.kubectl("get", "namespace", doomed, "--ignore-not-found"),
            120,
            "it does not go",
        )
        # The cluster fixture deletes what it made; there is nothing left of it now.
        cluster.kubectl("create", "namespace", doomed)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            {"engine": {"head": "nonsense", "revision": 3}, "active": True, "phase": "Running"}, id="no-json"
        ),
        pytest.param(
            {"engine": {"head": '{"form":99}', "revision": 1}, "active": True}, id="of-a-later-version"
        ),
        pytest.param({"active": True, "phase": "Running"}, id="no-engine"),
    ],
)
def test_an_object_edited_by_hand_stops_no_other(
    cluster: Cluster, operator: Operator, namespace: str, broken: dict[str, Any]
) -> None:
    import json  # noqa: PLC0415

    cluster.apply(
        namespace, workflow("waits", {"name": "w", "wait_for": {"event": "go"}}), instance("bad", "waits")
    )
    cluster.until(lambda: cluster.status(namespace, "bad").get("phase") == "Running")
    patch = json.dumps({"status": broken})
    cluster.kubectl(
        "patch", "-n", namespace, "wfi", "bad", "--subresource=status", "--type=merge", "-p", patch
    )
    operator.kill()
    operator.start()
    cluster.apply(namespace, workflow("fine", shell("one", "true")), instance("good", "fine"))
    assert cluster.ended(namespace, "good")["phase"] == "Complete"
    assert operator.is_alive


def _until_it_runs(cluster: Cluster, namespace: str, name: str, step: str) -> None:
    def runs() -> bool:
        running_now = cluster.status(namespace, name).get("running", [])
        return any(one["step"].startswith(step) and one["status"] == "Running" for one in running_now)

    cluster.until(runs, what=f"step {step} of {name} does not run")
    # The status says so when it is saved; the process itself takes a pod.
    cluster.run("sleep", "4")
