"""The reference of the language: every file in it loads, and what it says about a run is so."""

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.blocks import ROOT, Block, blocks_of, write_files
from tests.docs.commands import run, said
from tests.mappings import mappings_in
from wfe import WorkflowBuilder
from wfe.hosts.embedded.files import load_file

NAME = "docs/language.md"
BLOCKS = blocks_of(NAME)
TEXT = (ROOT / NAME).read_text("utf-8")
FILES = [block for block in BLOCKS if block.language == "yaml"]
EXPECTED = re.compile(
    r"runs(?P<options> --[^:]*(?::[^ ][^:]*)*)?: (?P<status>[A-Z]\w+)(?: (?P<data>\{.*\}))?"
)


def _variables(block: Block) -> dict[str, str]:
    """Return the variables that a run of the block is given."""
    expected = EXPECTED.fullmatch(block.after)
    words = shlex.split(expected["options"] or "") if expected else []
    pairs = [word for option, word in pairwise(words) if option == "--var"]
    return dict(pair.split("=", 1) for pair in pairs)


def _named(block: Block, directory: Path) -> str:
    write_files(BLOCKS, directory)
    name = block.file or "workflow.yaml"
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(block.text, "utf-8")
    return name


@pytest.mark.parametrize("block", FILES, ids=lambda block: block.title)
def test_a_file_loads_or_is_refused_as_the_text_says(block: Block, tmp_path: Path) -> None:
    loaded = load_file(tmp_path / _named(block, tmp_path), _variables(block))
    errors = [str(problem) for problem in loaded.problems if problem.is_error]
    if block.after.startswith("refused: "):
        assert any(block.after.removeprefix("refused: ") in error for error in errors), errors
    else:
        assert not errors


@pytest.mark.parametrize(
    "block", [block for block in FILES if block.after.startswith("runs")], ids=lambda block: block.title
)
def test_a_file_runs_as_the_text_says(block: Block, tmp_path: Path) -> None:
    expected = EXPECTED.fullmatch(block.after)
    assert expected, f"line {block.line}: `{block.after}` says nothing that can be checked"
    options = shlex.split(expected["options"] or "")
    result = run(["wfe", "run", _named(block, tmp_path), "--output", "json", *options], tmp_path)
    document: dict[str, Any] = json.loads(result.stdout or "{}")
    assert document.get("status") == expected["status"], said(result)
    for key, value in json.loads(expected["data"] or "{}").items():
        assert document["data"].get(key) == value, f"{key}: {said(result)}"


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "bash" and block.is_run],
    ids=lambda block: block.title,
)
def test_a_session_runs(block: Block, tmp_path: Path) -> None:
    write_files(BLOCKS, tmp_path)
    result = run(["bash", "-e", "-c", block.text], tmp_path)
    assert result.returncode == 0, said(result)
    assert block.after.removeprefix("prints: ") in result.stdout, said(result)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "python"], ids=lambda block: block.title
)
def test_a_program_runs(block: Block, tmp_path: Path) -> None:
    result = run(["python", "-W", "error", "-c", block.text], tmp_path)
    assert result.returncode == 0, said(result)
    assert block.after.removeprefix("prints: ") in result.stdout, said(result)


def test_every_workflow_says_what_comes_of_it() -> None:
    silent = [block.line for block in FILES if not block.after]
    assert not silent, f"no expectation after the blocks of lines {silent}"


def test_every_rule_has_its_place() -> None:
    anchors = re.findall(r'<a id="rule-(\d+)"></a>', TEXT)
    assert sorted(map(int, anchors)) == list(range(1, 40))


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    slugs |= set(re.findall(r'<a id="([\w-]+)">', TEXT))
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        if path.startswith("http"):
            continue
        assert not path or (ROOT / "docs" / path).exists(), target
        assert path or anchor in slugs, target


def test_every_construct_is_shown_in_a_file() -> None:
    from wfe.definition.step import CONSTRUCTS  # noqa: PLC0415  # collected without it

    shown = [yaml.safe_load(block.text) for block in FILES if not block.after.startswith("refused")]
    used = {key for mapping in mappings_in(shown) for key in mapping}
    assert set(CONSTRUCTS) <= used, set(CONSTRUCTS) - used


def test_every_operator_is_shown() -> None:
    from wfe.expr.condition import ALL_OPERATORS  # noqa: PLC0415  # collected without it

    for operator in ALL_OPERATORS:
        assert f"`{operator}`" in TEXT, operator


def test_every_word_of_the_builder_is_in_the_table() -> None:
    words = [name for name, value in vars(WorkflowBuilder).items() if callable(value) and name[0] != "_"]
    missing = [word for word in words if f"`.{word}(" not in TEXT]
    assert not missing
