"""`WorkflowBuilder`: a workflow in Python, step after step.

    workflow = (
        WorkflowBuilder(Order)
        .start_with(fetch)
        .then(charge).on_error(max_retries=3, interval="5s").compensate_with(refund)
        .build("order", version=1)
    )

Words that add a step (`then`, `parallel`, `wait_for`, …) return the builder; words that say more about a step
(`name`, `on_error`, `ensure`, …) are about the one added last. Blocks take a function of a builder of their own.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel

from wfe.builder.fields import Test
from wfe.builder.parts import Parts, block, hidden, shape
from wfe.builder.steps import Step
from wfe.errors import Permanent
from wfe.expr.duration import parse_duration
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph
from wfe.graph.node import ErrorBehavior, Node, OnError
from wfe.graph.place import placed
from wfe.graph.workflow import Workflow
from wfe.model.instance import WorkflowRef
from wfe.model.json import Data as JsonData
from wfe.model.json import Json
from wfe.model.status import InstanceStatus

Data = TypeVar("Data")
Duration = str | float | timedelta
When = Test | Callable[..., bool]
Block = Callable[["WorkflowBuilder[Any]"], object]


class BuilderMisused(Permanent):
    """A word of the builder came where it means nothing."""


class WorkflowBuilder(Generic[Data]):
    """Builds a workflow.

    Args:
        data: the pydantic model of the data that steps get; without one they get dicts.
    """

    def __init__(self, data: type[Data] | None = None, *, parts: Parts | None = None) -> None:
        model = data if isinstance(data, type) and issubclass(data, BaseModel) else None
        self._parts = parts or Parts(model)
        self.steps: list[Node] = []

    # -- steps -------------------------------------------------------------------------------------------------

    def start_with(self, step: Step) -> Self:
        """Add the first step."""
        if self.steps:
            raise BuilderMisused("start_with comes first; use then for what follows")
        return self.then(step)

    def then(self, step: Step) -> Self:
        """Add a step: a function of (data, context), or a class with a `run` of them."""
        name, callable_id = self._parts.register(step)
        return self._add(Node(path="", name=name, type="python", spec=_call(callable_id)))

    def then_fn(self, function: Step) -> Self:
        """Add a step that is a lambda or a local function."""
        return self.then(function)

    def shell(self, run: str, **config: Json) -> Self:
        """Add a shell step; `config` as in YAML (`timeout`, `env`, `working_dir`, …)."""
        return self._leaf("shell", n.TaskSpec(config={"run": run, **config}))

    def deno(self, script: str, **config: Json) -> Self:
        """Add a Deno step; `config` as in YAML (`permissions`, `timeout`, …)."""
        return self._leaf("deno", n.TaskSpec(config={"script": script, **config}))

    def poll(self, url: str, **config: Json) -> Self:
        """Ask a URL until it answers as wanted; `config` as in YAML (`interval`, `until`, `timeout`)."""
        return self._leaf("poll", n.TaskSpec(config={"url": url, **config}))

    def workflow(
        self,
        workflow: str,
        *,
        version: int | None = None,
        inputs: JsonData | None = None,
        outputs: Mapping[str, str] | Sequence[str] | None = None,
    ) -> Self:
        """Run another workflow; `outputs` names what comes back, or maps our names to its."""
        names = (
            outputs if outputs is None or isinstance(outputs, Mapping) else {name: name for name in outputs}
        )
        spec = n.ChildSpec(workflow=workflow, version=version, inputs=dict(inputs or {}), outputs=names)
        return self._leaf("workflow", spec)

    def wait_for(
        self, event: str, key: Json = "", *, as_of: str = "start", output: str | None = None
    ) -> Self:
        """Wait for an event; its payload merges into the data, or goes under `output`."""
        return self._leaf("wait_for", n.WaitSpec(event=event, key=key, as_of=as_of, output=output))

    def activity(self, name: str, params: JsonData | None = None, *, output: str | None = None) -> Self:
        """Hand work to an outside worker and wait for its report."""
        return self._leaf("activity", n.ActivitySpec(name=name, params=dict(params or {}), output=output))

    def delay(self, duration: Duration) -> Self:
        """Go on after a while."""
        return self._leaf("delay", n.DelaySpec(duration=_duration(duration)))

    def until(self, time: str) -> Self:
        """Go on at an RFC 3339 time."""
        return self._leaf("until", n.UntilSpec(time=time))

    def end_workflow(self, status: str = "Complete", message: str | None = None) -> Self:
        """End the instance here; as the last word it does nothing more."""
        return self._leaf("end", n.EndSpec(status=InstanceStatus(status), message=message))

    # -- blocks ------------------------------------------------------------------------------------------------

    def group(self, steps: Block) -> Self:
        """Add steps one after another, as one step that can be retried, timed and undone."""
        return self._container("sequence", n.SequenceSpec(), tuple(self._inside(steps)))

    def parallel(self, branches: "Callable[[Branches], object]", *, fail_fast: bool = True) -> Self:
        """Add branches that run at once: `lambda p: p.branch(lambda b: b.then(a)).branch(…)`."""
        collected = Branches(self._parts)
        branches(collected)
        return self._container("parallel", n.ParallelSpec(fail_fast=fail_fast), tuple(collected.nodes))

    def saga(self, steps: Block, *, compensate_on_cancel: bool = False) -> Self:
        """Add steps that are undone, newest first, when one of them fails."""
        spec = n.SagaSpec(compensate_on_cancel=compensate_on_cancel)
        return self._container("saga", spec, tuple(self._inside(steps)))

    def if_do(self, condition: When, then: Block, otherwise: Block | None = None) -> Self:
        """Add steps for when a condition holds, and others for when not."""
        children = [hidden("+then", self._inside(then))]
        if otherwise is not None:
            children.append(hidden("+else", self._inside(otherwise)))
        test, before = self._condition(condition, "if")
        return self._container("if", n.IfSpec(condition=test), tuple(children), before)

    def decide(
        self, value: Json | Callable[..., Json], cases: Mapping[str, Block], default: Block | None = None
    ) -> Self:
        """Add steps by a value: a path (`".kind"`), a placeholder, or a function of the data."""
        blocks = [*cases.values(), *([default] if default is not None else [])]
        children = tuple(hidden(f"+case-{i}", self._inside(steps)) for i, steps in enumerate(blocks))
        taken, before = self._value(value, "switch")
        spec = n.SwitchSpec(
            value=taken,
            cases={str(case): index for index, case in enumerate(cases)},
            default=len(cases) if default is not None else None,
        )
        return self._container("switch", spec, children, before)

    def while_do(self, condition: When, steps: Block, *, max_iterations: int = 1000) -> Self:
        """Repeat steps while a condition holds, tested before each round."""
        test, before = self._condition(condition, "while")
        again = [] if before is None else [replace(before, name=self._parts.name("test"))]
        spec = n.WhileSpec(condition=test, max_iterations=max_iterations)
        return self._container("while", spec, (hidden("+body", [*self._inside(steps), *again]),), before)

    def for_each(
        self,
        items: Json | Callable[..., list[Any]],
        steps: Block,
        *,
        as_: str = "item",
        max_parallel: int = 16,
        collect: Mapping[str, str] | None = None,
    ) -> Self:
        """Repeat steps for every item of a list, a path (`".orders"`) or a function of the data."""
        taken, before = self._value(items, "for_each")
        spec = n.ForEachSpec(items=taken, item=as_, max_parallel=max_parallel, collect=dict(collect or {}))
        return self._container("for_each", spec, (hidden("+body", self._inside(steps)),), before)

    def recur(self, every: Duration, steps: Block, *, until: Test | None = None) -> Self:
        """Run steps at once and then every interval, never overlapping, until a condition holds."""
        spec = n.RecurSpec(every=_duration(every), until=until.condition if until else None)
        return self._container("recur", spec, (hidden("+body", self._inside(steps)),))

    def schedule(self, after: Duration, steps: Block) -> Self:
        """Start steps later, beside what follows."""
        spec = n.ScheduleSpec(after=_duration(after))
        return self._container("schedule", spec, (hidden("+body", self._inside(steps)),))

    # -- about the last step -----------------------------------------------------------------------------------

    def name(self, name: str) -> Self:
        """Name the last step; names are unique in a workflow."""
        return self._change(name=name)

    def config(self, **config: Json) -> Self:
        """Give the last step configuration; a Python step finds it in its context."""
        spec = self._last().spec
        if not isinstance(spec, n.TaskSpec):
            raise BuilderMisused(
                f"step `{self._last().name}` is a {self._last().type}, which takes no config"
            )
        return self._change(spec=replace(spec, config={**spec.config, **config}))

    def when(self, condition: Test) -> Self:
        """Skip the last step unless a condition holds."""
        return self._change(when=condition.condition)

    def on_error(
        self,
        behavior: str = "retry",
        *,
        interval: Duration = "5s",
        max_retries: int = 3,
        backoff: float = 1.0,
        max_interval: Duration | None = None,
        jitter: float = 0.0,
    ) -> Self:
        """Say what a failure of the last step does: retry, suspend, terminate, compensate."""
        ceiling = None if max_interval is None else parse_duration(_duration(max_interval))
        return self._change(
            error=ErrorBehavior(
                type=OnError(behavior),
                interval=parse_duration(_duration(interval)),
                max_retries=max_retries,
                backoff=backoff,
                max_interval=ceiling,
                jitter=jitter,
            )
        )

    def on_success(self, step: Step | Block) -> Self:
        """Run a step after the last one completed."""
        return self._change(on_success=self._hook(step))

    def on_failure(self, step: Step | Block) -> Self:
        """Run a step once after the last attempt of the last step failed."""
        return self._change(on_failure=self._hook(step))

    def ensure(self, step: Step | Block) -> Self:
        """Run a step last, however the last step ended."""
        return self._change(ensure=self._hook(step))

    def compensate_with(self, step: Step | Block) -> Self:
        """Undo the last step with this one, when its saga fails; outside of a saga, when it fails itself."""
        return self._change(compensate=self._hook(step))

    def timeout(self, duration: Duration) -> Self:
        """Limit each attempt of the last step."""
        last = self._last()
        if isinstance(last.spec, n.TaskSpec):
            return self.config(timeout=_duration(duration))
        return self._change(timeout=_duration(duration))

    # -- building ----------------------------------------------------------------------------------------------

    def build(
        self,
        id: str,  # noqa: A002 - the word of the language
        version: int = 1,
        *,
        inputs: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        timeout: Duration | None = None,
    ) -> Workflow:
        """Return the workflow.

        Args:
            id: its id, a DNS label.
            version: its version; instances stay with the one they started with.
            inputs: types of inputs by name, as in YAML; the fields of the data model are inputs too, with its
                defaults.
            outputs: types of outputs by name, enforced at the end.
            timeout: how long the whole run may take.
        """
        root = placed(hidden("", self.steps))
        limit = None if timeout is None else parse_duration(_duration(timeout))
        source = json.dumps({"builder": {"id": id, "version": version, "shape": shape(root)}}, sort_keys=True)
        graph = Graph(
            workflow=WorkflowRef(id, version, sha256(source.encode()).hexdigest()),
            root=root,
            source=source,
            inputs={**self._parts.model_fields(), **_fields(inputs)},
            outputs=_fields(outputs),
            timeout=limit,
        )
        callables = {f"{id}@{version}/{name}": step for name, step in self._parts.callables.items()}
        return Workflow(self._parts.owned(graph, f"{id}@{version}/"), callables)

    # -- inside ------------------------------------------------------------------------------------------------

    def _add(self, node: Node) -> Self:
        self.steps.append(node)
        return self

    def _leaf(self, kind: str, spec: n.Spec) -> Self:
        return self._add(Node(path="", name=self._parts.name(kind), type=kind, spec=spec))

    def _container(
        self, kind: str, spec: n.Spec, children: tuple[Node, ...], before: Node | None = None
    ) -> Self:
        if before is not None:
            self._add(before)
        return self._add(Node(path="", name=self._parts.name(kind), type=kind, spec=spec, children=children))

    def _inside(self, steps: Block) -> list[Node]:
        inner: WorkflowBuilder[Any] = WorkflowBuilder(parts=self._parts)
        steps(inner)
        return inner.steps

    def _hook(self, step: Step | Block) -> Node:
        nodes = self._inside(step) if block(step) else self._inside(lambda b: b.then(step))
        if len(nodes) == 1:
            return nodes[0]
        return Node(
            path="",
            name=self._parts.name("group"),
            type="sequence",
            spec=n.SequenceSpec(),
            children=tuple(nodes),
        )

    def _condition(self, condition: When, kind: str) -> tuple[Any, Node | None]:
        if isinstance(condition, Test):
            return condition.condition, None
        return self._parts.test(condition, kind)

    def _value(self, value: Any, kind: str) -> tuple[Json, Node | None]:
        return self._parts.value(value, kind) if callable(value) else (value, None)

    def _last(self) -> Node:
        if not self.steps:
            raise BuilderMisused("there is no step yet that this could be about")
        return self.steps[-1]

    def _change(self, **changes: Any) -> Self:
        self.steps[-1] = replace(self._last(), **changes)
        return self


class Branches:
    """The branches of a parallel block."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._builder: WorkflowBuilder[Any] = WorkflowBuilder(parts=parts)

    @property
    def nodes(self) -> list[Node]:
        return self._builder.steps

    def branch(self, steps: Block, *, name: str | None = None) -> Self:
        """Add a branch: steps one after another."""
        self._builder.group(steps)
        if name is not None:
            self._builder.name(name)
        return self


def _call(callable_id: str) -> n.TaskSpec:
    return n.TaskSpec(config={"callable": callable_id})


def _duration(value: Duration) -> Json:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _fields(types: Mapping[str, str] | None) -> dict[str, Field]:
    return {name: Field(name=name, type=text) for name, text in (types or {}).items()}
