"""One mistake hides no other, and makes up none."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfe.definition import field_path, read_workflow, read_workflows
from wfe.definition.source import SourceUnknown, model_from_source

RUN = {"run": "true"}


def found(*steps: Any, **more: Any) -> list[str]:
    raw = {"id": "a", "steps": list(steps), **more}
    before = copy.deepcopy(raw)
    findings = read_workflow(raw).findings
    assert raw == before
    return [f"{field_path(finding.where)}: {finding.what}" for finding in findings]


def test_a_valid_workflow_has_nothing_wrong() -> None:
    assert found({"name": "x", "config": RUN}) == []


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            [{"name": "x", "tiemout": 1, "config": {"run": "((nope))", "memry": 1}}],
            [
                "steps[0].tiemout: there is no key `tiemout` here",
                "steps[0].config.memry: there is no key `memry` here",
                "steps[0].config.run: `((nope))` names nothing that is known here",
            ],
            id="shape-configuration-and-names-at-once",
        ),
        pytest.param(
            [{"name": "x", "outptus": ["o"], "config": RUN}, {"name": "y", "config": {"run": "((o))"}}],
            ["steps[0].outptus: there is no key `outptus` here"],
            id="a-typo-of-outputs-makes-no-name-unknown",
        ),
        pytest.param(
            [{"nmae": "x", "config": RUN}],
            ["steps[0].nmae: there is no key `nmae` here"],
            id="a-typo-of-name-makes-no-step-nameless",
        ),
        pytest.param(
            [{"name": "x", "wait_for": {}}],
            ["steps[0].wait_for: `event` is missing"],
            id="half-a-construct-makes-no-empty-step",
        ),
        pytest.param(
            ["text", {"name": "x", "config": RUN, "timeout": "x"}],
            [
                'steps[0]: an item of `steps` is "text", and should be a mapping',
                'steps[1].timeout: "x" is not a duration',
            ],
            id="what-is-no-step",
        ),
        pytest.param(
            [{"name": "x", "error_behavior": {"type": "no"}, "config": RUN}],
            ['steps[0].error_behavior.type: `type` is "no"'],
            id="what-was-left-out-is-not-missing",
        ),
    ],
)
def test_all_that_is_wrong_and_nothing_else(steps: list[Any], expected: list[str]) -> None:
    assert found(*steps) == expected


@pytest.mark.parametrize(
    "raw", [{}, {"steps": {}}, {"id": "a"}, {"id": 5, "steps": [[]]}, {"id": None, "steps": None}]
)
def test_what_is_hardly_a_workflow_is_told_without_an_exception(raw: dict[str, Any]) -> None:
    read = read_workflow(raw)
    assert read.graph is None
    assert read.findings


def test_inputs_of_a_child_step_and_its_outputs_are_names() -> None:
    child = {"id": "c", "outputs": {"o": "any"}, "steps": [{"name": "x", "outputs": ["o"], "config": RUN}]}
    parent = {
        "id": "p",
        "steps": [
            {"name": "c", "type": "workflow", "config": {"workflow": "c", "inputs": {"a": "((nope))"}}},
            {"name": "y", "config": {"run": "echo ((o)) ((other))"}},
        ],
    }
    _, read = read_workflows([child, parent])
    assert [finding.what[:12] for finding in read.findings] == ["`((nope))` n", "`((other))` "]


@pytest.mark.parametrize(
    "step",
    [
        {"wait_for": {"event": "e"}},
        {"activity": {"name": "e"}},
        {"poll": {"url": "http://x"}},
        {"type": "workflow", "config": {"workflow": "elsewhere"}},
        {"type": "git-repo", "config": {"run": "https://x"}},
    ],
)
def test_after_a_step_whose_outputs_nobody_can_know_every_name_may_be(step: dict[str, Any]) -> None:
    read = read_workflow(
        {"id": "a", "steps": [{"name": "s", **step}, {"name": "x", "config": {"run": "((any))"}}]}
    )
    assert read.graph is not None


@pytest.mark.parametrize(
    "script",
    [
        'echo "##wfe[output made=1]"',
        'echo "made=1" >> "$WFE_OUTPUT"',
        "printf '{\"made\": 1}' > $WFE_OUTPUT",
        'for made in a; do echo "$made=1" >> "$WFE_OUTPUT"; done',
    ],
)
def test_a_name_that_stands_in_a_script_that_puts_something_out_may_be_one(script: str) -> None:
    steps = [{"name": "s", "config": {"run": script}}, {"name": "x", "config": {"run": "((made))"}}]
    assert found(*steps) == []


def test_a_name_in_a_script_that_puts_nothing_out_is_none() -> None:
    assert (
        len(
            found({"name": "s", "config": {"run": "echo made"}}, {"name": "x", "config": {"run": "((made))"}})
        )
        == 1
    )


def test_rounds_of_a_loop_see_what_rounds_before_put_out_and_parallel_items_do_not() -> None:
    body = [{"name": "a", "config": {"run": "((o))"}}, {"name": "b", "outputs": ["o"], "config": RUN}]
    condition = {"field": ".o", "is_null": True}
    assert found({"name": "l", "while": {"condition": condition, "steps": body}}) == []
    assert found({"name": "l", "for_each": {"items": [1], "max_parallel": 1, "steps": body}}) == []
    assert len(found({"name": "l", "for_each": {"items": [1], "steps": body}})) == 1


def test_what_a_loop_collects_and_what_branches_put_out_is_there_afterwards() -> None:
    steps = [
        {
            "name": "l",
            "for_each": {"items": [1], "collect": {"all": "o"}, "steps": [{"name": "b", "config": RUN}]},
        },
        {"name": "p", "parallel": [{"name": "c", "outputs": ["o"], "config": RUN}]},
        {"name": "x", "config": {"run": "((all)) ((o))"}},
    ]
    assert found(*steps) == []


def test_hooks_see_what_their_step_put_out() -> None:
    hook = {"config": {"run": "((o))"}}
    assert found({"name": "x", "outputs": ["o"], "config": RUN, "on_success": hook, "compensate": hook}) == []


@pytest.mark.parametrize("source", ["", "[]", "{}", '{"language": 99, "workflow": {}}', '{"builder": {}}'])
def test_a_source_that_is_none_is_refused(source: str) -> None:
    with pytest.raises(SourceUnknown):
        model_from_source(source)


KEYS = [
    "id",
    "name",
    "steps",
    "config",
    "run",
    "parallel",
    "if",
    "then",
    "when",
    "field",
    "equals",
    "for_each",
    "items",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["a", "((x))", "5s", ".x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(KEYS), VALUES),
    st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES), max_size=3),
)
def test_no_value_is_so_strange_that_reading_it_fails(raw: dict[str, Any], steps: list[Any]) -> None:
    read = read_workflow({**raw, "id": "a", "steps": steps})
    assert (read.graph is None) == any(finding.is_error for finding in read.findings)
