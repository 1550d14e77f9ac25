"""The log that is kept when an instance has ended."""

from wfe.hosts.cli.cluster.logs.lines import Line
from wfe.hosts.cli.cluster.room import Room


async def kept_log(room: Room, root: str) -> list[Line] | None:
    """Return what was kept of an instance tree's log, in the order of time; None if nothing was kept yet."""
    del room, root
    return None
