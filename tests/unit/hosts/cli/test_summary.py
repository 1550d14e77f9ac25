"""What a run was: bars, the slowest steps, and a document."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wfe.hosts.cli.summary.gantt import gantt_lines
from wfe.hosts.cli.summary.summary import Summary
from wfe.hosts.embedded.view import StepView
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.status import InstanceStatus, StepStatus

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def visit(path: str, begin: float, end: float | None, status: StepStatus = StepStatus.COMPLETE) -> StepView:
    """Return a visit that began and ended so many seconds after noon."""
    return StepView(
        path=path,
        name=path.rpartition("/")[2],
        type="shell",
        status=status,
        attempts=1,
        started=NOON + timedelta(seconds=begin),
        finished=None if end is None else NOON + timedelta(seconds=end),
    )


SKIPPED = StepView(
    path="push", name="push", type="shell", status=StepStatus.SKIPPED, message="only if .push equals true"
)
NEVER = StepView(path="never", name="never", type="shell", status=StepStatus.PENDING)
STEPS = [visit("build", 0, 10), visit("build/compile", 0, 8), visit("build/link", 8, 10), SKIPPED, NEVER]


def drawn(steps: list[StepView], *, height: int = 99, now: float = 20) -> list[str]:
    return gantt_lines(steps, now=NOON + timedelta(seconds=now), width=37, height=height)


def test_bars_stand_where_their_time_is_and_a_skipped_step_says_why() -> None:
    assert drawn(STEPS) == [
        "✓ build            10.0s  ██████████",
        "✓ build/compile     8.0s  ████████",
        "✓ build/link        2.0s          ██",
        "- push          only if .push equals true",
    ]


def test_what_still_runs_runs_until_now_and_what_took_no_time_is_seen() -> None:
    assert drawn([visit("a", 0, None, StepStatus.RUNNING), visit("b", 20, 20)]) == [
        "▶ a    20.0s  ██████████████████████",
        "✓ b      0ms                       ▏",
    ]


def test_of_too_many_the_shallow_ones_are_shown() -> None:
    lines = drawn([visit("all", 0, 9), *[visit(f"all[{n}]/one", n, n + 1) for n in range(9)]], height=2)
    assert [line.split()[1] for line in lines] == ["all", "all[0]/one", "and"]
    assert lines[-1] == "… and 8 more"


def test_nothing_is_drawn_of_a_run_without_steps() -> None:
    assert not drawn([NEVER])


def summary_of(*steps: StepView, **more: Any) -> Summary:
    instance = Instance(
        id="0a1b",
        name="ci-1",
        workflow=WorkflowRef("ci", 1, "d"),
        created_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=10),
        status=InstanceStatus.FAILED,
        **more,
    )
    return Summary(instance, steps, "wfe logs ci-1", NOON)


def test_the_slowest_are_those_that_hold_no_others() -> None:
    found = summary_of(*STEPS, visit("each", 0, 30), visit("each[0]/x", 0, 9)).slowest()
    assert [(step.path, took.seconds) for step, took in found] == [
        ("each[0]/x", 9),
        ("build/compile", 8),
        ("build/link", 2),
    ]


def test_a_single_step_needs_no_summary_on_the_terminal() -> None:
    assert not summary_of(visit("one", 0, 1)).terminal(80)
    assert summary_of(*STEPS).terminal(80)[-1] == "slowest: build/compile 8.0s, build/link 2.0s"


def test_the_document_has_it_all() -> None:
    text = summary_of(*STEPS, outputs={"tag": "v1"}, message="the end").markdown()
    for part in (
        "# ci-1: Failed after 10.0s",
        "`ci v1`, instance `0a1b`, begun 2026-01-31 12:00:00 UTC.",
        "## Why\n\n```text\nthe end\n```",
        "| build/link | Complete | 1 | 2.0s |  |",
        "| push | Skipped |  |  | only if .push equals true |",
        "## When\n\n```text\n✓ build ",
        "1. build/compile, 8.0s",
        '## Outputs\n\n```json\n{\n  "tag": "v1"\n}\n```',
        "`wfe logs ci-1` shows",
    ):
        assert part in text
    assert "never" not in text


def test_nothing_that_a_step_says_gets_out_of_its_place() -> None:
    failure = Failure(reason=Reason.EXIT_CODE, message="a | b <script> `x`\x1b[2J\nsecond")
    text = summary_of(replace(SKIPPED, failure=failure), message="```\n# not a title").markdown()
    assert "| a \\| b \\<script> \\`x\\`␛\\[2J |" in text
    assert "````text\n```\n# not a title\n````" in text
