"""The way into one container: a stream to its supervisor and one for logs, opened again whenever they break."""

import asyncio
from collections.abc import Callable
from posixpath import join
from typing import Final

from wfe.errors import Retryable
from wfe.executors.runner.channel import BLOCKS, LogChannel
from wfe.executors.runner.errors import AttachRefused, ContainerStuck, Overtaken
from wfe.executors.runner.patience import pause
from wfe.executors.runner.room import Room
from wfe.executors.runner.runner import Runner
from wfe.executors.runner.session import ExecSession, bootstrap
from wfe.executors.runner.streams import Place, Slot
from wfe.kube import ApiError, ApiForbidden
from wfe.supervisor.layout import OUTPUT
from wfe.supervisor.link import Link, Session
from wfe.supervisor.masking import Masker
from wfe.supervisor.outputs import READ_LIMIT
from wfe.supervisor.protocol import BLOCK

_NO_SETSID: Final = "its image has neither `setsid` nor `perl`, and steps need one; util-linux has it"


class Connection:
    """One container of one pod.

    Args:
        cut_off: called when a stream to the supervisor is lost.

    Attributes:
        link: the conversation with the supervisor.
        channel: where bytes of files are asked for.
        out: the directory below which its steps write.
    """

    def __init__(self, runner: Runner, name: str, room: Room, cut_off: Callable[[], None]) -> None:
        paths = room.paths(runner.home.needs.workspace.mount_path)
        self.link = Link(self._connect)
        self.channel = LogChannel(self._open_logs)
        self.out = join(paths.out, name)
        self._state = join(paths.state, name)
        self._secret_files = paths.secrets
        self._runner = runner
        self._name = name
        self._room = room
        self._cut_off = cut_off
        self._place = Place(runner.namespace, runner.name, name)

    async def close(self) -> None:
        """Hang up; what runs goes on."""
        await self.channel.close()
        await self.link.close()

    async def masker(self) -> Masker:
        """Return what masks every value that was ever seen in this pod: a secret may change while steps run, and what
        a step of one container writes to the workspace, one of another reads."""
        if any(each.secrets for each in self._runner.home.needs.containers if each.name == self._name):
            for data in (await self.link.values()).values():
                self._runner.secrets.add(data.decode("utf-8", "surrogateescape"))
        return Masker(self._runner.secrets)

    async def output_file(self, name: str) -> bytes:
        """Return what is in WFE_OUTPUT, or as much of it as anybody would read."""
        found = bytearray()
        while len(found) < READ_LIMIT and len(found) % (BLOCKS * BLOCK) == 0:
            piece = await self.channel.fetch(name, OUTPUT, len(found) // BLOCK)
            if not piece:
                break
            found += piece
        return bytes(found[:READ_LIMIT])

    async def _connect(self, link: Link, deaths: int) -> Session:
        failures = deaths
        while True:
            await asyncio.sleep(pause(failures))
            await self._runner.usable(self._name)
            try:
                return await self._attach(link)
            except Overtaken:
                self._runner.note_overtaken()
            except AttachRefused as error:
                if error.why == "setsid":
                    raise ContainerStuck(_NO_SETSID) from error
            except ApiForbidden as error:
                raise ContainerStuck(f"the operator may not reach into its pod: {error}") from error
            except (Retryable, ApiError, OSError, TimeoutError):
                pass
            failures += 1
            if await self._runner.read() is None:
                # `usable` says why.
                failures = 0

    async def _attach(self, link: Link) -> Session:
        epoch = await self._runner.epoch()
        words = (self._state, self._runner.uid, str(epoch), self.out, self._secret_files)
        argv = bootstrap("serve", *words)
        session: ExecSession | None = None

        def hang_up() -> None:
            if session is not None:
                session.hang_up()

        slot = await self._room.streams.open(self._place, argv, hang_up)
        session = ExecSession(slot, link, self._room.now, self._cut_off)
        await session.greet()
        return session

    async def _open_logs(self, hang_up: Callable[[], None]) -> Slot:
        failures = 0
        argv = bootstrap("logs", self._state, self.out)
        while True:
            await self._runner.usable(self._name)
            try:
                return await self._room.streams.open(self._place, argv, hang_up)
            except ApiForbidden as error:
                raise ContainerStuck(f"the operator may not reach into its pod: {error}") from error
            except (ApiError, OSError, TimeoutError):
                failures += 1
                await asyncio.sleep(pause(failures))
                await self._runner.read()
