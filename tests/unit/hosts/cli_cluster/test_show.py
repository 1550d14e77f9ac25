"""What people see of instances, as golden texts."""

import re

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.providers.customresource import INSTANCES

ORDER = """
workflows:
  - id: order
    version: 2
    inputs: {who: string}
    outputs: {total: integer}
    steps:
      - name: look
        config: {run: 'echo "total=3" >> "$WFE_OUTPUT"'}
      - name: each
        for_each: {items: [a, b], as: it, max_parallel: 1, steps: [{name: add, config: {run: "echo ((it))"}}]}
      - name: ship
        type: workflow
        config: {workflow: shipping}
      - name: check
        config: {run: "exit 4"}
      - name: never
        config: {run: "true"}
  - {id: shipping, version: 1, steps: [{name: pack, config: {run: "echo packed"}}]}
"""
SHOWN = """\
status     Failed
name       o1
id         ID
workflow   order v2
reason     ExitCode
error      step `check`: exited with code 4
started    TIME
trace      ID
namespace  demo
progress   6/6

steps
  ✓ look  TOOK
  ✓ each  TOOK
    ✓ [0]/add  TOOK
    ✓ [1]/add  TOOK
  ✓ ship  TOOK
    ✓ pack  TOOK
  ✗ check  TOOK  exited with code 4
  · never

data
  total: 3
  who: me
"""


def plain(text: str) -> str:
    """Leave out what is different each time."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    return re.sub(r"\b(\d+m)?\d+(\.\d+)?m?s\b", "TOOK", text)


def test_an_instance_is_shown_with_its_children_and_its_whole_history(cluster: Cluster) -> None:
    file = cluster.write(ORDER)
    with cluster.working() as worker:
        worker.run(file, "o1", who="me")

    assert plain(cluster.wfe("show", "o1").stdout) == SHOWN


def test_the_document_of_an_instance_is_that_of_a_laptop_and_says_where_it_is(cluster: Cluster) -> None:
    file = cluster.write(ORDER)
    with cluster.working() as worker:
        worker.run(file, "o1", who="me")
        described = worker.do(lambda host: host.describe("o1"))

    assert cluster.json("show", "o1") == {**described, "namespace": "demo"}


def test_a_history_in_many_chunks_is_shown_wholly(cluster: Cluster) -> None:
    text = """
workflow:
  id: long
  version: 1
  steps:
    - name: each
      for_each: {items: "((all))", as: n, max_parallel: 8, steps: [{name: wait, delay: 1ms}]}
  inputs: {all: list<integer>}
"""
    with cluster.working() as worker:
        worker.run(cluster.write(text), "l1", all=list(range(300)))

    assert cluster.get(INSTANCES, "l1")["status"]["engine"]["history"]
    assert sum("/wait" in line for line in cluster.wfe("show", "l1").stdout.splitlines()) == 300


def test_an_instance_is_found_by_its_id_too(cluster: Cluster) -> None:
    made = cluster.create(INSTANCES, "mine", {"workflowRef": {"name": "w"}})
    made_by_operator = {"wfe.sunbeam.pt/id": "0" * 32}
    cluster.create(INSTANCES, "child", {"workflowRef": {"name": "w"}}, labels=made_by_operator)

    assert cluster.json("show", made["metadata"]["uid"])["name"] == "mine"
    assert cluster.json("show", "0" * 32)["name"] == "child"
    cluster.wfe("suspend", made["metadata"]["uid"])
    assert cluster.get(INSTANCES, "mine")["spec"]["desiredState"] == "Suspended"


def test_an_instance_that_has_not_begun_says_why(cluster: Cluster) -> None:
    cluster.create(INSTANCES, "waits", {"workflowRef": {"name": "nowhere"}})
    cluster.status(
        "waits", phase="Pending", reason="WorkflowNotFound", message="there is no workflow `nowhere`"
    )

    assert plain(cluster.wfe("show", "waits").stdout).splitlines()[:6] == [
        "status     Pending",
        "name       waits",
        "id         00000000-0000-4000-8000-000000000001",
        "workflow   nowhere",
        "reason     WorkflowNotFound",
        "message    there is no workflow `nowhere`",
    ]


LISTED = """\
NAME  WORKFLOW  STATUS    PROGRESS  STEP           STARTED  TOOK
c     deploy    Pending                            TIME
b     order v2  Failed    3/7       ExitCode       TIME     TOOK
a     order v2  Running   2/7       build/one +1   TIME
"""


@pytest.fixture
def some(cluster: Cluster) -> Cluster:
    order = {"name": "order", "version": 2}
    cluster.create(INSTANCES, "a", {"workflowRef": {"name": "order"}, "reference": "r"})
    cluster.status("a", phase="Running", progress="2/7", step="build/one +1", workflow=order)
    cluster.create(INSTANCES, "b", {"workflowRef": {"name": "order"}})
    cluster.status(
        "b",
        phase="Failed",
        progress="3/7",
        reason="ExitCode",
        message="exit code 1",
        workflow=order,
        startedAt="2026-01-01T00:00:00Z",
        finishedAt="2026-01-01T00:01:05Z",
        duration="1m5s",
    )
    cluster.create(INSTANCES, "c", {"workflowRef": {"name": "deploy"}})
    cluster.create(INSTANCES, "child", {"workflowRef": {"name": "x"}, "parent": {"name": "a", "id": "i"}})
    return cluster


def test_instances_are_listed_newest_first(some: Cluster) -> None:
    shown = re.sub(r"  +", "  ", plain(some.wfe("list").stdout))

    assert shown == re.sub(r"  +", "  ", LISTED)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param("", ["c", "b", "a"], id="roots"),
        pytest.param("--all", ["child", "c", "b", "a"], id="children-too"),
        pytest.param("--status Failed --status Pending", ["c", "b"], id="by-status"),
        pytest.param("--workflow order", ["b", "a"], id="by-workflow"),
        pytest.param("--reference r", ["a"], id="by-reference"),
        pytest.param("--limit 1", ["c"], id="the-newest"),
        pytest.param("-A", ["c", "b", "a"], id="everywhere"),
        pytest.param("-n other", [], id="another-namespace"),
    ],
)
def test_instances_are_chosen(some: Cluster, arguments: str, names: list[str]) -> None:
    assert some.wfe("list", "-o", "name", *arguments.split()).stdout.split() == names


def test_a_list_is_told_as_json(some: Cluster) -> None:
    (found,) = some.json("list", "--status", "Failed")

    created = found.pop("created")
    assert created.endswith("Z")
    assert found == {
        "id": "00000000-0000-4000-8000-000000000002",
        "name": "b",
        "namespace": "demo",
        "workflow": "order",
        "version": 2,
        "status": "Failed",
        "reason": "ExitCode",
        "progress": "3/7",
        "step": None,
        "reference": None,
        "error": "exit code 1",
        "finished": "2026-01-01T00:01:05Z",
        "parent": None,
    }


def test_what_a_hand_wrote_into_an_object_stops_no_list(some: Cluster) -> None:
    some.create(INSTANCES, "odd", {"workflowRef": 7, "parent": [], "resumes": "x", "desiredState": {}})
    some.status("odd", phase=3, workflow="w", engine=[], startedAt="yesterday", finishedAt=7)

    assert "odd" in some.wfe("list", "-o", "name").stdout.split()
    assert "Pending" in some.wfe("show", "odd").stdout


def test_no_instances_are_said_with_the_way_to_one(cluster: Cluster) -> None:
    result = cluster.wfe("list")

    assert (result.stdout, result.stderr) == ("", "no instances; `wfe submit WORKFLOW` starts one\n")
