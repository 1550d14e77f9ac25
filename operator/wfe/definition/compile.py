"""From the model of a workflow to the graph that the engine walks.

It expects a model that the checks have passed; what they would have refused may come out as nonsense here.
Compiling is a function of the model alone, so a stored definition gives the same graph for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wfe.definition import specs
from wfe.definition.names import step_names
from wfe.definition.services import Concurrency as WrittenConcurrency
from wfe.definition.source import digest_of, normal_form
from wfe.definition.step import CONTAINERS, ErrorBehavior, Step
from wfe.definition.workflow import Declared, Place, WorkflowModel
from wfe.expr.duration import parse_duration
from wfe.graph import node as n
from wfe.graph.graph import Field, Graph, OnWorkspaceLost
from wfe.graph.node import Node, OnError, OnLost
from wfe.graph.place import placed
from wfe.model.concurrency import Concurrency, Policy
from wfe.model.instance import WorkflowRef
from wfe.model.json import Json

TERMINATE: Final = n.ErrorBehavior()
COMPENSATE: Final = n.ErrorBehavior(type=OnError.COMPENSATE)


def compile_workflow(workflow: WorkflowModel) -> Graph:
    """Return the graph of a workflow."""
    compiler = _Compiler(workflow, step_names(workflow), behavior(workflow.error_behavior))
    steps = tuple(compiler.node(Place(("steps", index), step)) for index, step in enumerate(workflow.steps))
    source = normal_form(workflow)
    return Graph(
        workflow=WorkflowRef(workflow.id, workflow.version, digest_of(source)),
        root=placed(_hidden("", steps)),
        source=source,
        name=workflow.name or "",
        description=workflow.description or "",
        inputs={name: _field(name, declared) for name, declared in workflow.inputs.items()},
        outputs={name: _field(name, declared) for name, declared in workflow.outputs.items()},
        timeout=None if workflow.timeout is None else parse_duration(workflow.timeout),
        on_workspace_lost=OnWorkspaceLost(workflow.on_workspace_lost or "fail"),
        concurrency=_concurrency(workflow.concurrency),
    )


def _concurrency(written: WrittenConcurrency | None) -> Concurrency | None:
    if written is None:
        return None
    return Concurrency(key=written.key, limit=written.limit, policy=Policy(written.policy))


def _field(name: str, declared: Declared) -> Field:
    return Field(
        name=name,
        type=declared.type,
        default=declared.default,
        has_default="default" in declared.model_fields_set,
        description=declared.description or "",
    )


def behavior(written: ErrorBehavior | None) -> n.ErrorBehavior:
    """Return an error behaviour as the engine knows it; none means to terminate."""
    if written is None:
        return TERMINATE
    return n.ErrorBehavior(
        type=OnError(written.type),
        interval=parse_duration(written.interval),
        max_retries=written.max_retries,
        backoff=written.backoff,
        max_interval=None if written.max_interval is None else parse_duration(written.max_interval),
        jitter=written.jitter,
        on_lost=OnLost(written.on_lost),
        max_losses=written.max_losses,
    )


def _hidden(name: str, children: tuple[Node, ...]) -> Node:
    return Node(path="", name=name, type="sequence", spec=n.SequenceSpec(), children=children, hidden=True)


@dataclass(frozen=True, slots=True)
class _Compiler:
    workflow: WorkflowModel
    names: Mapping[tuple[str | int, ...], str]
    default: n.ErrorBehavior

    def node(self, place: Place, *, in_saga: bool = False) -> Node:
        """Return the node of a step and all in it."""
        step = place.step
        spec = specs.spec_of(step)
        hooks = {
            role: self.node(Place(place.at(role), hook), in_saga=in_saga and role != "compensate")
            for role, hook in step.hooks()
        }
        return Node(
            path="",
            name=self.names[place.where],
            type="kubernetes" if step.kind == "k8s" else step.kind,
            spec=spec,
            children=self._children(place, in_saga=in_saga or step.saga is not None),
            when=None if step.when is None else step.when.compiled(),
            error=self._behavior(step, in_saga=in_saga),
            timeout=_timeout(step, spec),
            on_success=hooks.get("on_success"),
            on_failure=hooks.get("on_failure"),
            ensure=hooks.get("ensure"),
            compensate=hooks.get("compensate"),
        )

    def _children(self, place: Place, *, in_saga: bool) -> tuple[Node, ...]:
        groups: list[tuple[str, tuple[Node, ...]]] = []
        for keys, steps in place.step.groups():
            nodes = tuple(
                self.node(Place(place.at(*keys, index), step), in_saga=in_saga)
                for index, step in enumerate(steps)
            )
            groups.append((_segment(keys, len(groups)), nodes))
        if place.step.kind in {"parallel", "sequence", "saga"}:
            return groups[0][1]
        return tuple(_hidden(segment, nodes) for segment, nodes in groups)

    def _behavior(self, step: Step, *, in_saga: bool) -> n.ErrorBehavior:
        if step.error_behavior is not None:
            return behavior(step.error_behavior)
        default = TERMINATE if step.kind in CONTAINERS else self.default
        if step.compensate is not None and not in_saga and default.type is not OnError.RETRY:
            return COMPENSATE
        return default


def _segment(keys: tuple[str | int, ...], index: int) -> str:
    match keys:
        case ("if", "then" | "else" as branch):
            return f"+{branch}"
        case ("switch", *_):
            return f"+case-{index}" if keys[1] == "cases" else "+default"
        case _:
            return "+body"


def _timeout(step: Step, spec: n.Spec) -> Json:
    if isinstance(spec, n.TaskSpec):
        return None
    inner = None
    if step.wait_for is not None:
        inner = step.wait_for.timeout
    elif step.activity is not None:
        inner = step.activity.timeout
    elif isinstance(spec, n.ChildSpec):
        inner = (step.config or {}).get("timeout")
    return step.timeout if step.timeout is not None else inner
