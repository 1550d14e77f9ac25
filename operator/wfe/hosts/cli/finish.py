"""What `run`, `resume` and `retry` have in common: follow an instance, say how it ended, return the exit code."""

import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.cli.display.display import Display
from wfe.hosts.cli.displays import print_end, store_words
from wfe.hosts.cli.ends import EXIT_CODES, HALTED, KILLED
from wfe.hosts.cli.following import Killed, follow
from wfe.hosts.cli.opening import Copied
from wfe.hosts.cli.options import DEFAULT_STORE
from wfe.hosts.cli.summary.summary import Summary
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.wiring.engine_room import state_of
from wfe.model.instance import Instance
from wfe.runtime.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of such a verb, typed."""

    raw: Mapping[str, object]
    store: str
    output: str | None
    workspace: Path | None
    env: tuple[str, ...]
    max_tasks: int | None

    @classmethod
    def of(cls, options: Mapping[str, object]) -> "Asked":
        """Read what click parsed."""
        workspace, limit = options.get("workspace"), options.get("max_tasks")
        asked = cls(options, str(options["store"]), None, None, (), None)
        return cls(
            raw=options,
            store=asked.store,
            output=asked.text("output") if "output" in options else None,
            workspace=workspace if isinstance(workspace, Path) else None,
            env=asked.texts("env") if "env" in options else (),
            max_tasks=limit if isinstance(limit, int) else None,
        )

    def text(self, name: str) -> str | None:
        value = self.raw[name]
        return None if value is None else str(value)

    @property
    def copies(self) -> Copied:
        """Where what changes is sent to."""
        return Copied(self.text("search"), self.text("logs"), ship=True)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw[name]
        return tuple(map(str, value)) if isinstance(value, tuple) else ()


async def followed(
    host: WorkflowHost, start: Callable[[], Awaitable[str]], display: Display, asked: Asked
) -> int:
    """Follow an instance and return the exit code that its state means."""
    again = store_words(asked.store, DEFAULT_STORE)
    try:
        instance = await follow(host, start, display)
    except Killed as killed:
        click.echo(f"killed; `wfe resume {killed}{again}` goes on with what is left", err=True)
        return KILLED
    if asked.output == "json":
        click.echo(as_json(await host.describe(instance.id)))
    else:
        await _summarize(host, instance, asked, f"wfe logs {instance.name}{again}")
        print_end(instance, lambda verb, name: f"wfe {verb} {name}{again}")
    return EXIT_CODES.get(instance.status, HALTED)


async def _summarize(host: WorkflowHost, instance: Instance, asked: Asked, logs: str) -> None:
    """Print what the run was, and write it as Markdown beside the store."""
    summary = Summary(instance, await host.steps(instance.id), logs, SystemClock().now())
    directory = state_of(asked.store) / "summaries"
    directory.mkdir(exist_ok=True, parents=True)
    path = directory / f"{instance.id}.md"
    path.write_text(summary.markdown(), "utf-8")
    if lines := summary.terminal(shutil.get_terminal_size().columns):
        click.echo("\n".join(["", *lines, f"summary: {path}", ""]))
