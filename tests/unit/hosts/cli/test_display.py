import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.display.plain import PlainDisplay
from wfe.hosts.cli.display.rows import Prefixes, Row, Rows
from wfe.hosts.cli.display.tree import tree_lines
from wfe.hosts.cli.display.words import clock_time, duration
from wfe.language.load import load_text
from wfe.model.failure import Failure, Reason
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance, ParentRef, WorkflowRef
from wfe.model.pointer import Pointer
from wfe.model.record import StepChanged
from wfe.model.status import StepStatus
from wfe.ports.logs import Segment, Stream

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
S = StepStatus


@pytest.mark.parametrize(
    ("span", "text"),
    [
        pytest.param(0, "0ms", id="nothing"),
        pytest.param(-1, "0ms", id="a-clock-went-back"),
        pytest.param(0.34, "340ms", id="milliseconds"),
        pytest.param(0.9996, "1.0s", id="never-1000ms"),
        pytest.param(2.14, "2.1s", id="seconds"),
        pytest.param(59.96, "1m00s", id="never-60s"),
        pytest.param(200, "3m20s", id="minutes"),
        pytest.param(7500, "2h05m", id="hours"),
        pytest.param(100_800, "1d4h", id="days"),
    ],
)
def test_a_duration_is_said_in_two_units(span: float, text: str) -> None:
    assert duration(timedelta(seconds=span)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain äöü 漢字", "plain äöü 漢字", id="letters-stay"),
        pytest.param("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇", id="escapes-become-pictures"),
        pytest.param("a\tb", "a\tb", id="tabs-stay"),
        pytest.param("safe\rfake", "safe␍fake", id="carriage-return-does-not-overwrite"),
        pytest.param("\x9b31m", "�31m", id="c1-escapes"),
        pytest.param("abc\u202edcba", "abc�dcba", id="no-reordering"),
        pytest.param(b"\xff\xfeok", "��ok", id="bytes-that-are-no-text"),
    ],
)
def test_text_of_others_cannot_take_over_the_terminal(text: str | bytes, shown: str) -> None:
    assert neutral(text) == shown


def a_row(path: str, status: StepStatus = S.COMPLETE, **more: object) -> Row:
    row = Row(path, "shell", status)
    for name, value in more.items():
        setattr(row, name, value)
    return row


def test_steps_stand_under_what_they_belong_to_in_the_order_they_came() -> None:
    rows = [
        a_row("each"),
        a_row("last"),
        a_row("each[0]/add"),
        a_row("each[0]/add/on_failure"),
        a_row("each[1]/add"),
    ]

    lines = [line.text for line in tree_lines(rows, now=NOW)]

    assert lines == ["✓ each", "  ✓ [0]/add", "    ✓ on_failure", "  ✓ [1]/add", "✓ last"]


def test_a_step_named_like_the_beginning_of_another_is_not_its_parent() -> None:
    lines = [line.text for line in tree_lines([a_row("a"), a_row("ab"), a_row("a#2/x")], now=NOW)]

    assert lines == ["✓ a", "  ✓ #2/x", "✓ ab"]


def test_a_running_step_shows_its_time_its_attempt_and_its_last_lines() -> None:
    row = a_row("build", S.RUNNING, started=NOW - timedelta(seconds=2), attempt=3)
    row.tail.extend(["one", "two"])

    lines = [line.text for line in tree_lines([row], now=NOW)]

    assert lines == ["▶ build  2.0s  attempt 3", "  │ one", "  │ two"]


def test_a_step_that_waits_for_its_next_attempt_says_why_and_when() -> None:
    failure = Failure(reason=Reason.EXIT_CODE, message="exited with code 1\nmore")
    row = a_row("build", S.SLEEPING, failure=failure, wake_at=NOW + timedelta(seconds=5))

    assert tree_lines([row], now=NOW)[0].text == "… build  exited with code 1; again in 5.0s"


def test_a_tree_higher_than_the_terminal_keeps_what_is_busy() -> None:
    rows = [a_row(f"s{number}") for number in range(50)]
    rows.insert(10, a_row("busy", S.RUNNING))

    lines = [line.text for line in tree_lines(rows, now=NOW, height=5)]

    assert lines == ["▶ busy", "✓ s47", "✓ s48", "✓ s49", "… and 47 more"]


def an_instance(name: str, parent: ParentRef | None = None) -> Instance:
    return Instance(id=name, name=name, workflow=WorkflowRef("w", 1, "d"), created_at=NOW, parent=parent)


def changed(path: str, status: StepStatus, seconds: float = 0) -> StepChanged:
    at = NOW + timedelta(seconds=seconds)
    return StepChanged(path=path, node=path, name=path, type="shell", status=status, attempt=1, at=at)


def segment(instance: str, path: str, data: bytes) -> Segment:
    return Segment(AttemptKey(instance, path, 1), Stream.STDOUT, 0, data, NOW)


def plain_lines(*, on_terminal: bool) -> list[bytes]:
    out = io.BytesIO()
    display = PlainDisplay(out, now=lambda: NOW, on_terminal=on_terminal)
    parent, child = an_instance("p"), an_instance("c", ParentRef("p", "call", 1))
    display.heard(parent, changed("call", S.RUNNING))
    display.heard(child, changed("inner", S.RUNNING))
    display.wrote(segment("c", "inner", b"\x1b[31mred\xff\n"))
    display.heard(child, changed("inner", S.COMPLETE, 1.5))
    return [line.split(b" ", 1)[1] for line in out.getvalue().splitlines()]


def test_lines_say_which_step_of_which_child_did_or_wrote_what() -> None:
    assert plain_lines(on_terminal=False) == [
        b"call: Running",
        b"call/inner: Running",
        b"call/inner | \x1b[31mred\xff",
        b"call/inner: Complete after 1.5s",
    ]


def test_lines_on_a_terminal_are_harmless() -> None:
    assert plain_lines(on_terminal=True)[2] == "call/inner | ␛[31mred�".encode()


def test_a_step_that_an_earlier_process_started_took_its_whole_time() -> None:
    out = io.BytesIO()
    display = PlainDisplay(out, now=lambda: NOW, on_terminal=False)
    began = Pointer(path="build", node="build", parent="", started_at=NOW - timedelta(seconds=5))

    source = "workflow: {id: w, steps: [{name: build, config: {run: x}}]}"
    [loaded] = load_text(source.encode(), file="w.yaml", read=lambda _: b"").workflows
    display.begin(loaded.graph, replace(an_instance("i"), pointers={"build": began}))
    display.heard(an_instance("i"), changed("build", S.COMPLETE, 1))

    assert out.getvalue().endswith(b"build: Complete after 6.0s\n")


def test_a_step_that_was_undone_has_its_own_sign() -> None:
    rows = Rows(Prefixes())
    for status in (S.RUNNING, S.COMPLETE, S.COMPENSATED):
        rows.heard(an_instance("i"), changed("book", status))

    assert tree_lines(rows, now=NOW)[0].text.startswith("↶ book")


@pytest.mark.parametrize(
    ("revision", "age"), [pytest.param(1, 3, id="new"), pytest.param(7, 0, id="resumed")]
)
def test_the_first_line_of_a_new_instance_has_the_time_of_its_birth(revision: int, age: int) -> None:
    out = io.BytesIO()
    display = PlainDisplay(out, now=lambda: NOW, on_terminal=False)
    [loaded] = load_text(
        b"workflow: {id: w, steps: [{name: build, config: {run: x}}]}", file="w.yaml", read=lambda _: b""
    ).workflows
    born = NOW - timedelta(seconds=3)
    display.begin(loaded.graph, replace(an_instance("i"), created_at=born, revision=revision))

    assert out.getvalue().decode().startswith(clock_time(NOW - timedelta(seconds=age)))
