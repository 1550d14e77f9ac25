"""One attempt's log in a directory: the bytes of each stream as they were written, and where segments lie in them.

DIRECTORY/INSTANCE/TOKEN/         as below a state directory (`supervisor.layout`)
    about.json                    the key, the name of the instance, its workflow
    stdout stderr                 the bytes, each at its offset
    stdout.kept stderr.kept       a line a segment: its offset, its length, its time

A segment is kept once its line is there, and its line is written when its bytes are on the disk. So writing it again,
or half of it before a crash, does no harm, and several processes may write the same.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from re import fullmatch
from threading import get_ident
from typing import Final

from wfe.model.ids import AttemptKey
from wfe.ports.logs import LogRecord, Place, Segment, Stream, place_in_time
from wfe.supervisor.layout import ABOUT, attempt_directory

_SUFFIX: Final = ".kept"
_LINE: Final = r"(\d+) (\d+) (\S+);"


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    """What is kept of an attempt."""

    directory: Path
    key: AttemptKey
    instance_name: str
    workflow: str

    def lines(self) -> Iterator["KeptLine"]:
        """Yield its segments, each once."""
        for stream in Stream:
            for offset, (length, at) in read_lines(self.directory / f"{stream}{_SUFFIX}").items():
                yield KeptLine(self, stream, offset, length, at)


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A segment that is kept, without its bytes."""

    attempt: KeptAttempt
    stream: Stream
    offset: int
    length: int
    at: datetime

    @property
    def place(self) -> Place:
        """What it is ordered by."""
        return place_in_time(self.with_data(b"").segment)

    def record(self) -> LogRecord:
        """Read its bytes."""
        with (self.attempt.directory / self.stream).open("rb") as file:
            return self.with_data(os.pread(file.fileno(), self.length, self.offset))

    def with_data(self, data: bytes) -> LogRecord:
        """Return the record that it is with those bytes."""
        segment = Segment(self.attempt.key, self.stream, self.offset, data, self.at)
        return LogRecord(segment, self.attempt.instance_name, self.attempt.workflow)


def kept_attempts(root: Path, below: str = "*") -> Iterator[KeptAttempt]:
    """Yield what is kept below the root, of one directory of an instance or of all."""
    for path in root.glob(f"{below}/*/{ABOUT}"):
        try:
            said = json.loads(path.read_bytes())
            key = AttemptKey(said["instance"], said["path"], said["attempt"])
            yield KeptAttempt(path.parent, key, said["name"], said["workflow"])
        except (OSError, ValueError, KeyError):
            continue  # it is being made, or removed


def keep(root: Path, records: Sequence[LogRecord]) -> None:
    """Keep records of one stream of one attempt; those that are there already change nothing."""
    first = records[0]
    directory, stream = root / attempt_directory(first.segment.key), first.segment.stream
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _introduce(directory / ABOUT, first)
    index = directory / f"{stream}{_SUFFIX}"
    known = set(read_lines(index))
    new = {record.segment.offset: record.segment for record in reversed(records)}
    wanted = [segment for offset, segment in sorted(new.items()) if offset not in known]
    if wanted:
        _write_bytes(directory / stream, wanted)
        _write_lines(index, wanted)


def read_lines(path: Path) -> dict[int, tuple[int, datetime]]:
    """Return length and time of each segment by its offset; of two that say the same the first counts."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    found: dict[int, tuple[int, datetime]] = {}
    for line in text.splitlines():
        if matched := fullmatch(_LINE, line):
            offset, length, at = matched.groups()
            found.setdefault(int(offset), (int(length), datetime.fromisoformat(at)))
    return found


def _introduce(path: Path, record: LogRecord) -> None:
    if path.exists():
        return
    key = record.segment.key
    about = {
        "instance": key.instance,
        "path": key.path,
        "attempt": key.attempt,
        "name": record.instance_name,
        "workflow": record.workflow,
    }
    # Several processes may be at it, and several threads of each.
    draft = path.with_name(f".{ABOUT}.{os.getpid()}.{get_ident()}")
    draft.write_text(json.dumps(about))
    draft.replace(path)


def _write_bytes(path: Path, segments: Sequence[Segment]) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for segment in segments:
            os.pwrite(file, segment.data, segment.offset)
        os.fdatasync(file)
    finally:
        os.close(file)


def _write_lines(path: Path, segments: Sequence[Segment]) -> None:
    lines = [f"{one.offset} {len(one.data)} {one.at.astimezone(UTC).isoformat()};\n" for one in segments]
    # Whoever was killed in the middle of a line left it without an end; what begins with a break stands apart.
    text = "\n" + "".join(lines)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, text.encode())
        os.fdatasync(file)
    finally:
        os.close(file)
