"""What a supervisor answers, as values; `protocol.py` has the grammar. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from wfe.errors import WfeError

_HUNDREDTH: Final = timedelta(milliseconds=10)


class ProtocolBroken(WfeError):
    """The other side sent what no supervisor sends."""


class EndReason(StrEnum):
    """Why a step ended. LOST: neither its end nor a live process was found."""

    EXIT = "exit"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    LOG_LIMIT = "loglimit"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Hello:
    """A supervisor took up its work; `clock` is what its clock showed."""

    version: int
    incarnation: str
    epoch: int
    clock: int

    def time_of(self, centiseconds: int, *, heard_at: datetime) -> datetime:
        """Translate a time of the supervisor's clock, given when this greeting was heard."""
        return heard_at + (centiseconds - self.clock) * _HUNDREDTH


@dataclass(frozen=True, slots=True)
class Live:
    """The step runs; its end will be told."""

    key: str


@dataclass(frozen=True, slots=True)
class End:
    """The step ended, or never ran."""

    key: str
    code: int | None
    reason: EndReason
    started: int | None
    ended: int | None
    wrote: str = "oef"


@dataclass(frozen=True, slots=True)
class Killed:
    """The kill was taken; the end follows or was told."""

    key: str


@dataclass(frozen=True, slots=True)
class Acked:
    """Nothing but the claim is left."""

    key: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was not carried out: `incarnation`, `storage`, `secret`, `outputs`, `setsid` or `verb`."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class OutputBytes:
    """A piece of the WFE_OUTPUT file, of the marker lines of stdout, or of the value of a secret."""

    key: str
    source: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outputs:
    """All pieces were told."""

    key: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A supervisor of a higher epoch is at work; this one has ended."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The supervisor is there."""

    word: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Every claim was told about."""


Answer = Hello | Live | End | Killed | Acked | Refused | OutputBytes | Outputs | Stale | Pong | Listed


class Decoder:
    """Turns bytes, cut anywhere, into answers."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Answer]:
        """Yield the answers that these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield decode(line)


def decode(line: bytes) -> Answer:
    """Read one line."""
    try:
        return _decode(line.decode("ascii").split(" "))
    except (ValueError, UnicodeDecodeError) as error:
        raise ProtocolBroken(f"the supervisor said {line[:200]!r}") from error


def _decode(words: list[str]) -> Answer:
    match words:
        case ["hello", version, incarnation, epoch, clock]:
            return Hello(int(version), incarnation, int(epoch), int(clock))
        case ["end", key, code, reason, started, ended, wrote]:
            return End(key, _number(code), EndReason(reason), _number(started), _number(ended), wrote)
        case ["refused", key, why]:
            return Refused(key, why)
        case ["bytes", key, source, *pairs]:
            return OutputBytes(key, source, bytes.fromhex("".join(pairs)))
        case [verb, word] if verb in _ABOUT_ONE:
            return _ABOUT_ONE[verb](word)
        case ["stale", epoch]:
            return Stale(int(epoch))
        case ["listed"]:
            return Listed()
        case _:
            raise ValueError(words)


_ABOUT_ONE: Final[dict[str, type[Live | Killed | Acked | Outputs | Pong]]] = {
    "live": Live,
    "killed": Killed,
    "acked": Acked,
    "outputs": Outputs,
    "pong": Pong,
}


def _number(word: str) -> int | None:
    return None if word == "-" else int(word)
