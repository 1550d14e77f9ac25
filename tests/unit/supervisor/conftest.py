"""A supervisor under every shell of this machine, and what a test says to it and hears from it."""

import os
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from wfe.supervisor import protocol, script
from wfe.supervisor.answers import Answer, Decoder, Hello
from wfe.supervisor.launch import launch_text

SHELLS = [
    pytest.param(
        (shutil.which(command[0]) or command[0], *command[1:]),
        id=command[0],
        marks=pytest.mark.skipif(shutil.which(command[0]) is None, reason=f"{command[0]} is not installed"),
    )
    for command in (("dash",), ("bash", "--posix"), ("busybox", "ash"))
]
PATIENCE_SECONDS = 30.0

A = TypeVar("A")


class Talk:
    """One supervisor on a state directory."""

    def __init__(
        self,
        shell: tuple[str, ...],
        state: Path,
        incarnation: str,
        epoch: int,
        *,
        out: Path | None = None,
        pod: str | None = None,
    ) -> None:
        self.state = state
        program = state / "supervisor.sh"
        program.write_text(script())
        self.shell = shell
        self.incarnation = incarnation
        self.out = out or state
        places = [] if out is None else [str(out), str(state.parent / "secrets")]
        self.process = subprocess.Popen(
            [*shell, str(program), "serve", str(state), incarnation, str(epoch), *places],
            env={**os.environ, **({} if pod is None else {"WFE_POD": pod})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.heard: list[Answer] = []
        self._decoder = Decoder()
        self._taken = 0

    def say(self, *commands: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(commands))
        self.process.stdin.flush()

    def hear(self, kind: type[A], where: Callable[[A], bool] = lambda _: True) -> A:
        """Return the next answer of that kind, passing over others."""
        while True:
            while self._taken < len(self.heard):
                answer = self.heard[self._taken]
                self._taken += 1
                if isinstance(answer, kind) and where(answer):
                    return answer
            self._receive()

    def start(
        self,
        key: str,
        code: str = "",
        *,
        argv: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        grace: float = 10,
        log_limit: int = 0,
        pipes: bool = False,
        secrets: Mapping[str, str] | None = None,
        mounted: Mapping[str, tuple[str, str]] | None = None,
        name: str = "",
    ) -> None:
        environment = {"PATH": os.environ["PATH"], **(env or {})}
        self.say(
            protocol.put(
                key, "launch", launch_text(argv or ["sh", "-c", code], environment, str(self.state))
            ),
            protocol.start(
                key,
                self.incarnation,
                timeout=None if timeout is None else timedelta(seconds=timeout),
                grace=timedelta(seconds=grace),
                log_limit=log_limit,
                pipes=pipes,
                secrets=secrets,
                mounted=mounted,
                name=name,
            ),
        )

    def read(self, key: str, name: str) -> bytes:
        return (self.out / key / name).read_bytes()

    def size(self, key: str, name: str) -> int:
        return (self.state / key / name).stat().st_size

    def hang_up(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait(PATIENCE_SECONDS)

    def _receive(self) -> None:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE_SECONDS)
        data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
        assert data, f"the supervisor fell silent after {self.heard}"
        self.heard += self._decoder.feed(data)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> tuple[str, ...]:
    command: tuple[str, ...] = request.param
    return command


@pytest.fixture
def connect(shell: tuple[str, ...], tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    talks: list[Talk] = []

    def connect(
        incarnation: str = "here",
        epoch: int = 0,
        *,
        greet: bool = True,
        state: Path = tmp_path,
        out: Path | None = None,
        pod: str | None = None,
    ) -> Talk:
        talk = Talk(shell, state, incarnation, epoch, out=out, pod=pod)
        talks.append(talk)
        if greet:
            talk.hear(Hello)
        return talk

    yield connect
    for talk in talks:
        talk.close()
