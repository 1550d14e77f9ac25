import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.providers.customresource import INSTANCES, WORKFLOWS

PIZZA = """\
workflow:
  id: pizza
  version: 3
  inputs: {who: string, how_many: {type: integer, default: 1}, with: "list<string>?"}
  steps:
    - name: bake
      config: {run: 'echo "((oven)) for $WHO"'}
"""


@pytest.fixture
def pizza(cluster: Cluster) -> Cluster:
    cluster.wfe("apply", cluster.write(PIZZA), "--var", "oven")
    return cluster


def test_an_instance_has_what_its_user_gave_it(pizza: Cluster) -> None:
    said = pizza.wfe(
        *("submit", "pizza", "--name", "p1", "--input", "who=12", "-i", "how_many=3", "-i", 'with=["ham"]'),
        *("--var", "oven=stone", "--reference", "order-7", "--ttl", "2h"),
    ).stdout

    assert said == "p1: started; `wfe watch p1` follows it\n"
    assert pizza.get(INSTANCES, "p1")["spec"] == {
        "workflowRef": {"name": "pizza"},
        "inputs": {"who": "12", "how_many": 3, "with": ["ham"]},
        "variables": {"oven": "stone"},
        "reference": "order-7",
        "ttlAfterFinished": "2h",
    }


def test_an_instance_without_a_name_is_called_after_its_workflow(pizza: Cluster) -> None:
    pizza.wfe("submit", "pizza", "-i", "who=me")
    pizza.wfe("submit", "pizza", "-i", "who=me")

    names = [item["metadata"]["name"] for item in pizza.all(INSTANCES)]
    assert len(set(names)) == 2
    assert all(name.startswith("pizza-") and len(name) == len("pizza-") + 8 for name in names)


def test_inputs_of_a_file_are_overridden_by_those_of_the_command(pizza: Cluster) -> None:
    file = pizza.write("who: file\nhow_many: 2\n", "inputs.yaml")

    pizza.wfe("submit", "pizza", "--name", "p", "--inputs-file", file, "-i", "who=me")

    assert pizza.get(INSTANCES, "p")["spec"]["inputs"] == {"who": "me", "how_many": 2}


def test_a_file_is_applied_first(cluster: Cluster) -> None:
    result = cluster.wfe("submit", cluster.write(PIZZA), "-i", "who=me", "--var", "oven=gas", "--name", "p")

    assert result.stderr == "workflow/pizza created\n"
    assert cluster.get(WORKFLOWS, "pizza")["spec"]["version"] == 3
    assert cluster.get(INSTANCES, "p")["spec"]["variables"] == {"oven": "gas"}


def test_an_earlier_version_is_left_to_the_operator_to_check(pizza: Cluster) -> None:
    pizza.wfe("submit", "pizza", "--name", "p", "--version", "2")

    assert pizza.get(INSTANCES, "p")["spec"]["workflowRef"] == {"name": "pizza", "version": 2}


def test_an_instance_whose_answer_was_lost_is_found_and_not_refused(pizza: Cluster) -> None:
    pizza.order(pizza.server.faults.lose, verb="create", resource="workflowinstances")

    assert "p: started" in pizza.wfe("submit", "pizza", "--name", "p", "-i", "who=me").stdout


def test_a_workflow_that_says_no_id_has_its_objects_name(cluster: Cluster) -> None:
    cluster.create(WORKFLOWS, "bare", {"steps": [{"name": "one", "config": {"run": "true"}}]})

    assert "b: started" in cluster.wfe("submit", "bare", "--name", "b").stdout


def test_what_was_submitted_is_told_as_json(pizza: Cluster) -> None:
    found = pizza.json("submit", "pizza", "--name", "p", "-i", "who=me", "--reference", "r")

    assert (found["name"], found["namespace"], found["status"]) == ("p", "demo", "Pending")
    assert (found["workflow"], found["reference"], found["steps"]) == ("pizza", "r", [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("pizza", "--input who=…", id="input-missing"),
        pytest.param("pizza -i who=me -i how_many=x", "`how_many`", id="input-of-another-type"),
        pytest.param("pizza -i who=me --ttl soon", "--ttl: ", id="ttl-is-no-duration"),
        pytest.param("pasta", "`wfe apply FILE` puts one there", id="no-such-workflow"),
        pytest.param("pizza -i who=me --name taken", "`wfe watch taken` follows it", id="name-taken"),
        pytest.param("pizza --workflow x", "one of a file's workflows", id="workflow-of-no-file"),
        pytest.param("nowhere.yaml", "cannot be read", id="no-such-file"),
        pytest.param("invalid -i who=me", "spec.stepps: ", id="invalid-in-the-cluster"),
    ],
)
def test_what_cannot_be_submitted_makes_nothing(pizza: Cluster, arguments: str, said: str) -> None:
    pizza.create(INSTANCES, "taken", {"workflowRef": {"name": "other"}})
    pizza.create(WORKFLOWS, "invalid", {"id": "invalid", "stepps": []})

    assert said in pizza.wfe("submit", *arguments.split(), code=2).output
    assert [item["metadata"]["name"] for item in pizza.all(INSTANCES)] == ["taken"]
