"""Inputs at the start, outputs at the end."""

from typing import Any

import pytest

from wfe.graph.fields import InputsInvalid, check_outputs, coerce_inputs, resolve_inputs
from wfe.graph.graph import Field, Graph
from wfe.graph.node import Node, SequenceSpec
from wfe.model.instance import WorkflowRef


def graph(*, inputs: dict[str, Any] | None = None, outputs: dict[str, str] | None = None) -> Graph:
    """Return a workflow with these fields: a type, or a type and a default."""
    root = Node(path="", name="", type="sequence", spec=SequenceSpec(), hidden=True)
    return Graph(
        workflow=WorkflowRef("w", 1, "digest"),
        root=root,
        inputs={
            name: Field(name=name, type=of, default=None)
            if isinstance(of, str)
            else Field(name=name, type=of[0], default=of[1], has_default=True)
            for name, of in (inputs or {}).items()
        },
        outputs={name: Field(name=name, type=of) for name, of in (outputs or {}).items()},
    )


@pytest.mark.parametrize(
    ("inputs", "given", "variables", "expected"),
    [
        pytest.param({"x": "string"}, {"x": "a"}, {"x": "b"}, {"x": "a"}, id="given-before-variable"),
        pytest.param({"x": ("string", "c")}, {}, {"x": "b"}, {"x": "b"}, id="variable-before-default"),
        pytest.param({"x": ("string", "c")}, {}, {}, {"x": "c"}, id="default"),
        pytest.param({"x": "string?"}, {}, {}, {"x": None}, id="optional"),
        pytest.param({}, {"y": [1]}, {"z": 1}, {"y": [1]}, id="undeclared-ones-stay-and-variables-stay-out"),
        pytest.param({"x": "string"}, {"x": 5}, {}, {"x": "5"}, id="a-declared-string-is-text"),
    ],
)
def test_inputs_are_filled(inputs: Any, given: Any, variables: Any, expected: Any) -> None:
    assert resolve_inputs(graph(inputs=inputs), given, variables) == expected


def test_everything_wrong_with_inputs_is_told_at_once() -> None:
    declared = graph(inputs={"a": "string", "b": "integer", "c": "list<bool>"})
    with pytest.raises(InputsInvalid) as raised:
        resolve_inputs(declared, {"b": 1.5, "c": [True, 1]}, {})
    assert raised.value.problems == [
        "input `a` (string) is missing; give it a value",
        "input `b` is 1.5, and not an integer",
        "input `c` has at `1` a value that is 1, and not a bool",
    ]
    assert raised.value.told(lambda name: f"type {name}")[0] == "input `a` (string) is missing; type a"


def test_texts_mean_values_by_their_declared_types() -> None:
    declared = graph(inputs={"s": "string", "n": "integer", "l": "list<integer>"})
    texts = {"s": "007", "n": "7", "l": "[1]", "other": "true", "more": "text"}
    assert coerce_inputs(declared, texts) == {"s": "007", "n": 7, "l": [1], "other": True, "more": "text"}


@pytest.mark.parametrize(
    ("outputs", "data", "expected", "problems"),
    [
        pytest.param({"x": "number"}, {"x": 1, "y": 2}, {"x": 1}, [], id="declared-ones-only"),
        pytest.param({"x": "string"}, {"x": 1.0}, {"x": "1.0"}, [], id="text-as-written"),
        pytest.param({"x": "number?"}, {}, {"x": None}, [], id="optional"),
        pytest.param(
            {"x": "number"}, {}, {}, ["output `x` (number) was never put out by a step"], id="missing"
        ),
        pytest.param(
            {"x": "bool"}, {"x": "yes"}, {"x": "yes"}, ['output `x` is "yes", and not a bool'], id="ill-typed"
        ),
    ],
)
def test_outputs_are_checked(outputs: Any, data: Any, expected: Any, problems: list[str]) -> None:
    assert check_outputs(graph(outputs=outputs), data) == (expected, problems)
