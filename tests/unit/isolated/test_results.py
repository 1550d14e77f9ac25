"""What an isolated step put out, and its log, from the bytes that the kubelet has of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pods.homes import KEY, a_task
from wfe.errors import WfeError
from wfe.executors.pod.logs import LogCut
from wfe.executors.pod.results import has_frame, outputs_in
from wfe.model.json import Data
from wfe.ports.logs import SEGMENT_LIMIT

NOW = datetime(2030, 1, 1, tzinfo=UTC)
STAMP = b"2030-01-01T12:00:01.123456789Z "
DIRECT = a_task(argv=("/app",), files={})
SECRET = {"TOKEN": ("registry", "token")}
FRAME = b"##wfe[outputs 3 4]\nabcd=1\n\n##wfe[end]\n"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("outputs 0 4\na=1\n", {"a": 1}, id="a-file"),
        pytest.param("outputs 23 0\n##wfe[output a=first]\n\n", {"a": "first"}, id="marker-lines"),
        pytest.param("outputs 23 4\n##wfe[output a=first]\n\na=1\n", {"a": 1}, id="the-file-wins"),
        pytest.param('outputs 0 9\n{"a": []}', {"a": []}, id="an-object"),
        pytest.param("something else", {}, id="not-ours"),
    ],
)
def test_outputs_come_in_the_termination_message(message: str, expected: Data) -> None:
    assert outputs_in(a_task(), message, b"") == expected


def test_a_command_without_a_shell_writes_the_message_itself() -> None:
    assert outputs_in(DIRECT, '{"n": 1}', b"") == {"n": 1}
    assert outputs_in(DIRECT, "a=1\nb=x", b"") == {"a": 1, "b": "x"}
    assert outputs_in(a_task(argv=("/app",), secrets=SECRET), "a=1", b"") == {}


@pytest.mark.parametrize(
    ("task", "message", "log", "words"),
    [
        pytest.param(DIRECT, f"a={'x' * 4094}", b"", "4096 bytes or more", id="as-much-as-the-kubelet-keeps"),
        pytest.param(a_task(secrets=SECRET), "kept 0 5\n", b"", "puts out nothing", id="secrets"),
        pytest.param(a_task(), "kept 0 5000000\n", b"", "5000000 bytes", id="too-many"),
        pytest.param(a_task(), "outputs 0 9\na=1\n", b"", "read whole", id="cut-short"),
        pytest.param(a_task(), "logged 3 4\n", b"", "read whole", id="no-log"),
        pytest.param(a_task(), "logged 3 5\n", FRAME, "read whole", id="another-frame"),
        pytest.param(a_task(), "logged 3 4\n", FRAME + b"more\n", "read whole", id="somebody-wrote-on"),
    ],
)
def test_outputs_that_are_not_whole_are_refused(task: object, message: str, log: bytes, words: str) -> None:
    with pytest.raises(WfeError, match=words):
        outputs_in(task, message, log)  # type: ignore[arg-type]  # a task


@given(st.binary(max_size=60).map(lambda body: body.replace(b"\r", b"")), st.integers(0, 40))
def test_a_frame_at_the_end_of_the_log_is_read_whatever_stands_before_it(before: bytes, size: int) -> None:
    body = b"k=%b\n" % (b"v" * size)
    frame = b"##wfe[outputs 0 %d]\n%b\n##wfe[end]\n" % (len(body), body)
    message = f"logged 0 {len(body)}\n"
    assert has_frame(message)
    found = outputs_in(a_task(), message, b"##wfe[outputs 9 9]\n" + before + b"\n" + frame)
    assert found == {"k": "v" * size}


def cut(*pieces: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the segments of a log that came in pieces, and what is held back."""
    log = LogCut(KEY, NOW)
    found = [segment for piece in pieces for segment in log.feed(piece)]
    found += log.finish()
    return [(segment.offset, segment.data) for segment in found], log.held


@pytest.mark.parametrize(
    ("log", "segments", "held"),
    [
        pytest.param(b"", [], b"", id="nothing"),
        pytest.param(STAMP + b"a\n" + STAMP + b"b", [(0, b"a\n"), (2, b"b")], b"", id="lines"),
        pytest.param(STAMP + b"\n", [(0, b"\n")], b"", id="an-empty-line"),
        pytest.param(b"it is rotated\n", [(0, b"it is rotated\n")], b"", id="words-of-the-kubelet"),
        pytest.param(
            STAMP + b"a\n" + STAMP + b"##wfe[outputs 0 1]\n" + STAMP + b"x\n",
            [(0, b"a\n")],
            b"##wfe[outputs 0 1]\nx\n",
            id="a-frame",
        ),
        pytest.param(STAMP + b"##wfe[out\n", [(0, b"##wfe[out\n")], b"", id="no-frame"),
        pytest.param(STAMP + b"##wf", [(0, b"##wf")], b"", id="its-beginning-at-the-end"),
        pytest.param(
            STAMP + b"x" * 20000 + b"\n",
            [(0, b"x" * SEGMENT_LIMIT), (SEGMENT_LIMIT, b"x" * (20000 - SEGMENT_LIMIT) + b"\n")],
            b"",
            id="a-long-line",
        ),
    ],
)  # fmt: skip
def test_a_log_is_cut_into_segments(log: bytes, segments: list[tuple[int, bytes]], held: bytes) -> None:
    assert cut(log) == (segments, held)
    assert cut(*(log[at : at + 1] for at in range(len(log)))) == (segments, held)


def test_a_segment_has_the_time_of_its_line() -> None:
    (segment,) = LogCut(KEY, NOW).feed(STAMP + b"a\n")
    assert segment.at == datetime(2030, 1, 1, 12, 0, 1, 123456, tzinfo=UTC)
