"""The state directory is one, whoever else makes it at the same moment."""

from pathlib import Path

import pytest

from wfe.executors.local import directory
from wfe.executors.local.directory import StateDirectory


def test_two_that_make_it_at_the_same_moment_agree_on_its_incarnation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other begins while this one makes up the word, which each does once."""
    others: list[StateDirectory] = []

    def word(size: int) -> str:
        monkeypatch.setattr(directory, "token_hex", lambda size: "b" * 2 * size)
        others.append(StateDirectory(tmp_path))
        return "a" * 2 * size

    monkeypatch.setattr(directory, "token_hex", word)
    one = StateDirectory(tmp_path)

    (other,) = others
    assert one.incarnation == other.incarnation == StateDirectory(tmp_path).incarnation
    assert one.incarnation.startswith("b" * 16)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".supervisor", "id", "supervisor.sh"]
