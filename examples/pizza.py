"""A pizza order: every word of the builder, in one workflow.

Run it with `python examples/pizza.py`. It starts the order, answers its events and activities as the outside world
would, and prints how it ended.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


def wash_up() -> Workflow:
    """Return a small workflow that the order runs as one of its steps."""
    return (
        WorkflowBuilder()
        .then_fn(lambda data: {"washed": data["dishes"] + 1})
        .name("wash")
        .build("wash-up", version=1, inputs={"dishes": "integer"}, outputs={"washed": "integer"})
    )


def build() -> Workflow:
    """Return the workflow of an order."""
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
        .until("2020-01-01T00:00:00Z")
        .poll("((thermometer))", interval="50ms", until={"field": ".celsius", "equals": 250})
        .timeout("30s")
        .deno('Wfe.setOutput("slices", Wfe.getData().size === "large" ? 12 : 8)')
        .name("cut")
        .workflow("wash-up", inputs={"dishes": 4}, outputs=["washed"])
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


@asynccontextmanager
async def thermometer() -> AsyncIterator[str]:
    """Serve the temperature of the oven, and yield where."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"celsius": 250}'
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def main(store: str = "memory:") -> InstanceStatus:
    """Run one order to its end and return its status."""
    with tempfile.TemporaryDirectory() as workspace:
        async with thermometer() as url, WorkflowHost(store, workspace=workspace) as host:
            host.register(wash_up())
            order = await host.start(build(), {"customer": "Grace", "thermometer": url})
            claim = await host.activities.fetch("deliver", worker="rider", wait=timedelta(seconds=30))
            assert claim is not None
            await host.activities.complete(claim.token, {"minutes": 12})
            await host.publish("door", "Grace", {"door": "open"})
            instance = await host.wait(order)
            print(f"{instance.name} is {instance.status}: {dict(instance.outputs or {})}")
            return instance.status


if __name__ == "__main__":
    asyncio.run(main())
