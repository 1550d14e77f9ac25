"""Deciding with places: what a decision starts is admitted to where it will run before the decision is saved."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from wfe.engine import Circumstances
from wfe.graph.graph import Graph
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.ports.clock import Clock
from wfe.runtime.tasks import TaskRunner


@dataclass(frozen=True, slots=True)
class Placing:
    """Asks the clock, the dice and the executors on behalf of decisions, which are pure and so can be made again."""

    clock: Clock
    tasks: TaskRunner

    async def decide(
        self, graph: Graph, instance: Instance | None, decide: Callable[[Circumstances], Decision]
    ) -> Decision:
        """Return a decision in which every new attempt has a place.

        Args:
            instance: the one that is decided about; None if it is about to begin.
            decide: makes the decision; called again, with the places, if it starts what had none.

        Raises:
            CannotGoOn: the instance has lost what it needs.
            Retryable: there is no place just now.
        """
        world = Circumstances(
            now=self.clock.now(), jitter=self.clock.jitter(), incarnation=self.tasks.place(instance)
        )
        decision = decide(world)
        admitted = await self.tasks.admit(graph, decision)
        if not admitted:
            return decision
        return decide(
            replace(world, incarnation=admitted.shared or world.incarnation, elsewhere=admitted.elsewhere)
        )
