"""A pizza order: every word of the builder, in one workflow.

Run it with `python examples/pizza.py`. It starts the order, answers its events and activities as the outside world
would, and prints how it ended.
"""

import asyncio
import tempfile
from datetime import timedelta

from pydantic import BaseModel

from wfe import InstanceStatus, StepContext, Workflow, WorkflowBuilder, WorkflowHost, field


class Order(BaseModel):
    """The data of one order."""

    customer: str = "Ada"
    toppings: list[str] = ["basil", "mozzarella"]
    size: str = "large"
    price: float = 0.0
    kneads: int = 0
    paid: bool = False
    door: str | None = None


def take_order(order: Order) -> None:
    order.price = 8.0 + 1.5 * len(order.toppings)


async def make_dough(order: Order, context: StepContext) -> dict[str, str]:
    return {"dough": f"dough-{context.attempt}"}


class HeatOven:
    """A step as a class: each attempt gets an object of its own."""

    def run(self, order: Order, context: StepContext) -> dict[str, int]:
        if context.attempt == 1:
            raise RuntimeError("the oven did not light")
        return {"oven": 250}


def knead(order: Order) -> None:
    order.kneads += 1


def add_topping(_: Order, context: StepContext) -> dict[str, str]:
    return {"added": f"{context.data['topping']}"}


def charge(order: Order) -> dict[str, str]:
    order.paid = True
    return {"receipt": f"{order.customer} paid {order.price:.2f}"}


def refund(order: Order) -> None:
    order.paid = False


def nothing() -> None:
    """A step may need neither data nor context."""


def noted(what: str) -> dict[str, bool]:
    return {what: True}


def build() -> Workflow:
    """Return the workflow."""
    return (
        WorkflowBuilder(Order)
        .start_with(take_order)
        .name("take-order")
        .parallel(
            lambda p: p.branch(lambda b: b.then(make_dough).name("dough"), name="dough-branch").branch(
                lambda b: b.then(HeatOven).name("oven").on_error(interval="10ms"), name="oven-branch"
            )
        )
        .while_do(lambda order: order.kneads < 3, lambda b: b.then(knead), max_iterations=10)
        .for_each(
            lambda order: order.toppings,
            lambda b: b.then(add_topping),
            as_="topping",
            collect={"on_the_pizza": "added"},
        )
        .if_do(
            field("price") > 10,
            lambda b: b.then_fn(lambda: noted("gift")),
            lambda b: b.then_fn(lambda: noted("no_gift")),
        )
        .decide(
            ".size",
            {"large": lambda b: b.then_fn(lambda: {"box": "big"}), "small": lambda b: b.then(nothing)},
            default=lambda b: b.then(nothing),
        )
        .saga(
            lambda b: (
                b.then(charge)
                .name("charge")
                .compensate_with(refund)
                .timeout("5s")
                .then(nothing)
                .name("print-receipt")
                .on_success(nothing)
                .on_failure(nothing)
                .ensure(nothing)
            )
        )
        .name("payment")
        .schedule("20ms", lambda b: b.then_fn(lambda: noted("reminded")))
        .recur("10ms", lambda b: b.then_fn(lambda: noted("turned")), until=field("turned").equals(True))
        .delay("10ms")
        .shell('echo "baked_by=shell" >> "$WFE_OUTPUT"')
        .name("bake")
        .config(timeout="30s")
        .activity("deliver", {"to": "((customer))"}, output="delivery")
        .name("deliver")
        .wait_for("door", "((customer))")
        .name("ring")
        .timeout("1m")
        .group(lambda b: b.then(nothing).when(field("door").is_not_null()))
        .name("wave")
        .end_workflow(message="enjoy")
        .build(
            "pizza", version=1, outputs={"receipt": "string", "on_the_pizza": "list<string>"}, timeout="5m"
        )
    )


async def main(store: str = "memory:") -> InstanceStatus:
    """Run one order to its end and return its status."""
    with tempfile.TemporaryDirectory() as workspace:
        async with WorkflowHost(store, workspace=workspace) as host:
            order = await host.start(build(), {"customer": "Grace"})
            claim = await host.activities.fetch("deliver", worker="rider", wait=timedelta(seconds=30))
            assert claim is not None
            await host.activities.complete(claim.token, {"minutes": 12})
            await host.publish("door", "Grace", {"door": "open"})
            instance = await host.wait(order)
            print(f"{instance.name} is {instance.status}: {dict(instance.outputs or {})}")
            return instance.status


if __name__ == "__main__":
    asyncio.run(main())
