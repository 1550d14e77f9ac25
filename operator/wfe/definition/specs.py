"""What each kind of step is to the engine: one function a construct, one line in SPECS."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from wfe.definition.constructs import Child
from wfe.definition.step import Step
from wfe.expr.duration import parse_duration
from wfe.expr.shell import LIKE_SH, bind
from wfe.graph import node as n
from wfe.model.json import Json
from wfe.model.status import InstanceStatus

BOUND_TYPES: Final = frozenset({"shell", "kubernetes", "k8s"})


def spec_of(step: Step) -> n.Spec:
    """Return what a step is to the engine."""
    given = step.given()
    if given:
        return SPECS[given[0]](step, step.content(given[0]))
    if step.type == "workflow":
        return _child(step)
    return n.TaskSpec(config=task_config(step), isolated=step.isolation == "pod")


def task_config(step: Step) -> dict[str, Json]:
    """Return the configuration of a task: the step's own, with its timeout, outputs and bound placeholders."""
    config = dict(step.poll if step.poll is not None else step.config or {})
    if step.timeout is not None:
        config["timeout"] = step.timeout
    if step.kind in BOUND_TYPES:
        _bind(config)
    if step.output_names is not None and step.kind in {*BOUND_TYPES, "deno"}:
        config["outputs"] = list(step.output_names)
    return config


def shell_of(config: Mapping[str, Json]) -> str:
    """Return the name of the shell that a configuration asks for, without path and flags."""
    words = str(config.get("shell") or "sh").split()
    return words[0].rsplit("/", 1)[-1] if words else "sh"


def script_of(config: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return the key and the text of a shell step's script."""
    for key in ("run", "script"):
        script = config.get(key)
        if isinstance(script, str):
            return key, script
    return None


def _bind(config: dict[str, Json]) -> None:
    found = script_of(config)
    shell = shell_of(config)
    if found is None or shell not in LIKE_SH:
        return
    bound = bind(found[1], shell)
    config[found[0]] = bound.script
    if bound.variables:
        config["bindings"] = dict(bound.variables)


def _child(step: Step) -> n.ChildSpec:
    child = Child.model_validate(step.config or {})
    outputs = child.renamed()
    if outputs is None and step.output_names is not None:
        outputs = {name: name for name in step.output_names}
    version = child.version if child.version is not None else child.workflow_version
    return n.ChildSpec(workflow=child.workflow, version=version, inputs=child.inputs, outputs=outputs)


def _switch(_: Step, switch: Any) -> n.SwitchSpec:
    cases = {case: index for index, case in enumerate(switch.cases)}
    default = None if switch.default is None else len(cases)
    return n.SwitchSpec(value=switch.value, cases=cases, default=default)


def _for_each(step: Step, loop: Any) -> n.ForEachSpec:
    return n.ForEachSpec(
        items=loop.items,
        item=loop.as_,
        max_parallel=loop.max_parallel,
        collect=loop.collect,
        fail_fast=step.fail_fast is not False,
    )


def _activity(_: Step, activity: Any) -> n.ActivitySpec:
    return n.ActivitySpec(
        name=activity.name,
        params=activity.params,
        claim=parse_duration(activity.claim),
        output=activity.output,
    )


def _recur(_: Step, recur: Any) -> n.RecurSpec:
    return n.RecurSpec(every=recur.every, until=None if recur.until is None else recur.until.compiled())


SPECS: Final[Mapping[str, Callable[[Step, Any], n.Spec]]] = {
    "sequence": lambda _, __: n.SequenceSpec(),
    "parallel": lambda step, _: n.ParallelSpec(fail_fast=step.fail_fast is not False),
    "saga": lambda step, _: n.SagaSpec(compensate_on_cancel=step.compensate_on_cancel is True),
    "if": lambda _, choice: n.IfSpec(condition=choice.condition.compiled()),
    "switch": _switch,
    "while": lambda _, loop: n.WhileSpec(
        condition=loop.condition.compiled(), max_iterations=loop.max_iterations
    ),
    "for_each": _for_each,
    "recur": _recur,
    "schedule": lambda _, later: n.ScheduleSpec(after=later.after),
    "wait_for": lambda _, wait: n.WaitSpec(
        event=wait.event, key=wait.key, as_of=wait.as_of, output=wait.output
    ),
    "delay": lambda _, duration: n.DelaySpec(duration=duration),
    "until": lambda _, time: n.UntilSpec(time=time),
    "activity": _activity,
    "poll": lambda step, _: n.TaskSpec(config=task_config(step)),
    "end": lambda _, end: n.EndSpec(status=InstanceStatus(end.status), message=end.message),
}
