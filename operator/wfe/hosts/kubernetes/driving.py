"""A driver of the operator: it knows the home of its instance before it acts, and tells what is in its way."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from wfe.errors import Retryable
from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.runtime.driver import Driver

Prepare = Callable[[Instance], Awaitable[None]]
Left = Callable[[Instance, datetime | None], None]
Broke = Callable[[str, Exception], None]


def driver_type(prepare: Prepare, left: Left, held_up: Broke, broke: Broke) -> type[Driver]:
    """Return a kind of driver that prepares each instance, and tells of those that it leaves or cannot drive.

    Args:
        prepare: called before an instance is driven.
        left: told of an instance that has ended, or only waits, and when it is due by itself.
        held_up: told why an instance cannot go on just now; it is tried again.
        broke: told why an instance cannot be driven.
    """

    class RoomDriver(Driver):
        """Drives one instance of a room."""

        async def run(self, born: Decision | None = None) -> Instance:
            """Drive the instance to its end, or until it only waits."""
            try:
                await prepare(self.instance)
                last = await super().run(born)
            except Exception as error:
                broke(self.instance.id, error)
                raise
            left(last, self.wake_at)
            return last

        def held_up(self, error: Retryable) -> None:
            held_up(self.instance.id, error)

    return RoomDriver
