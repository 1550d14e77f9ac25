"""A driver of the operator: it knows the home of its instance before it acts, and tells when it breaks."""

from collections.abc import Awaitable, Callable

from wfe.model.decision import Decision
from wfe.model.instance import Instance
from wfe.runtime.driver import Driver

Prepare = Callable[[Instance], Awaitable[None]]
Left = Callable[[Instance], None]
Broke = Callable[[str, Exception], None]


def driver_type(prepare: Prepare, left: Left, broke: Broke) -> type[Driver]:
    """Return a kind of driver that prepares each instance, and tells of those that it leaves or cannot drive."""

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
            left(last)
            return last

    return RoomDriver
