"""The state directory beside a store."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from wfe.hosts.cli.options import prepare_store


def test_runs_that_begin_together_share_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both see that it is not there; one makes it, and the other does not mind."""
    both_have_looked = Barrier(2)
    make = os.mkdir

    def mkdir(path: Path, mode: int = 0o777) -> None:
        if Path(path).name.endswith(".wfe"):
            both_have_looked.wait(timeout=60)
        make(path, mode)

    monkeypatch.setattr(os, "mkdir", mkdir)
    store = f"sqlite:{tmp_path}/db"

    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(lambda _: prepare_store(store, create=True), range(2)))

    assert states == [tmp_path / "db.wfe"] * 2
    assert (states[0] / ".gitignore").read_text() == "*\n"
