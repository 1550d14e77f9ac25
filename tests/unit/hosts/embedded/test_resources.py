import pytest

from wfe.hosts.embedded.resources import resource_name
from wfe.hosts.embedded.schema import file_schema


@pytest.mark.parametrize(
    ("workflow", "name"),
    [("deploy", "deploy"), ("Deploy_It", "deploy-it"), ("--", "workflow"), ("x" * 80, "x" * 63)],
)
def test_a_resource_has_a_name_that_kubernetes_takes(workflow: str, name: str) -> None:
    assert resource_name(workflow) == name


def test_the_schema_says_what_a_file_has() -> None:
    schema = file_schema()

    assert set(schema["properties"]) == {"workflow", "workflows", "include", "_templates"}
    assert "steps" in schema["$defs"]["Workflow"]["properties"]
