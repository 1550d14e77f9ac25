"""What a kind of step does: how it begins, what it makes of its children's ends, how it is stopped.

A primitive is stateless; what it must remember lives in its pointer. Adding one is a file in `primitives/` and a
line in `PRIMITIVES`.
"""

from collections.abc import Iterable

from wfe.engine import visit
from wfe.engine.draft import Draft, End
from wfe.engine.names import ScopeNames
from wfe.graph.node import Node
from wfe.model.commands import Command
from wfe.model.pointer import Pointer
from wfe.model.signals import ChildEnded, EventArrived, TaskEnded

Answer = TaskEnded | EventArrived | ChildEnded


class Primitive:
    """A kind of step. The defaults suit a container; a leaf overrides `stop`, and `answer` or `due`."""

    def begin(self, draft: Draft, pointer: Pointer) -> None:
        """Start the body: children, a command, or a wait. It may end at once through `visit.body_ended`."""
        raise NotImplementedError

    def child_ended(self, draft: Draft, pointer: Pointer, child: Pointer, end: End) -> None:
        """Go on after a child has ended; `pointer` is not being stopped."""
        raise NotImplementedError

    def stopped(self, draft: Draft, pointer: Pointer) -> None:
        """All children have ended after `visit.stop_children`."""
        failure = pointer.progress.failure
        visit.body_ended(draft, pointer, visit.failed(failure) if failure else visit.CANCELLED)

    def stop(self, draft: Draft, pointer: Pointer) -> None:
        """End the body soon; `pointer.stop` says why. Answered by `visit.body_ended`."""
        visit.stop_children(draft, pointer)

    def due(self, draft: Draft, pointer: Pointer) -> None:
        """The time `pointer.wake_at` has come, in the body."""

    def answer(self, draft: Draft, pointer: Pointer, signal: Answer) -> None:
        """What was asked for has been answered, in the body's present attempt."""

    def outstanding(self, node: Node, pointer: Pointer, names: ScopeNames) -> Iterable[Command]:
        """Return the commands that the body waits for, to be given again after a crash."""
        return ()
