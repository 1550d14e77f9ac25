"""Lines of steps, as they come out of containers. Pure.

PID 1 of a runner's container writes `[step] text`, whatever runs in it. An isolated pod is one step's, and writes
what that step wrote, with its outputs between two marks if they are large.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from re import split
from typing import Final

from wfe.hosts.cli.cluster.phases import moment

_NAMED: Final = re.compile(rb"\[([^\s\x00-\x1f]{1,200})\] (.*)", re.DOTALL)
_OUTPUTS: Final = re.compile(rb"##wfe\[outputs \d+ \d+\]\s*")
_END: Final = b"##wfe[end]"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._/#\[\]-]")
_INDEX: Final = r"(?:\[\d+\]|#\d+)?/|(?:\[\d+\]|#\d+)$"
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One line that a step wrote.

    Attributes:
        step: its path among the steps of the instance that was asked for, as far as that is known, and behind a `#`
            the number of its attempt, unless it is the first.
        own: the same among all steps of the tree, if that is another; that is what containers say.
    """

    step: str
    text: bytes
    at: datetime
    own: str = ""


def within(line: Line, above: str) -> Line | None:
    """Return what a container said as a line of the instance that stands there in its tree; None if it is not."""
    if not line.step.startswith(above):
        return None
    return replace(line, step=line.step[len(above) :], own=line.step)


def spoken(path: str) -> str:
    """Return the path of a step as containers say it."""
    return _UNSAFE.sub("_", path)[:LONGEST_NAME]


def is_of(step: str, wanted: str | None) -> bool:
    """Say whether a step is the one that is wanted, by its path, or by a name anywhere in it."""
    if wanted is None:
        return True
    wanted = spoken(wanted)
    return step == wanted or step.startswith((f"{wanted}/", f"{wanted}[", f"{wanted}#")) or _has(step, wanted)


def _has(step: str, name: str) -> bool:
    return name in split(_INDEX, step)


@dataclass(slots=True)
class Reader:
    """Makes lines of the bytes of one container's log, which has a time before each line.

    Attributes:
        step: whose lines they are, if the container is one step's.
        since: the time of the last line that was read; what is not later is read again, and left out.
    """

    step: str | None = None
    since: str = ""
    _rest: bytes = b""
    _in_outputs: bool = False
    _empty: Line | None = None

    def read(self, data: bytes) -> Iterator[Line]:
        """Yield the lines that are whole."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield from self._line(line)

    def finish(self) -> Iterator[Line]:
        """Yield what is left."""
        rest, self._rest = self._rest, b""
        if rest:
            yield from self._line(rest)
        yield from self._let_go()

    def again(self) -> None:
        """Begin the log anew: what was read already is left out."""
        self._rest = b""

    def _line(self, line: bytes) -> Iterator[Line]:
        stamp, _, text = line.partition(b" ")
        time = stamp.decode("ascii", "replace")
        at = moment(time)
        if at is None or padded(time) <= self.since:
            return
        self.since = padded(time)
        if self.step is not None:
            yield from self._isolated(Line(self.step, text, at, own=self.step))
        elif found := _NAMED.fullmatch(text):
            name = found[1].decode("utf-8", "replace")
            yield Line(name, found[2], at, own=name)

    def _isolated(self, line: Line) -> Iterator[Line]:
        """Yield a line unless it belongs to what an isolated pod says of its outputs, an empty line before it too."""
        if self._in_outputs:
            self._in_outputs = line.text != _END
        elif _OUTPUTS.fullmatch(line.text):
            self._in_outputs, self._empty = True, None
        else:
            yield from self._let_go()
            if line.text:
                yield line
            else:
                self._empty = line

    def _let_go(self) -> Iterator[Line]:
        empty, self._empty = self._empty, None
        if empty is not None:
            yield empty


def padded(time: str) -> str:
    """Return a time so that it sorts: the servers leave out zeros at the end of fractions."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}"


@dataclass(slots=True)
class Printed:
    """The lines that were printed, so that what the kept log has of them is not printed twice."""

    _lines: "Counter[tuple[str, bytes]]" = field(default_factory=Counter)

    def note(self, line: Line) -> None:
        """Take note of a line."""
        self._lines[_key(line)] += 1

    def has(self, line: Line) -> bool:
        """Say whether a line was printed, and forget it: the next one like it is another."""
        key = _key(line)
        if not self._lines[key]:
            return False
        self._lines[key] -= 1
        return True


def _key(line: Line) -> tuple[str, bytes]:
    return spoken(line.own or line.step), line.text.rstrip(b"\r\n")
