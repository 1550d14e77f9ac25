"""The lines as values, and how an end is told to the engine."""

from datetime import UTC, datetime, timedelta

import pytest

from wfe.supervisor import protocol
from wfe.supervisor.answers import (
    Answer,
    Decoder,
    End,
    EndReason,
    Hello,
    Live,
    OutputBytes,
    ProtocolBroken,
    Stale,
    decode,
)
from wfe.supervisor.launch import NotLaunchable, launch_text
from wfe.supervisor.protocol import NotSpeakable


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"hello 1 pod-a 3 4711", Hello(1, "pod-a", 3, 4711)),
        (b"live i/a", Live("i/a")),
        (b"end i/a 3 exit 10 20 oe", End("i/a", 3, EndReason.EXIT, 10, 20, "oe")),
        (b"end i/a - lost - - -", End("i/a", None, EndReason.LOST, None, None, "-")),
        (b"bytes i/a file 00 ff", OutputBytes("i/a", "file", b"\x00\xff")),
        (b"stale 9", Stale(9)),
    ],
)
def test_a_line_is_read(line: bytes, answer: Answer) -> None:
    assert decode(line) == answer


@pytest.mark.parametrize(
    "line", [b"", b"what", b"end i/a x exit 1 2 -", b"end i/a 1 bored 1 2 -", b"live \xff"]
)
def test_a_line_that_no_supervisor_says_is_an_error(line: bytes) -> None:
    with pytest.raises(ProtocolBroken):
        decode(line)


def test_lines_may_be_cut_anywhere() -> None:
    decoder = Decoder()
    heard = [answer for byte in b"live i/a\nlive i/b\nlive" for answer in decoder.feed(bytes([byte]))]
    assert heard == [Live("i/a"), Live("i/b")]


@pytest.mark.parametrize("key", ["a", "a/b/c", "../b", "a/", "a/..", "a/b c", "a/-b", "i/" + "x" * 200])
def test_a_key_is_two_safe_names(key: str) -> None:
    with pytest.raises(NotSpeakable):
        protocol.kill(key, timedelta())


def test_a_timeout_is_rounded_up_and_never_to_none() -> None:
    grace = timedelta(milliseconds=11)
    said = protocol.start("i/a", "x", timeout=timedelta(milliseconds=1), grace=grace, log_limit=5)
    assert said == b"start i/a x 1 2 5 0 -\n"


@pytest.mark.parametrize("secrets", [{"a b": "x"}, {"a;b": "x"}, {"A": "\0"}])
def test_a_secret_that_no_variable_can_hold_is_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(NotSpeakable):
        protocol.start("i/a", "x", timeout=None, grace=timedelta(), log_limit=0, secrets=secrets)


@pytest.mark.parametrize("body", [b"x" * 100, b"\xff" * 1500, b"\0", b""])
def test_no_line_is_longer_than_a_shell_reads_well(body: bytes) -> None:
    line, _, rest = protocol.put("i/a", "f", body).partition(b"\n")
    assert len(line) < 4096
    assert rest == (body if line.startswith(b"put") else b"")


def test_a_text_is_hardly_longer_on_the_line_that_brings_it() -> None:
    said = protocol.put("i/a", "f", b"cd 'a b'\\\n\t\xff")
    assert said == rb"text i/a f cd 'a b'\\\n\0011\0377" + b"\n"


def test_a_time_is_told_by_the_clock_of_who_heard_the_greeting() -> None:
    heard_at = datetime(2030, 1, 1, tzinfo=UTC)
    assert Hello(1, "x", 0, 1000).time_of(1150, heard_at=heard_at) == heard_at + timedelta(seconds=1.5)


@pytest.mark.parametrize(
    ("argv", "env"),
    [(["sh"], {"a-b": ""}), (["sh"], {"1A": ""}), (["sh"], {"": ""}), (["sh\0"], {}), (["sh"], {"A": "\0"})],
)
def test_what_no_process_can_be_given_is_refused(argv: list[str], env: dict[str, str]) -> None:
    with pytest.raises(NotLaunchable):
        launch_text(argv, env, "/")
