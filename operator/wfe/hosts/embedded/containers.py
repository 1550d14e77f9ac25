"""Containers of this machine, by the command line of Docker or Podman."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from wfe.errors import Permanent

CLI_VARIABLE: Final = "WFE_CONTAINER_CLI"
PROGRAMS: Final = ("docker", "podman")
LOOK_SECONDS: Final = 10
LAST_LINES: Final = 10


class NoContainers(Permanent):
    """Neither Docker nor Podman works here; the message says why."""


class ContainerFailed(Permanent):
    """A container could not be started; the message is what the program said."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What `docker run` is told. `env` goes through a file, since arguments can be seen by everybody."""

    name: str
    image: str
    ports: Sequence[int] = ()
    env: Mapping[str, str] | None = None
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    user: int | None = None

    def arguments(self, env_file: Path) -> list[str]:
        """Return the arguments of the program."""
        options = ["--name", self.name]
        for port in self.ports:
            options += ["-p", f"127.0.0.1:{port}:{port}"]
        if self.user is not None:
            options += ["--user", str(self.user)]
        if self.command:
            options += ["--entrypoint", self.command[0]]
        return [
            "run", "-d", *options, "--env-file", str(env_file), self.image, *self.command[1:], *self.args
        ]  # fmt: skip


def container_program(environ: Mapping[str, str] | None = None) -> str:
    """Return the program that runs containers here: WFE_CONTAINER_CLI, or the first of Docker and Podman that works.

    Raises:
        NoContainers: none works.
    """
    chosen = (os.environ if environ is None else environ).get(CLI_VARIABLE)
    reasons: list[str] = []
    for program in (chosen,) if chosen else PROGRAMS:
        if (reason := _why_not(program)) is None:
            return program
        reasons.append(f"`{program}` {reason}")
    raise NoContainers(
        f"services need Docker or Podman here: {'; '.join(reasons)}. Start one of them, or name the program in "
        f"{CLI_VARIABLE}"
    )


def _why_not(program: str) -> str | None:
    if shutil.which(program) is None:
        return "is not installed"
    try:
        done = subprocess.run(
            [program, "info"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOOK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not answer"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return None if done.returncode == 0 else f"does not work ({said[-1] if said else 'it says nothing'})"


@dataclass(frozen=True, slots=True)
class Containers:
    """The containers that a program runs."""

    program: str

    async def start(self, spec: ContainerSpec) -> None:
        """Start a container, unless one of its name runs; one that has ended makes room.

        Raises:
            ContainerFailed: it could not be started.
        """
        if await self.is_running(spec.name):
            return
        await self.remove(spec.name)
        with TemporaryDirectory(prefix="wfe-") as directory:
            file = Path(directory) / "env"
            file.touch(mode=0o600)
            file.write_text(_env_lines(spec.env or {}))
            code, said = await self._call(*spec.arguments(file))
        if code:
            raise ContainerFailed(said.strip() or f"`{self.program} run` exited with {code}")

    async def is_running(self, name: str) -> bool:
        code, said = await self._call("inspect", "--format", "{{.State.Running}}", name)
        return code == 0 and said.strip() == "true"

    async def succeeds(self, name: str, command: Sequence[str]) -> bool:
        """Run a command in a container and say whether it succeeded."""
        code, _ = await self._call("exec", name, *command)
        return code == 0

    async def last_lines(self, name: str) -> list[str]:
        """Return the last lines that a container wrote."""
        code, said = await self._call("logs", "--tail", str(LAST_LINES), name)
        return said.splitlines()[-LAST_LINES:] if code == 0 else []

    async def remove(self, name: str) -> None:
        """Stop and remove a container; harmless if there is none."""
        await self._call("rm", "-f", name)

    async def _call(self, *arguments: str) -> tuple[int, str]:
        # In a session of its own: a Ctrl-C is ours to act on.
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        return process.returncode or 0, output.decode("utf-8", "replace")


def _env_lines(env: Mapping[str, str]) -> str:
    for name, value in env.items():
        if "\n" in value or "\r" in value:
            raise ContainerFailed(
                f"the value of `{name}` has several lines, which containers cannot be given"
            )
    return "".join(f"{name}={value}\n" for name, value in env.items())
