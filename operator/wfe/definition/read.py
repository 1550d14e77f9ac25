"""From parsed values to models, with all that is wrong with them at once.

What is wrong with one key is left out and the rest is read on, so that one typo hides nothing. Where names or whole
steps had to go, the checks that would then miss them stay silent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from wfe.definition.children import check_children
from wfe.definition.compile import compile_workflow
from wfe.definition.findings import Finding, Where
from wfe.definition.pruning import is_structure, step_around, to_leave_out, without
from wfe.definition.sentences import MOST, findings_of, is_echo
from wfe.definition.workflow import WorkflowModel
from wfe.graph.graph import Graph

_MOST_ROUNDS: Final = 10
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """A workflow that was read: its model and graph, unless it has errors, and what is wrong with it."""

    model: WorkflowModel | None
    graph: Graph | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What could be read of a workflow, and what was left out of it."""

    model: WorkflowModel | None
    findings: tuple[Finding, ...]
    left_out: Mapping[Where, bool] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether no names and steps were left out."""
        return not any(self.left_out.values())

    def may_cause(self, finding: Finding) -> bool:
        """Return whether a finding may only be there because something was left out."""
        where = finding.where
        for loc, is_structure_ in self.left_out.items():
            step = step_around(loc)
            is_about_step = bool(step) and where[: len(step)] == step and len(where) <= len(step) + 1
            if loc[: len(where)] == where or (is_structure_ and is_about_step):
                return True
        return False


def read_workflow(raw: Raw, *, variables: Iterable[str] = ()) -> Read:
    """Read one workflow. Never raises for what is wrong with it."""
    return read_workflows([raw], variables=variables)[0]


def read_workflows(raws: Sequence[Raw], *, variables: Iterable[str] = ()) -> tuple[Read, ...]:
    """Read workflows that may run one another. Never raises for what is wrong with them."""
    parsed = [_parse(raw) for raw in raws]
    others = {each.model.id: each.model for each in parsed if each.model is not None}
    names = frozenset(variables)
    return tuple(_read(each, others, names) for each in parsed)


def _read(parsed: _Parsed, others: Mapping[str, WorkflowModel], variables: frozenset[str]) -> Read:
    findings = list(parsed.findings)
    model = parsed.model
    if model is not None:
        found = _meaning(model, others, variables, whole=parsed.is_whole)
        findings.extend(islice((each for each in found if not parsed.may_cause(each)), MOST + 1))
    if len(findings) > MOST:
        findings = [
            *findings[:MOST],
            Finding((), f"there are more than {MOST} mistakes", "these are the first"),
        ]
    if model is None or any(finding.is_error for finding in findings):
        return Read(None, None, tuple(findings))
    return Read(model, compile_workflow(model), tuple(findings))


def _meaning(
    model: WorkflowModel, others: Mapping[str, WorkflowModel], variables: frozenset[str], *, whole: bool
) -> Iterator[Finding]:
    # Imported when first used: the checks know every step type, and a stored definition needs none of them.
    from wfe.definition.checks import CHECKS, WHOLE_CHECKS  # noqa: PLC0415
    from wfe.definition.checks.subject import Subject  # noqa: PLC0415

    subject = Subject(model, others, variables)
    for check in (*CHECKS, *(WHOLE_CHECKS if whole else ())):
        yield from check(subject)
    yield from check_children(model, others)


def _parse(raw: Raw) -> _Parsed:
    findings: list[Finding] = []
    left_out: dict[Where, bool] = {}
    for _ in range(_MOST_ROUNDS):
        try:
            return _Parsed(WorkflowModel.model_validate(raw), tuple(findings), left_out)
        except ValidationError as error:
            found = findings_of(error, WorkflowModel, without=left_out)
            errors = islice((each for each in error.errors(include_url=False) if not is_echo(each)), MOST)
        findings.extend(each for each in found if each not in findings)
        if len(findings) > MOST:
            break
        known, before = len(left_out), raw
        for each in errors:
            loc = to_leave_out(tuple(each["loc"]), each["type"], before)
            if loc is not None:
                left_out[loc] = left_out.get(loc, False) or is_structure(loc, each["type"])
                raw = without(raw, loc)
        raw = _filled(raw)
        if len(left_out) == known and raw is before:
            break
    return _Parsed(None, tuple(findings))


def _filled(raw: Raw) -> Raw:
    """Return a workflow with the id that it lacks, so that the rest of it can be looked at."""
    return raw if isinstance(raw.get("id"), str) else {**raw, "id": "workflow"}
