"""When bytes of a stream were seen: a line for each look that found some, in a file beside the streams.

It is accurate to the engine's looks, a tenth of a second. What no engine saw come has the time the file was last
written. Times of one stream never go back, whatever the clock does.
"""

from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from wfe.ports.logs import Stream
from wfe.supervisor.layout import TIMES


class Times(Protocol):
    """When the bytes of one stream were seen."""

    def note(self, end: int) -> None:
        """Take note that the bytes before `end` are there."""
        ...

    def of(self, end: int) -> datetime:
        """Return when the byte before `end` was seen."""
        ...


class KeptTimes:
    """Reads what was noted, and notes nothing."""

    def __init__(self, directory: Path, stream: Stream) -> None:
        self._directory = directory
        self._stream = stream
        self._ends: list[int] = []
        self._at: list[datetime] = []
        self._read = 0

    def note(self, end: int) -> None:
        """Read on in the file, which a living engine writes."""
        if not self.knows(end):
            self._read_on()

    def knows(self, end: int) -> bool:
        """Tell whether somebody saw the byte before `end`."""
        return bool(self._ends) and end <= self._ends[-1]

    def of(self, end: int) -> datetime:
        """Look it up, or else take the time of the stream's last byte."""
        index = bisect_left(self._ends, end)
        if index < len(self._ends):
            return self._at[index]
        try:
            written = (self._directory / self._stream).stat().st_mtime
        except FileNotFoundError:
            written = 0.0
        last = datetime.fromtimestamp(written, UTC)
        return max(last, self._at[-1]) if self._at else last

    def _read_on(self) -> None:
        try:
            with (self._directory / TIMES).open("rb") as file:
                file.seek(self._read)
                whole, _, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        self._read += len(whole) + 1 if whole else 0
        for line in whole.decode().splitlines():
            stream, end, at = line.split(" ")
            if stream == self._stream:
                self.add(int(end), datetime.fromisoformat(at))

    def add(self, end: int, at: datetime) -> None:
        """Remember one look."""
        self._ends.append(end)
        self._at.append(max(at, self._at[-1]) if self._at else at)


class NotedTimes:
    """Notes what is seen for the first time, now."""

    def __init__(self, directory: Path, stream: Stream, now: Callable[[], datetime]) -> None:
        self._kept = KeptTimes(directory, stream)
        self._kept.note(1)
        self._path = directory / TIMES
        self._stream = stream
        self._now = now

    def note(self, end: int) -> None:
        """Write it down, unless a former engine has."""
        if self._kept.knows(end):
            return
        at = self._now()
        self._kept.add(end, at)
        with self._path.open("a") as file:
            file.write(f"{self._stream} {end} {at.isoformat()}\n")

    def of(self, end: int) -> datetime:
        """Look it up."""
        return self._kept.of(end)
