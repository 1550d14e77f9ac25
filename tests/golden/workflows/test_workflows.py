"""Files as their authors write them, of the size that they write, run from end to end; `tools/tool` plays the outside.

Each way that a file can go is a row: what it is given, what comes from outside, and what is there in the end.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.golden.workflows.cases import CASES, VARIABLES, Case
from tests.mappings import mappings_in
from wfe import InstanceStatus, StepStatus, WorkflowHost, load_workflow, load_workflows
from wfe.hosts.embedded.files import load_file

HERE = Path(__file__).parent
CONTAINERS = HERE.parents[1] / "integration" / "fake_docker.py"
FILES = sorted(HERE.glob("*.yaml"))
# What the language of WFE for Rust has and this one runs, too.
WORDS = """
    include inputs outputs description error_behavior shared_volume services readiness parallel when
    on_success on_failure ensure run file script permissions modules shell env working_dir timeout image
    memory cpu workflow workflow_version all any none one_of not equals not_equals gt gte lt lte
    contains is_null is_not_null interval max_retries exec args ports type:shell type:deno type:workflow
    type:kubernetes type:retry type:suspend type:terminate type:compensate
"""
PROGRAMS = ("npm", "cargo", "go", "image", "kubectl", "metrics", "db", "pager", "chat")
# What loads with a word: it is of the other system, and means nothing here.
WARNED = {
    "service-pipeline": (
        "`path` and `json_path`",
        "type `kubernetes`",
        "`namespace`",
        "`pull_policy`",
        "`retries`",
    )
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_one_that_somebody_would_write_and_loads(path: Path) -> None:
    assert 100 <= len(path.read_text("utf-8").splitlines()) <= 600
    loaded = load_file(path, VARIABLES)
    expected = WARNED.get(path.stem, ())
    assert len(loaded.problems) == len(expected), loaded.problems
    for problem, what in zip(loaded.problems, expected, strict=True):
        assert what in problem.what
        assert not problem.is_error
    assert load_workflows(path, VARIABLES)
    assert path.stem in {case.file for case in CASES.values()}


def test_every_word_of_the_other_system_that_does_something_here_is_in_a_file() -> None:
    found: set[str] = set()
    for mapping in mappings_in([yaml.safe_load(path.read_text("utf-8")) for path in FILES]):
        found.update(mapping, (f"type:{mapping['type']}",) if isinstance(mapping.get("type"), str) else ())
    missing = set(WORDS.split()) - found
    assert not missing
    text = "".join(path.read_text("utf-8") for path in FILES)
    assert [merge for merge in ("<<: *", "<<: [*", "##wfe[output ", "$WFE_OUTPUT") if merge not in text] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_run_ends_with_what_its_author_expects(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = _workspace(case, tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "tools"), prepend=":")
    monkeypatch.setenv("WFE_CONTAINER_CLI", str(tmp_path / "tools" / "containers"))
    async with WorkflowHost("memory:", workspace=workspace, state=tmp_path / "state") as host:
        every = load_workflows(HERE / f"{case.file}.yaml", case.variables)
        host.register(*every.values())
        main = load_workflow(HERE / f"{case.file}.yaml", case.variables, workflow=case.workflow)
        started = await host.start(main, dict(case.inputs))
        for name, key, payload in case.events:
            await host.publish(name, key, payload)
        if case.mended:
            await _until_suspended(host, started)
            _write(workspace, case.mended)
            await host.resume(started)
        instance = await host.wait(started)
        steps = await host.steps(started)
        log = "".join([f"{line.path}: {line.segment.data!r}\n" async for line in host.logs(started)])
    assert instance.status is case.status, f"{instance.failure}\n{log}"
    outputs = instance.outputs or {}
    assert {key: outputs.get(key) for key in case.outputs} == dict(case.outputs)
    assert set(case.skipped) <= {step.path for step in steps if step.status is StepStatus.SKIPPED}
    calls = (workspace / "calls.log").read_text().splitlines() if (workspace / "calls.log").exists() else []
    assert set(case.calls) <= set(calls)
    assert not [call for call in calls if call.startswith(case.never)] if case.never else True
    assert {path: _content(workspace / path) for path in case.left} == dict(case.left)
    assert _containers(tmp_path / "tools") == case.services


async def _until_suspended(host: WorkflowHost, instance: str) -> None:
    """Return when it is, or has ended."""
    async with host.subscribe() as changes:
        found = await host.get(instance)
        while not (found.status.is_final or found.status is InstanceStatus.SUSPENDED):
            changed, _ = await anext(changes)
            found = changed if changed.id == instance else found


def _containers(directory: Path) -> tuple[str, ...]:
    """Return the names of the services that were started, if all of them are gone."""
    assert not [*directory.glob("running-*")]
    calls = _content(directory / "calls") or ""
    started = [call for call in map(json.loads, calls.splitlines()) if call[0] == "run"]
    return tuple(call[call.index("--name") + 1].rpartition("-")[2] for call in started)


def _content(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _workspace(case: Case, directory: Path) -> Path:
    """Return a directory with what the case begins with, and the programs beside it."""
    tools, workspace = directory / "tools", directory / "workspace"
    tools.mkdir()
    for name in PROGRAMS:
        (tools / name).symlink_to(HERE / "tools" / "tool")
    containers = f'#!/bin/sh\nFAKE_DOCKER="{tools}" exec "{sys.executable}" "{CONTAINERS}" "$@"\n'
    (tools / "containers").write_text(containers)
    (tools / "containers").chmod(0o755)
    workspace.mkdir()
    _write(workspace, case.files)
    if case.history:
        _repository(workspace / "repository", case.history)
    return workspace


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _repository(directory: Path, subjects: tuple[str, ...]) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(("git", "-C", directory, *who, *arguments), check=True, capture_output=True)

    directory.mkdir()
    git("init", "--quiet")
    for number, subject in enumerate(subjects):
        git("commit", "--quiet", "--allow-empty", "--message", subject)
        if number == 0:
            git("tag", "--annotate", "v1.2.3", "--message", "the last one")
