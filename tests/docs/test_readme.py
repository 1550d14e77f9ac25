"""The README keeps its word: its commands, files and programs run."""

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, blocks_of, write_files
from tests.docs.commands import run, said

BLOCKS = blocks_of("README.md")
TEXT = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return what a newcomer looks at: the files of the README in a directory of their own."""
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns(".wfe", "__pycache__")
    )
    write_files(BLOCKS, tmp_path)
    return tmp_path


def test_the_commands_run_one_after_another(clone: Path) -> None:
    for block in BLOCKS:
        if block.language == "bash" and block.is_run:
            result = run(["bash", "-e", "-c", block.text], clone)
            assert result.returncode == 0, f"README.md line {block.line}: {said(result)}"


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "yaml"], ids=lambda block: block.title
)
def test_a_workflow_is_valid(block: Block, clone: Path) -> None:
    assert block.file, "say which file it is"
    result = run(["wfe", "validate", block.file], clone)
    assert result.returncode == 0, said(result)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "python"], ids=lambda block: block.title
)
def test_a_program_runs(block: Block, clone: Path) -> None:
    result = run(["python", "-W", "error", "-c", block.text], clone)
    assert result.returncode == 0, said(result)
    assert block.after.removeprefix("prints: ") in result.stdout


def test_the_first_workflow_is_the_example_of_its_name() -> None:
    hello = next(block for block in BLOCKS if block.language == "yaml")
    assert hello.text == (ROOT / "examples" / "hello.yaml").read_text("utf-8")
    assert hello.text.count("\n") == 6


def test_the_first_commands_are_two_and_are_there() -> None:
    first = next(block for block in BLOCKS if block.language == "bash")
    commands = [line.split()[0] for line in first.text.splitlines()]
    assert commands == ["hack/demo", "hack/test"]
    for command in commands:
        assert (ROOT / command).stat().st_mode & 0o111


def test_blocks_that_are_not_run_name_what_is_there() -> None:
    """An extra, a script or a verb in them exists."""
    extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    for block in (block for block in BLOCKS if not block.is_run):
        for extra in re.findall(r"\[([\w,]+)\]\"", block.text):
            assert set(extra.split(",")) <= set(extras)
        for script in re.findall(r"\bhack/[\w-]+", block.text):
            assert (ROOT / script).exists()
        for version in re.findall(r"wfe-([\d.]+)-py3-none-any\.whl", block.text):
            assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_tree_has_every_package() -> None:
    tree = next(block.text for block in BLOCKS if block.text.startswith("operator/wfe\n"))
    named = set(
        re.findall(r"(?:── |, )(\w+)(?=[, \n])", "\n".join(line[:28] for line in tree.splitlines()) + "\n")
    )
    package = ROOT / "operator" / "wfe"
    there = {
        path.stem for path in package.iterdir() if not path.name.startswith("_") and path.name != "py.typed"
    }
    assert named == there


def test_every_verb_in_the_text_exists() -> None:
    verbs = import_module("wfe.hosts.cli").VERBS
    words = set(re.findall(r"(?:^|`)wfe ([a-z]+)", TEXT, re.MULTILINE))
    assert words <= set(verbs), words - set(verbs)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", TEXT):
        assert (ROOT / target).exists(), target
