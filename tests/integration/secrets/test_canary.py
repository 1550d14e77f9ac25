"""A secret that steps tell in every way is nowhere afterwards, on a laptop and on the servers that it uses."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.canary import LEAKS, VALUE, found_in, workflows
from tests.integration.cli import Cli, end
from tests.integration.secrets.stores import of_opensearch, of_postgres, of_valkey
from wfe.supervisor.layout import UNMASKED


@dataclass
class Laptop:
    """A directory in which the workflows run, and all that is said there."""

    cli: Cli
    store: tuple[str, ...]
    copies: tuple[str, ...]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cli.write(workflows())
        self.cli.write(f"canary/token={VALUE}\n", "../secrets.txt")

    def wfe(self, *arguments: str, code: int | None = 0) -> str:
        done = self.cli(*arguments, *self.store, code=code)
        self.said.append(done.stdout + done.stderr)
        return done.stdout

    def run(self, name: str, code: int = 0) -> None:
        """Run one of the workflows, and ask for all that is known of it."""
        of = ("--workflow", name, "--name", name, "--secrets", "../secrets.txt")
        self.wfe("run", "w.yaml", *of, *self.copies, code=code)
        self.wfe("show", name, "--output", "json")

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield what was said, and every file of the state."""
        yield "what was said", "".join(self.said).encode()
        for path in (self.cli.directory / ".wfe").rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
                if path.suffix == ".db":
                    yield f"the tables of {path}", _tables(path)


def _tables(path: Path) -> bytes:
    """Return what a file of SQLite holds: a value may lie in several pages of it."""
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return b"\n".join(
            value if isinstance(value, bytes) else str(value).encode()
            for name in names
            for row in database.execute(f'SELECT * FROM "{name}"')  # noqa: S608  # from the file itself
            for value in row
        )


def _run_all(laptop: Laptop, leaks: Iterable[str] = LEAKS) -> None:
    laptop.run("tells")
    for name in leaks:
        laptop.run(name, code=1)
    laptop.wfe("show", "tells")
    shown = laptop.wfe("logs", "tells")
    assert "declare -x TOKEN=" in shown or "export TOKEN=" in shown
    assert "*" * len(VALUE) in shown


def test_a_laptop_keeps_it_nowhere(cli: Cli) -> None:
    laptop = Laptop(cli, (), ("--search", "sqlite:.wfe/search.db", "--logs", "files:.wfe/kept"))
    _run_all(laptop)
    places = dict(laptop.everything())
    assert {name: found_in(data) for name, data in places.items() if found_in(data)} == {}
    assert len(places) > 10


@pytest.mark.integration
def test_servers_keep_it_nowhere(cli: Cli, postgres_url: str, opensearch_url: str, valkey_url: str) -> None:
    with (
        of_postgres(postgres_url) as postgres,
        of_opensearch(opensearch_url) as search,
        of_valkey(valkey_url) as valkey,
    ):
        copies = ("--search", search.url, "--logs", search.url, "--queue", valkey.url)
        laptop = Laptop(cli, ("--store", postgres.url), copies)
        _run_all(laptop, ["as-a-value", "by-failing"])
        stores = {one.name: asyncio.run(one.content()) for one in (postgres, search, valkey)}
    # What waits in Valkey is gone when nothing waits.
    assert b"declare -x" in stores["OpenSearch"] or b"export TOKEN" in stores["OpenSearch"]
    assert b"tells" in stores["PostgreSQL"]
    places = {**dict(laptop.everything()), **stores}
    assert {name: found_in(data) for name, data in places.items() if found_in(data)} == {}


def test_what_a_killed_run_left_is_masked_by_the_next(cli: Cli) -> None:
    laptop = Laptop(cli, (), ())
    text = cli.write(workflows().replace("exit 0", "until test -e go; do sleep 0.05; done"))
    process = cli.start("run", text, "--workflow", "tells", "--name", "n", "--secrets", "../secrets.txt")
    state = cli.directory / ".wfe"
    cli.until(lambda: (cli.directory / "kept").exists() and list(state.rglob(UNMASKED)))
    end(process)
    (cli.directory / "go").touch()
    laptop.wfe("resume", "n", "--secrets", "../secrets.txt")
    assert {name: found_in(data) for name, data in laptop.everything() if found_in(data)} == {}
