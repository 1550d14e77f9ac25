"""A process that is gone holds no lease; one that cannot be judged does."""

import os
import sys
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path

import pytest

from wfe.providers.sqlite import SqliteLeases, SqliteStore, holder_alive, holder_name
from wfe.testing.builders import NOON
from wfe.testing.store_contract import opened

ME = os.getpid()
MINUTE = timedelta(minutes=1)


def a_proc(directory: Path, *, boot: str = "boot", pid: int = ME, stat: str = "S", started: int = 77) -> Path:
    (directory / "sys/kernel/random").mkdir(parents=True)
    (directory / "sys/kernel/random/boot_id").write_text(f"{boot}\n")
    (directory / "self/ns").mkdir(parents=True)
    (directory / "self/ns/pid").symlink_to("pid:[9]")
    (directory / str(pid)).mkdir()
    between = " ".join(["0"] * 18)
    (directory / str(pid) / "stat").write_text(f"{pid} (a) b (c)) {stat} {between} {started} 0 0\n")
    return directory


def test_a_process_names_itself(tmp_path: Path) -> None:
    assert holder_name("r", proc=a_proc(tmp_path)) == f"boot/9:{ME}:77:r"


@pytest.mark.parametrize(
    ("holder", "is_alive"),
    [
        pytest.param(f"boot/9:{ME}:77:r", True, id="runs"),
        pytest.param(f"boot/9:{ME + 1}:77:r", False, id="gone"),
        pytest.param(f"boot/9:{ME}:76:r", False, id="its-pid-was-given-to-another"),
        pytest.param(f"other/9:{ME + 1}:77:r", True, id="another-machine-or-boot"),
        pytest.param(f"boot/8:{ME + 1}:77:r", True, id="another-container"),
        pytest.param("boot/9:x:77:r", True, id="no-pid"),
        pytest.param("me", True, id="another-kind-of-name"),
        pytest.param("", True, id="no-name"),
    ],
)
def test_a_holder_is_judged_by_its_process(tmp_path: Path, holder: str, is_alive: bool) -> None:
    assert holder_alive(holder, proc=a_proc(tmp_path)) == is_alive


def test_a_zombie_holds_nothing(tmp_path: Path) -> None:
    assert not holder_alive(f"boot/9:{ME}:77:r", proc=a_proc(tmp_path, stat="Z"))


def test_without_proc_everybody_is_alive(tmp_path: Path) -> None:
    assert holder_alive(holder_name("r", proc=tmp_path), proc=tmp_path)


async def test_the_lease_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    program = "from wfe.providers.sqlite import holder_name; print(holder_name('r'), flush=True); input()"
    async with opened(SqliteStore(str(tmp_path / "x.db"))) as store:
        assert isinstance(store, SqliteStore)
        process = await create_subprocess_exec(sys.executable, "-c", program, stdin=PIPE, stdout=PIPE)
        assert process.stdout
        name = (await process.stdout.readline()).decode().strip()
        theirs = SqliteLeases(store.database, name, now=lambda: NOON)
        mine = SqliteLeases(store.database, holder_name("r"), now=lambda: NOON)
        first = await theirs.acquire("k", MINUTE)
        assert first is not None
        assert await mine.acquire("k", MINUTE) is None
        process.kill()
        await process.wait()
        assert await mine.holder("k") is None
        assert await mine.acquire("k", MINUTE) == first + 1
        assert list(await theirs.renew(MINUTE)) == ["k"]
