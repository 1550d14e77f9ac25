"""Every example runs and ends as it says."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import ROOT
from tests.docs.commands import run, said
from wfe import WorkflowBuilder

EXAMPLES = ROOT / "examples"
OUTPUTS: dict[str, dict[str, Any]] = {
    "hello.yaml": {},
    "release.yaml": {"tag": "hello-1.0.0", "published": False},
    "travel.yaml": {
        "diary": [
            "booked a flight",
            "booked a hotel in Rome",
            "booked a hotel in Pisa",
            "gave the hotel in Pisa back",
            "gave the hotel in Rome back",
            "gave the flight back",
        ]
    },
    "stock.yaml": {"counts": [3, 0, 4], "total": 10, "urgency": "this week"},
    "reminders.yaml": {"knocks": 3, "reminded": True},
    "pipeline-of-rust.yaml": {"coverage": 87.5, "verdict": "revision abc123 is good"},
}
PRINTS = {
    "pizza.py": "is Complete: {'receipt': 'Grace paid 11.00', 'on_the_pizza': ['basil', 'mozzarella']}",
    "durable.py": "parcel-1 is Complete: {'posted': True}",
    "run_pipeline.py": "is Complete: {}",
}
ARGUMENTS = {"run_pipeline.py": [str(EXAMPLES / "hello.yaml")]}


def test_every_example_is_listed_and_expected() -> None:
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".yaml", ".py"}}
    assert files == set(OUTPUTS) | set(PRINTS)
    listing = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({name})" in listing for name in files)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_workflow_ends_with_its_outputs(name: str, tmp_path: Path) -> None:
    result = run(["wfe", "run", str(EXAMPLES / name), "--output", "json"], tmp_path)
    assert result.returncode == 0, said(result)
    document = json.loads(result.stdout)
    assert document["status"] == "Complete"
    for key, value in OUTPUTS[name].items():
        assert document["outputs"][key] == value
    left = [path.name for path in tmp_path.iterdir() if path.name != ".wfe"]
    assert not left, "it cleans up behind itself"


@pytest.mark.parametrize("name", PRINTS)
def test_a_program_says_how_it_ended(name: str, tmp_path: Path) -> None:
    result = run(["python", "-W", "error", str(EXAMPLES / name), *ARGUMENTS.get(name, [])], tmp_path)
    assert result.returncode == 0, said(result)
    assert PRINTS[name] in result.stdout, said(result)


def test_a_killed_program_runs_its_finished_step_once(tmp_path: Path) -> None:
    result = run(["python", str(EXAMPLES / "durable.py")], tmp_path)
    assert result.stdout.count("picking tea") == 1, said(result)
    assert result.stdout.count("posting") == 2, said(result)


def test_the_pizza_uses_every_word_of_the_builder() -> None:
    tree = ast.parse((EXAMPLES / "pizza.py").read_text("utf-8"))
    used = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    words = {
        name for name, value in vars(WorkflowBuilder).items() if callable(value) and not name.startswith("_")
    }
    assert words <= used, words - used


def test_the_demo_runs_and_survives_a_kill(tmp_path: Path) -> None:
    """A copy of the clone, with the virtual environment that runs this test."""
    for name in ("hack", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".wfe"))
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "hack" / "venv").write_text("#!/bin/sh\n")
    (tmp_path / "hack" / "venv").chmod(0o755)
    result = run([str(tmp_path / "hack" / "demo"), "--kill"], tmp_path)
    assert result.returncode == 0, said(result)
    assert "wfe resume demo" in result.stdout
    shown = run(["wfe", "show", "demo"], tmp_path / "demo")
    assert "Complete" in shown.stdout, said(shown)
