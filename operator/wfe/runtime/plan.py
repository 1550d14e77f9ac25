"""From an attempt that is to start to the task it means."""

from collections.abc import Mapping
from dataclasses import replace

from wfe.engine import failure_seen_by, names_of
from wfe.errors import Permanent
from wfe.graph.graph import Graph
from wfe.graph.node import TaskSpec
from wfe.model.commands import StartTask
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask, Task
from wfe.steps import BUILTIN, StepContext


def plan(graph: Graph, instance: Instance, command: StartTask) -> Task:
    """Return what an attempt runs.

    Raises:
        Permanent: nothing runs such a step, or its configuration is wrong now that its values are known.
    """
    node = graph.nodes[instance.pointers[command.path].node]
    kind = BUILTIN.get(node.type)
    if kind is None or not isinstance(node.spec, TaskSpec):
        raise Permanent(
            f"nothing here runs steps of type `{node.type}`; change the type of step `{node.name}`"
        )
    names = names_of(instance, command.path)
    context = StepContext(
        key=AttemptKey(instance.id, command.path, command.attempt),
        data=names.data(),
        locals=names.locals(),
        names=names,
        extra_env=_failure_env(instance, command.path),
    )
    task = kind.plan_raw(node.spec.config, context)
    if node.spec.isolated and isinstance(task, ProcessTask):
        return replace(task, isolated=True)
    return task


def _failure_env(instance: Instance, path: str) -> Mapping[str, str]:
    failure = failure_seen_by(instance, path)
    if failure is None:
        return {}
    code = "" if failure.exit_code is None else str(failure.exit_code)
    return {"WFE_ERROR": str(failure), "WFE_EXIT_CODE": code}
