"""Every verb against a real cluster with a real operator."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.e2e.cli.typed import Typed
from tests.e2e.cluster import WFE, Cluster

pytestmark = pytest.mark.e2e

TOUR = """
workflows:
  - id: tour
    version: 1
    inputs: {who: string}
    outputs: {total: integer}
    steps:
      - name: greet
        config: {run: 'echo "hello $WHO"; echo oops >&2'}
      - name: each
        for_each:
          items: [a, b, c]
          as: it
          steps:
            - {name: say, config: {run: 'for i in 1 2 3; do echo "((it)) $i"; sleep 0.4; done'}}
      - name: alone
        isolation: pod
        config: {run: 'echo isolated; echo total=5 >> "$WFE_OUTPUT"'}
      - name: ship
        type: workflow
        config: {workflow: packing}
  - {id: packing, version: 1, steps: [{name: pack, config: {run: "echo packed"}}]}
"""
WRITTEN = sorted(
    ["greet | hello Ada", "greet | oops", "alone | isolated", "ship/pack | packed"]
    + [f"each[{number}]/say | {letter} {i}" for number, letter in enumerate("abc") for i in (1, 2, 3)]
)
CLOCK = re.compile(r"^\d\d:\d\d:\d\d\.\d{3} ")


def written(text: str) -> list[str]:
    """Return what steps wrote, without times; a child's steps stand under the step that started it."""
    lines = [CLOCK.sub("", line) for line in text.splitlines() if " | " in line]
    return sorted(line if not line.startswith("pack |") else f"ship/{line}" for line in lines)


def test_a_file_is_applied_run_and_followed_with_every_line_once(typed: Typed) -> None:
    file = typed.write("tour.yaml", TOUR)

    done = typed("submit", file, "-i", "who=Ada", "--name", "tour-1", "--logs")

    assert written(done.stdout) == WRITTEN
    assert done.stdout.endswith("  total: 5\n")
    assert "workflow/packing created\nworkflow/tour created\n" in done.stderr
    assert typed("apply", file).stdout == "workflow/packing unchanged\nworkflow/tour unchanged\n"
    assert written(typed("logs", "tour-1").stdout) == WRITTEN
    assert typed("logs", "tour-1", "--step", "pack").stdout == "packed\n"
    shown = typed.json("show", "tour-1")
    assert (shown["status"], shown["outputs"], shown["namespace"]) == (
        "Complete",
        {"total": 5},
        typed.namespace,
    )
    assert {step["path"]: step["status"] for step in shown["steps"]} == dict.fromkeys(
        ["greet", "each", *(f"each[{n}]/say" for n in range(3)), "alone", "ship", "ship/pack"], "Complete"
    )
    assert "tour-1" in typed("list", "-o", "name", "--workflow", "tour").stdout.split()


def test_a_log_is_followed_while_it_runs(typed: Typed) -> None:
    typed("apply", typed.write("tour.yaml", TOUR))
    typed("submit", "tour", "-i", "who=Ada", "--name", "tour-2")

    assert written(typed("logs", "tour-2", "-f").stdout) == WRITTEN


ENDS = {
    "complete": ("config: {run: 'true'}", 0),
    "failed": ("config: {run: 'exit 3'}", 1),
    "suspended": ("config: {run: 'exit 3'}, error_behavior: {type: suspend}", 3),
    "terminated": ("end: {status: Terminated, message: enough}", 4),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_exit_code_is_that_of_wfe_run(typed: Typed, end: str) -> None:
    step, code = ENDS[end]
    file = typed.write(
        f"{end}.yaml", f"workflow: {{id: ends-{end}, version: 1, steps: [{{name: one, {step}}}]}}"
    )

    assert end.capitalize() in typed("submit", file, "--wait", code=code).stdout


STEERED = """
workflow:
  id: steered
  version: 1
  steps:
    - name: once
      config: {run: 'test -e been || { touch been; exit 3; }'}
      error_behavior: {type: suspend}
    - name: gate
      wait_for: {event: go, key: here}
    - name: last
      config: {run: 'echo "$BY"'}
"""


def test_an_instance_is_steered_from_the_command_line(typed: Typed) -> None:
    typed("submit", typed.write("steered.yaml", STEERED), "--name", "s1", "--wait", code=3)
    typed("suspend", "s1")
    typed("resume", "s1")
    typed.until_waits("s1", "gate")
    watching = typed.start("watch", "s1", "-o", "plain", "--logs")
    typed("publish", "go", "here", '{"by": "Grace"}')
    shown, _ = watching.communicate(timeout=240)

    assert (watching.returncode, "last | Grace" in shown) == (0, True), shown


def test_what_was_cancelled_is_retried_with_what_it_had(typed: Typed) -> None:
    text = """
workflow:
  id: twice
  version: 1
  steps:
    - name: first
      config: {run: 'echo token=$WFE_INSTANCE >> "$WFE_OUTPUT"'}
    - name: second
      wait_for: {event: never, key: k}
"""
    typed("submit", typed.write("twice.yaml", text), "--name", "t1")
    typed.until_waits("t1", "second")
    assert "t1: Terminated" in typed("cancel", "t1").stdout
    token = typed.json("show", "t1")["data"]["token"]

    typed("retry", "t1", "--name", "t2")
    typed.until_waits("t2", "second")

    assert typed.json("show", "t2")["data"]["token"] == token
    typed("cancel", "t2")


def test_an_activity_is_done_by_an_outside_worker(typed: Typed) -> None:
    text = (
        "workflow: {id: asks, version: 1, steps: [{name: ask, activity: {name: approval, params: {sum: 3}}}]}"
    )
    typed("submit", typed.write("asks.yaml", text), "--name", "a1")

    claim = json.loads(typed("activity", "fetch", "approval", "--wait", "30").stdout)
    typed("activity", "complete", claim["token"], '{"approved": true}')

    assert claim["params"] == {"sum": 3}
    assert typed.json("watch", "a1")["data"]["approved"] is True


def test_the_rules_of_the_api_are_told_by_line_and_column(typed: Typed) -> None:
    steps = ", ".join(f"{{name: s{number}, delay: 1s}}" for number in range(3))
    file = typed.write("odd.yaml", f"workflow:\n  id: odd\n  version: 1\n  stepps: [{steps}]\n")

    assert f"{file}:4:3: " in typed("apply", file, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("list", "may not list workflowinstances.wfe.sunbeam.pt"),
        ("publish e k", "ClusterRole `wfe-edit`"),
        ("show x", "ClusterRole `wfe-view`"),
    ],
)
def test_who_may_not_do_it_is_told_which_role_is_missing(
    typed: Typed, nobody: Typed, arguments: str, words: str
) -> None:
    assert words in nobody(*arguments.split(), code=2).stderr


@pytest.fixture(scope="module")
def nobody(typed: Typed) -> Typed:
    return typed.as_user("nobody")


def test_a_namespace_that_is_not_there_is_said_to_be_missing(typed: Typed) -> None:
    file = typed.write("tour.yaml", TOUR)
    done = typed.cluster.wfe("apply", file, "-n", "not-there")

    assert (done.returncode, "kubectl create namespace not-there" in done.stderr) == (2, True), done.stderr


def test_ctrl_c_leaves_the_instance_alone(typed: Typed) -> None:
    text = "workflow: {id: waits, version: 1, steps: [{name: one, wait_for: {event: e, key: k}}]}"
    typed("submit", typed.write("waits.yaml", text), "--name", "w1")
    typed.until_waits("w1", "one")
    watching = typed.start("watch", "w1", "-o", "plain")
    assert watching.stdout is not None
    watching.stdout.readline()
    watching.terminate()
    said, _ = watching.communicate(timeout=240)

    assert (watching.returncode, "goes on in the cluster" in said) == (130, True), said
    assert typed.json("show", "w1")["status"] == "Running"
    typed("cancel", "w1")


def test_kubectl_has_it_as_a_plugin(typed: Typed) -> None:
    path = f"{Path(WFE).parent}{os.pathsep}{typed.cluster.environment['PATH']}"
    plugged = Cluster({**typed.cluster.environment, "PATH": path})

    said = plugged.kubectl("wfe", "show", "nothing", "-n", typed.namespace, check=False)

    assert f"`kubectl wfe list -n {typed.namespace}` shows those there are" in said
