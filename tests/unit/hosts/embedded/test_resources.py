from typing import Any

import pytest
import yaml

from wfe.hosts.embedded.resources import as_yaml, resource_name
from wfe.hosts.embedded.schema import file_schema


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": 1, "b": 2.5, "c": True, "d": None}, id="scalars"),
        pytest.param({"a": "yes", "b": "1.10", "c": "null", "d": "", "e": "x: y", "f": "# no"}, id="texts"),
        pytest.param(
            {"a": "- x", "b": "12e3", "c": "0x1f", "d": "~", "e": "2026-01-01", "f": "=", "g": "<<"},
            id="traps",
        ),
        pytest.param({"yes": 1, "on": 2, "a b": 3, "1": 4}, id="keys"),
        pytest.param({"run": "set -e\n\necho a\n  echo b\n"}, id="script"),
        pytest.param({"run": "set -e\necho a"}, id="script-without-a-last-newline"),
        pytest.param({"run": "a\n\n\n"}, id="script-with-more-newlines"),
        pytest.param({"run": "  a\nb"}, id="script-that-begins-indented"),
        pytest.param({"run": "a \nb"}, id="script-with-a-trailing-space"),
        pytest.param({"run": "a\n\tb\nc\x1b[1m"}, id="script-with-control-characters"),
        pytest.param(
            {"steps": [{"name": "a", "config": {"run": "x"}}, {"name": "b", "args": ["-x", []]}]}, id="steps"
        ),
        pytest.param({"a": [], "b": {}, "c": [[1, [2]], {}]}, id="empty-and-nested"),
        pytest.param({"a": "ünï 漢字 \u2028 \U0001f600", "b": "a\rb"}, id="unicode"),
    ],
)
def test_what_is_written_is_read_again(value: dict[str, Any]) -> None:
    assert yaml.safe_load(as_yaml(value)) == value


def test_scripts_stay_readable() -> None:
    assert as_yaml({"a": [{"run": "x\ny\n", "m": 1}]}) == "a:\n  - run: |\n      x\n      y\n    m: 1\n"


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
