"""A long wait keeps a pod waiting too, if steps before and after it share its workspace."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from wfe.definition.checks.subject import Subject
from wfe.definition.findings import Finding, warning
from wfe.definition.step import Step
from wfe.expr.duration import format_duration, parse_duration
from wfe.expr.template import has_placeholders
from wfe.model.json import Json

LONG: Final = timedelta(hours=1)


def check(subject: Subject) -> Iterator[Finding]:
    workflow = subject.workflow
    if workflow.shared_volume is not None or workflow.workspace in {"volume", "none"}:
        return
    runs = [
        index for index, place in enumerate(subject.places) if not place.step.given() and place.role is None
    ]
    for index, place in enumerate(subject.places):
        length = _length(place.step)
        if length is None or length < LONG or not (runs and runs[0] < index < runs[-1]):
            continue
        yield warning(
            place.where,
            f"in a cluster, a pod waits {format_duration(length)} here to keep its workspace for the steps after it",
            "say `workspace: volume`, or `workspace: none` if they share no files",
        )


def _length(step: Step) -> timedelta | None:
    waits: list[Json] = [step.delay]
    waits += [each.timeout for each in (step.wait_for, step.activity) if each is not None]
    for value in waits:
        if value is not None and not has_placeholders(value):
            return parse_duration(value)
    return None
