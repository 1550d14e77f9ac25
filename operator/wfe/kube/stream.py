"""An exec stream: a program in a container, over a WebSocket (v5.channel.k8s.io, else v4)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExecEnded:
    """How a stream ended. `code` is the program's exit code; None: the stream was lost and nobody knows."""

    code: int | None
    message: str = ""


class ExecStream:
    """One conversation. A lost stream says nothing about the program, which may live on."""

    async def write(self, data: bytes) -> None:
        """Send to stdin; waits while the other side does not take it. ConnectionError once it has ended."""
        raise NotImplementedError

    async def read(self) -> bytes:
        """Return what stdout has next; b"" once the stream has ended."""
        raise NotImplementedError

    @property
    def stderr(self) -> bytes:
        """The last 8 KiB of stderr."""
        raise NotImplementedError

    @property
    def ended(self) -> ExecEnded | None:
        """How it ended, once it has."""
        raise NotImplementedError

    async def close(self) -> None:
        """Hang up; harmless twice."""
        raise NotImplementedError
