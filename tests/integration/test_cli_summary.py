"""What `wfe run` says once a run is over."""

from pathlib import Path

import pytest

from tests.integration.cli import Cli

PIPELINE = """
workflows:
  - id: ci
    inputs: {publish: {type: bool, default: false}}
    steps:
      - name: build
        type: workflow
        config: {workflow: make}
      - name: publish
        when: {field: .publish, equals: true}
        config: {run: 'true'}
  - id: make
    outputs: {archive: string}
    steps:
      - name: compile
        config: {run: 'echo "archive=a.tar" >> "$WFE_OUTPUT"'}
      - name: sign
        when: {field: .archive, matches: "exe$"}
        config: {run: 'true'}
"""


def test_a_run_ends_with_a_drawing_and_leaves_a_document(cli: Cli) -> None:
    said = cli("run", cli.write(PIPELINE), "--name", "first").stdout
    assert "✓ build/compile" in said
    for step, reason in (("publish", ".publish equals true"), ("build/sign", '.archive matches "exe$"')):
        assert any(line.split() == f"- {step} only if {reason}".split() for line in said.splitlines()), said
    assert said.splitlines()[-1].startswith("first: Complete"), "the last word is how it ended"
    path = next(line for line in said.splitlines() if line.startswith("summary: ")).removeprefix("summary: ")
    document = (cli.directory / path).read_text()
    assert "# first: Complete" in document
    assert "`wfe logs first`" in document


@pytest.mark.parametrize("output", ["plain", "json"])
def test_one_step_is_not_drawn_and_json_is_nothing_but_json(cli: Cli, output: str, tmp_path: Path) -> None:
    one = "workflow: {id: one, steps: [{name: a, config: {run: 'true'}}]}"
    said = cli("run", cli.write(PIPELINE if output == "json" else one), "--output", output).stdout
    assert "slowest" not in said
