"""Every mistake has its sentence: a file with mistakes, and beside it what is said about them.

To write the texts anew after a change of words: `python tests/golden/problems/test_problems.py`, then read the diff.
"""

from pathlib import Path

import pytest

from wfe.definition.checks import CHECKS, WHOLE_CHECKS
from wfe.language.load import load_text

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))


def said(file: Path) -> str:
    def read(path: str) -> bytes:
        return (HERE / path).read_bytes()

    problems = load_text(file.read_bytes(), file=file.name, read=read).problems
    return "".join(f"{problem}\n" for problem in problems)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_mistakes_are_told_all_at_once_with_their_places_and_ways_out(file: Path) -> None:
    assert said(file) == file.with_suffix(".txt").read_text()


def test_every_text_has_its_file() -> None:
    assert {file.stem for file in HERE.glob("*.txt")} == {file.stem for file in FILES}
    assert len(FILES) > len(CHECKS) + len(WHOLE_CHECKS)


if __name__ == "__main__":
    for each in FILES:
        each.with_suffix(".txt").write_text(said(each))
