"""The state directory beside a store."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from click.testing import CliRunner

from wfe.executors.local.directory import StateUnusable
from wfe.hosts.cli import main
from wfe.hosts.cli.opening import prepare_store
from wfe.hosts.embedded.host import WorkflowHost


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


def test_a_place_for_the_files_of_steps_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        StateUnusable, match=r"cannot be kept in `.*db\.wfe`: Not a directory; its place has to"
    ):
        prepare_store(f"sqlite:{tmp_path}/file/db", create=True)
    with pytest.raises(StateUnusable, match=r"cannot be kept in `.*file/state/steps`: Not a directory"):
        WorkflowHost(state=tmp_path / "file" / "state")


@pytest.mark.parametrize("verb", [["worker"], ["run", "--detach", "FILE"]], ids=["worker", "detach"])
def test_a_store_that_no_other_process_sees_is_none_for_workers(tmp_path: Path, verb: list[str]) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("workflow: {id: one, version: 1, steps: [{name: a, config: {run: 'true'}}]}")
    words = [str(file) if word == "FILE" else word for word in verb]

    result = CliRunner().invoke(main, [*words, "--store", "memory:"])

    assert (result.exit_code, "seen by one process alone" in result.output) == (2, True), result.output


def test_a_time_to_keep_logs_goes_with_logs(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["worker", "--keep-logs", "1d", "--store", f"sqlite:{tmp_path}/db"])

    assert (result.exit_code, "--keep-logs goes with --logs URL" in result.output) == (2, True), result.output
