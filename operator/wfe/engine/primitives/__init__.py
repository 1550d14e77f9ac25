"""The table of primitives: one line for each kind of step."""

from collections.abc import Mapping
from typing import Final

from wfe.engine.primitive import Primitive
from wfe.engine.primitives.choice import If, Switch
from wfe.engine.primitives.for_each import ForEach
from wfe.engine.primitives.others import Child, EndStep, Schedule
from wfe.engine.primitives.parallel import Parallel
from wfe.engine.primitives.saga import Saga
from wfe.engine.primitives.sequence import Sequence
from wfe.engine.primitives.task import TaskStep
from wfe.engine.primitives.waits import Activity, Delay, WaitFor
from wfe.engine.primitives.while_ import Recur, While
from wfe.graph import node

PRIMITIVES: Final[Mapping[type[node.Spec], Primitive]] = {
    node.TaskSpec: TaskStep(),
    node.SequenceSpec: Sequence(),
    node.ParallelSpec: Parallel(),
    node.IfSpec: If(),
    node.SwitchSpec: Switch(),
    node.WhileSpec: While(),
    node.ForEachSpec: ForEach(),
    node.SagaSpec: Saga(),
    node.WaitSpec: WaitFor(),
    node.DelaySpec: Delay(),
    node.UntilSpec: Delay(),
    node.ActivitySpec: Activity(),
    node.ChildSpec: Child(),
    node.RecurSpec: Recur(),
    node.ScheduleSpec: Schedule(),
    node.EndSpec: EndStep(),
}
