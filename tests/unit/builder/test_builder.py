"""The builder: what its words add, how steps in Python are called, what is refused."""

from typing import Any

import pytest
from pydantic import BaseModel

from wfe.builder import WorkflowBuilder, field
from wfe.builder.builder import BuilderMisused
from wfe.builder.steps import adapt
from wfe.graph import node as n
from wfe.graph.node import OnError
from wfe.graph.workflow import Workflow


class Order(BaseModel):
    customer: str
    total: float = 5.0
    items: list[str] = []


class Context:
    """A context with the data a test gives."""

    def __init__(self, **data: Any) -> None:
        self.data = data
        self.attempt = 1


def step(data: dict[str, Any]) -> None: ...


class Sized:
    """A step as a class."""

    def run(self, data: dict[str, Any], context: Any) -> dict[str, Any]:
        return {"size": len(data), "attempt": context.attempt}


def paths(workflow: Workflow) -> list[str]:
    return [node.path for node in workflow.graph.root.walk() if node.path]


def test_steps_are_named_for_their_functions_and_names_stay_unique() -> None:
    workflow = WorkflowBuilder().start_with(step).then(step).then(Sized).build("w")
    assert paths(workflow) == ["step", "step-2", "Sized"]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(lambda: {"x": 1}, {"x": 1}, id="no-arguments"),
        pytest.param(lambda data: {"x": data["total"]}, {"x": 7}, id="the-data"),
        pytest.param(lambda data, context: {"x": context.attempt}, {"x": 1}, id="data-and-context"),
        pytest.param(Sized, {"size": 2, "attempt": 1}, id="a-class"),
        pytest.param(Sized(), {"size": 2, "attempt": 1}, id="an-object"),
        pytest.param(lambda: None, {}, id="nothing"),
    ],
)
def test_a_step_is_called_with_what_it_asks_for(function: Any, expected: dict[str, Any]) -> None:
    assert adapt(function, None)(Context(total=7, customer="a")) == expected  # type: ignore[arg-type]  # a fake


async def test_an_async_step_stays_async() -> None:
    async def later(data: dict[str, Any]) -> dict[str, Any]:
        return {"x": data["total"]}

    assert await adapt(later, None)(Context(total=7)) == {"x": 7}  # type: ignore[arg-type]  # a fake


def test_what_a_step_changed_in_a_data_model_is_put_out_and_nothing_else() -> None:
    def change(order: Order) -> None:
        order.total = 9.0

    assert adapt(change, Order)(Context(customer="a", total=5.0)) == {"total": 9.0}  # type: ignore[arg-type]


def test_a_step_that_returns_something_odd_is_told_what_to_return() -> None:
    with pytest.raises(TypeError, match="return a dict of outputs"):
        adapt(lambda: 5, None)(Context())  # type: ignore[arg-type]  # a fake


def test_the_fields_of_the_data_model_are_inputs_with_their_defaults() -> None:
    inputs = WorkflowBuilder(Order).start_with(step).build("w").graph.inputs
    assert not inputs["customer"].has_default
    assert (inputs["total"].default, inputs["items"].default) == (5.0, [])


def test_two_workflows_do_not_share_callables_of_the_same_name() -> None:
    one = WorkflowBuilder().start_with(lambda: {"x": 1}).name("a").build("one")
    two = WorkflowBuilder().start_with(lambda: {"x": 2}).name("a").build("two")
    assert not one.callables.keys() & two.callables.keys()


def test_the_same_shape_is_the_same_digest_and_another_is_not() -> None:
    one, same = (WorkflowBuilder().start_with(step).build("w") for _ in range(2))
    other = WorkflowBuilder().start_with(step).then(step).build("w")
    assert one.graph.workflow.digest == same.graph.workflow.digest != other.graph.workflow.digest


def test_words_about_a_step_are_about_the_last_one() -> None:
    workflow = (
        WorkflowBuilder()
        .start_with(step)
        .name("first")
        .then(step)
        .name("second")
        .on_error("retry", interval="1s", max_retries=7)
        .timeout("3s")
        .ensure(step)
        .when(field("x") > 3)
        .build("w")
    )
    first, second = workflow.graph.root.children
    assert (first.name, first.error.type) == ("first", OnError.TERMINATE)
    assert (second.name, second.error.max_retries) == ("second", 7)
    assert isinstance(second.spec, n.TaskSpec)
    assert second.spec.config["timeout"] == "3s"
    assert second.ensure is not None
    assert second.ensure.path == "second/ensure"


def test_a_hook_may_be_several_steps() -> None:
    workflow = (
        WorkflowBuilder().start_with(step).name("a").ensure(lambda b: b.then(step).then(step)).build("w")
    )
    assert [path for path in paths(workflow) if path.startswith("a/ensure")] == [
        "a/ensure",
        "a/ensure/step-2",
        "a/ensure/step-3",
    ]


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        pytest.param(lambda b: b.name("x"), "there is no step yet", id="a-word-about-nothing"),
        pytest.param(lambda b: b.then(step).start_with(step), "comes first", id="a-second-start"),
        pytest.param(lambda b: b.delay("1s").config(x=1), "takes no config", id="config-of-a-delay"),
    ],
)
def test_misuse_is_refused_with_the_reason(misuse: Any, message: str) -> None:
    with pytest.raises(BuilderMisused, match=message):
        misuse(WorkflowBuilder())


def test_conditions_combine() -> None:
    condition = (field("a") > 1) & ~(field("b").equals(2) | field("c").is_null())
    assert type(condition.condition).__name__ == "All"
