"""A client that knows how many exec streams are open."""

from collections.abc import Sequence
from weakref import WeakSet

from wfe.kube import Client, ExecStream


class CountingClient(Client):
    """Counts the streams that it has opened and that have not ended."""

    _streams: "WeakSet[ExecStream] | None" = None

    @property
    def sessions(self) -> int:
        """How many streams are open."""
        return sum(stream.ended is None for stream in self._streams or ())

    async def exec(
        self, pod: str, namespace: str, container: str, argv: Sequence[str], *, stdin: bool = True
    ) -> ExecStream:
        """Start a program in a container, and return its streams once it is connected."""
        stream = await super().exec(pod, namespace, container, argv, stdin=stdin)
        if self._streams is None:
            self._streams = WeakSet()
        self._streams.add(stream)
        return stream
