"""What an engine says to a supervisor, and the grammar of both. Pure: whoever owns the stream moves the bytes.

Commands, each a line under 4 KiB of words with single spaces (`put` is followed by a counted body):

    start KEY INCARNATION TIMEOUT GRACE LIMIT PIPES NAME
                               run KEY/launch once; tell about a key already claimed
    secret NAME ESCAPED        a piece of a variable for the next start; it is written nowhere
    mounted NAME SECRET/KEY    a variable for the next start, from a file below the directory of secrets
    room KEY                   make its directories, ahead of its files
    kill KEY GRACE             SIGTERM, then SIGKILL; claim a key never claimed as cancelled
    put KEY NAME SIZE + body   a file for an unclaimed key; a short one in one line, `text KEY NAME ESCAPED`
    outputs KEY LIMIT          what it wrote to WFE_OUTPUT and as markers, if anything
    ack KEY...                 their ends are saved: forget all but the claims
    values                     what the mounted secrets are, so that they can be masked
    list, ping WORD

Answers (`answers.py`), each one write of at most 4,096 bytes; `end` also comes unasked, and any answer may come twice:

    hello VERSION INCARNATION EPOCH CLOCK        first of all
    live KEY, end KEY CODE REASON STARTED ENDED WROTE, acked KEY, refused KEY WHY
    killed KEY, bytes KEY file|markers|value HEX…, outputs KEY, listed, pong WORD, stale EPOCH

On a stream of its own, so that no outcome waits behind them, the bytes of logs: `KEY STREAM BLOCK COUNT WORD` asks
for so many blocks of 4,096 bytes, and the answer is what there is of them, and WORD on the line behind. `- - 0 0 WORD`
asks for the keys of all that wrote something and has not been acknowledged, each on a line, some twice.

KEY is two safe names with a slash between. WROTE has an `o` where there is something on stdout, an `e` for stderr, an
`f` for WFE_OUTPUT, or a `d` where that is a directory; an `m` if it was killed in a container that has run out of
memory. NAME stands before the lines that PID 1 of a container copies; `-` keeps it from that. Times are centiseconds
of the supervisor's clock, which counts from anywhere: `hello` tells what it showed just then. `-` stands for what is
not known.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Final

from wfe.errors import Permanent

VERSION: Final = 1
LINE_LIMIT: Final = 4000
BLOCK: Final = 4096
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MOUNTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}/[A-Za-z0-9._-]{1,253}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NOT_PLAIN: Final = re.compile(rb"[^ -\[\]-~]")
# A shell reads these lines byte by byte, and what they bring has many lines.
_SHORT: Final = {b"\n": b"\\n", b"\\": b"\\\\"}
_PIECE: Final = 700
_ACKS: Final = 14
_HUNDREDTH = timedelta(milliseconds=10)


class NotSpeakable(Permanent):
    """A name that the protocol cannot carry."""


def start(  # noqa: PLR0913  # one line, and each of its words
    key: str,
    incarnation: str,
    *,
    timeout: timedelta | None,
    grace: timedelta,
    log_limit: int,
    pipes: bool = False,
    secrets: Mapping[str, str] | None = None,
    mounted: Mapping[str, tuple[str, str]] | None = None,
    name: str = "",
) -> bytes:
    """Say: run what lies in KEY/launch, once.

    No timeout is 0, and so is no limit. With `pipes` its streams are pipes (see `launch.reopens_streams`); `secrets`
    are variables, and so are those `mounted`, whose values the supervisor reads. With a name its output is copied.
    """
    until = 0 if timeout is None else max(1, _centiseconds(timeout))
    words = (until, _centiseconds(grace), log_limit, int(pipes), _label(name))
    line = _line("start", _key(key), _safe(incarnation), *words)
    return b"".join((*_secret_lines(secrets or {}), *_mounted_lines(mounted or {}), line))


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/#\[\]-]", "_", name)[:200] or "-"


def _mounted_lines(mounted: Mapping[str, tuple[str, str]]) -> Iterator[bytes]:
    for name, where in mounted.items():
        path = "/".join(where)
        if not _VARIABLE.fullmatch(name) or not _MOUNTED.fullmatch(path):
            raise NotSpeakable(f"`{path}` cannot be the secret behind a variable `{name}`")
        yield _line("mounted", name, path)


def _secret_lines(secrets: Mapping[str, str]) -> Iterator[bytes]:
    for name, value in secrets.items():
        if not _VARIABLE.fullmatch(name):
            raise NotSpeakable(f"`{name}` cannot name an environment variable")
        body = value.encode("utf-8", "replace")
        if b"\0" in body:
            raise NotSpeakable(f"the secret for {name} holds a NUL character; no variable can")
        for start in range(0, max(len(body), 1), _PIECE):
            yield b"secret %s %s\n" % (name.encode(), _escaped(body[start : start + _PIECE]))


def room(key: str) -> bytes:
    """Say: make the directories of a step that may start soon."""
    return _line("room", _key(key))


def kill(key: str, grace: timedelta) -> bytes:
    """Say: end it, or see to it that it never starts."""
    return _line("kill", _key(key), _centiseconds(grace))


def put(key: str, name: str, body: bytes) -> bytes:
    """Say: write this file of a step not yet claimed; a short one without NUL costs no fork there."""
    if b"\0" not in body:
        line = _line("text", _key(key), _safe(name)).rstrip(b"\n") + b" " + _escaped(body) + b"\n"
        if len(line) <= LINE_LIMIT:
            return line
    return _line("put", _key(key), _safe(name), len(body)) + body


def outputs(key: str, limit: int) -> bytes:
    """Ask for the outputs, of each source so many bytes."""
    return _line("outputs", _key(key), limit)


def acks(keys: Sequence[str]) -> Iterator[bytes]:
    """Say: the ends are saved; forget the steps but not their claims."""
    for start in range(0, len(keys), _ACKS):
        yield _line("ack", *map(_key, keys[start : start + _ACKS]))


def values() -> bytes:
    """Ask for the values of the secrets that are mounted."""
    return _line("values")


def log(key: str, stream: str, block: int, count: int, word: str) -> bytes:
    """Ask for blocks of a stream."""
    return _line(_key(key), _safe(stream), block, count, _safe(word))


def written(word: str) -> bytes:
    """Ask, on the stream of logs, who wrote something and has not been acknowledged."""
    return _line("-", "-", 0, 0, _safe(word))


def listing() -> bytes:
    """Ask about every claim."""
    return _line("list")


def ping(word: str) -> bytes:
    """Ask for a sign of life."""
    return _line("ping", _safe(word))


def _line(*words: str | int) -> bytes:
    return " ".join(map(str, words)).encode("ascii") + b"\n"


def _key(key: str) -> str:
    if key.count("/") != 1:
        raise NotSpeakable(f"`{key}` is no key: two names with a slash between are one")
    for part in key.split("/"):
        _safe(part)
    return key


def _safe(name: str) -> str:
    if not _SAFE.fullmatch(name):
        raise NotSpeakable(
            f"`{name}` cannot be a name here; use letters, digits, dots, hyphens and underscores, at most 128"
        )
    return name


def _escaped(body: bytes) -> bytes:
    """Write bytes so that `printf %b` gives them back and `read -r` finds one line."""
    return _NOT_PLAIN.sub(lambda found: _SHORT.get(found[0]) or b"\\0%03o" % found[0][0], body)


def _centiseconds(duration: timedelta) -> int:
    return max(0, ceil(duration / _HUNDREDTH))
