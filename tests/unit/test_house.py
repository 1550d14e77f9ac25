"""The rules of the house that no other tool checks."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "wfe"
LONGEST = 400
EMPTY_NAMES = {"utils", "helpers", "common", "base", "manager", "impl", "core"}

# In pieces, so that this file does not break its own rule.
HOSTS = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
    ]
]
UNSPEAKABLE = re.compile("|".join([*map(re.escape, HOSTS), r"(?<![\w.])/" + "work/"]))


def _files_of_the_package() -> Iterator[Path]:
    return (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _files_of_the_project() -> list[Path]:
    """Everything git keeps or would keep; an unpacked archive has no git, and nothing else either."""
    if not (ROOT / ".git").exists():
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_the_directory_operator_is_no_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists(), (
        "it would shadow the standard library's `operator`"
    )


@pytest.mark.parametrize("directory", [ROOT, ROOT / "operator"], ids=["root", "operator"])
def test_the_standard_library_works_when_python_starts_in(directory: Path) -> None:
    code = "import collections, operator; operator.itemgetter"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=directory, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_no_file_is_too_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in _files_of_the_package()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_module_is_named_for_its_concept() -> None:
    names = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in _files_of_the_package()}
    assert [str(path) for path, parts in names.items() if EMPTY_NAMES.intersection(parts)] == []


def test_no_text_depends_on_a_registry_or_on_one_machine() -> None:
    found = []
    for path in _files_of_the_project():
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if UNSPEAKABLE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []
