"""One container of a runner, and the steps that run there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from wfe.errors import Permanent, WfeError
from wfe.executors.runner.connection import Connection
from wfe.executors.runner.endings import cancelled, has_restarted, lost, lost_in
from wfe.executors.runner.errors import ContainerStuck, PodGone
from wfe.executors.runner.files import preparation, starting
from wfe.executors.runner.leftovers import Leftover, Past
from wfe.executors.runner.room import Room
from wfe.executors.runner.runner import Runner
from wfe.executors.runner.seen import Blocked, NotReady, Unscheduled, Up
from wfe.executors.runner.steplog import StepLog
from wfe.model.failure import Reason
from wfe.model.ids import AttemptKey
from wfe.model.json import Data
from wfe.model.signals import TaskEnded
from wfe.model.task import ProcessTask
from wfe.supervisor import protocol
from wfe.supervisor.answers import End, EndReason
from wfe.supervisor.layout import attempt_directory
from wfe.supervisor.link import SupervisorAway, TaskRefused
from wfe.supervisor.masking import Masker, outputs_without_secrets
from wfe.supervisor.outcome import outcome_of, refused
from wfe.supervisor.outputs import READ_LIMIT, counts_markers

_LOOK_EVERY_SECONDS: Final = 1.0
_STATUS_LOOKS: Final = 20
_STATUS_LOOK_SECONDS: Final = 0.5
_REFUSALS: Final[Mapping[str, tuple[Reason, str]]] = {
    "secret": (Reason.CONFIG_INVALID, "a secret that it refers to is not there; create it, with that key"),
    "storage": (Reason.ERROR, "its runner has no room left to keep what runs; end some steps or instances"),
}


class OutputsUnreadable(Permanent):
    """WFE_OUTPUT is not a file any more."""


@dataclass(slots=True)
class _Step:
    """A step whose end is not known."""

    name: str
    restarts: int
    brought: int
    given_up: asyncio.Event = field(default_factory=asyncio.Event)


class RunnerContainer:
    """Runs steps in one container of one pod."""

    def __init__(self, runner: Runner, name: str, room: Room) -> None:
        self._runner = runner
        self._name = name
        self._room = room
        self._connection = Connection(runner, name, room, self._note_cut_off)
        self._link = self._connection.link
        self._channel = self._connection.channel
        self._live: dict[AttemptKey, _Step] = {}
        self._cut_off: frozenset[AttemptKey] = frozenset()
        self._readings: set[asyncio.Task[bool]] = set()

    @property
    def uid(self) -> str:
        """The pod's."""
        return self._runner.uid

    @property
    def is_idle(self) -> bool:
        """Whether no step waits for its end here."""
        return not self._live

    async def run(self, task: ProcessTask, *, is_cancelled: bool) -> TaskEnded:
        """Start a task or find it, and tell how it ended.

        Args:
            is_cancelled: it was killed before anybody ran it: its key is claimed as cancelled first.
        """
        name = attempt_directory(task.key)
        paths = self._room.paths(self._runner.home.needs.workspace.mount_path)
        try:
            command = preparation(task, name, self._connection.out, paths)
            command += starting(task, name, self._runner.uid)
        except Permanent as error:
            return refused(task, Reason.CONFIG_INVALID, str(error))
        step = self._live[task.key] = _Step(name, self._restarts(), len(command))
        try:
            if is_cancelled:
                await self.kill(task.key, task.grace)
            return await self._followed(task, step, command)
        except PodGone as error:
            return lost(task, str(error))
        except ContainerStuck as error:
            return refused(task, Reason.ERROR, str(error))
        except TaskRefused as error:
            return refused(task, *_REFUSALS.get(error.why, (Reason.ERROR, str(error))))
        except SupervisorAway:
            return lost(task, "its pod was given back while it ran")
        finally:
            self._link.forget(name)
            del self._live[task.key]

    async def kill(self, key: AttemptKey, grace: timedelta) -> None:
        """End a step that `run` was called for; one whose container does not come up is given up."""
        step = self._live.get(key)
        if step is None:
            return
        taken = asyncio.create_task(self._kill(step.name, grace), name="kill")
        try:
            while not taken.done():
                await asyncio.wait([taken], timeout=_LOOK_EVERY_SECONDS)
                if isinstance(self._runner.look(self._name), Blocked | Unscheduled | NotReady):
                    step.given_up.set()
                    return
        finally:
            taken.cancel()

    def make_room(self, key: AttemptKey) -> None:
        """Make the directories of a step that may start soon, if a supervisor listens: that costs it a process."""
        self._link.tell(protocol.room(attempt_directory(key)))

    def acknowledge(self, names: Sequence[str]) -> None:
        """Have the supervisor remove what attempts left, but for their claims."""
        for command in protocol.acks(names):
            self._link.tell(command)

    async def written(self) -> frozenset[str]:
        """Return the names of all attempts whose output is still here; none where nothing ever ran.

        Raises:
            WfeError: nobody can tell.
        """
        if not isinstance(self._runner.look(self._name), Up) and not self._restarts():
            return frozenset()
        return await self._channel.written()

    async def read_again(self, past: Past) -> None:
        """Hand on the log of an attempt that has ended, from its first byte.

        Raises:
            WfeError: it cannot be had.
        """
        name = attempt_directory(past.key)
        masker = await self._connection.masker()
        log = StepLog(self._channel, name, past.key, self._room.sink, masker, lambda: past.ended_at)
        await log.finish(End(name, None, EndReason.EXIT, None, None))

    async def drain(self) -> None:
        """Wait until the logs of all that ended have been handed on, or for as long as that may take."""
        if self._readings:
            await asyncio.wait(self._readings, timeout=self._room.settings.drain_patience.total_seconds())

    async def close(self) -> None:
        """Hang up; what runs goes on."""
        for reading in self._readings:
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)
        await self._connection.close()

    async def _kill(self, name: str, grace: timedelta) -> None:
        try:
            await self._link.kill(name, protocol.kill(name, grace))
        except WfeError:
            # Whatever it is, `run` hears of it too.
            return

    async def _followed(self, task: ProcessTask, step: _Step, command: bytes) -> TaskEnded:
        masker = await self._connection.masker()
        self._channel.open_early()
        log = StepLog(self._channel, step.name, task.key, self._room.sink, masker, self._room.now)
        following = asyncio.create_task(_quietly(log.follow()), name="follow")
        try:
            end = await self._end(step, command)
        finally:
            following.cancel()
            await asyncio.wait([following])
        if end is None:
            return cancelled(task)
        reading = self._read_to_end(task.key, step, log, end)
        if end.reason is EndReason.LOST:
            return await self._why_lost(task, step)
        try:
            outputs = await self._outputs(task, end, log, reading, masker)
        except BaseException:
            reading.cancel()
            raise
        return outcome_of(task, end, outputs=outputs, time_of=self._time_of)

    async def _end(self, step: _Step, command: bytes) -> End | None:
        """Wait for the end of a step; None if it was given up."""
        given_up = asyncio.create_task(step.given_up.wait(), name="given up")
        starting = asyncio.create_task(self._started(step.name, command), name="step")
        try:
            await asyncio.wait([given_up, starting], return_when=asyncio.FIRST_COMPLETED)
            return starting.result() if starting.done() else None
        finally:
            given_up.cancel()
            starting.cancel()
            await asyncio.gather(given_up, starting, return_exceptions=True)

    async def _started(self, name: str, command: bytes) -> End:
        return await (await self._link.start(name, command))

    def _read_to_end(self, key: AttemptKey, step: _Step, log: StepLog, end: End) -> "asyncio.Task[bool]":
        """Begin to hand on the rest of the log of a step that has ended."""
        reading = asyncio.create_task(_is_read(log, end), name="drain")
        self._readings.add(reading)
        reading.add_done_callback(self._readings.discard)
        since = asyncio.get_running_loop().time()
        self._room.leftovers.add(
            Leftover(key, step.name, self, reading, lambda: step.brought + log.size, since)
        )
        return reading

    async def _outputs(
        self, task: ProcessTask, end: End, log: StepLog, reading: "asyncio.Task[bool]", masker: Masker
    ) -> Callable[[], Data]:
        """Let the log come in for a moment, and return what reads the outputs."""
        name = attempt_directory(task.key)
        succeeded = end.reason is EndReason.EXIT and end.code == 0
        file = await self._connection.output_file(name) if succeeded and "f" in end.wrote else b""
        await asyncio.wait([reading], timeout=self._room.settings.log_patience.total_seconds())
        markers = log.markers
        if succeeded and counts_markers(task) and "o" in end.wrote and not log.is_whole:
            markers = (await self._link.outputs(name, READ_LIMIT)).get((name, "markers"), b"")

        def outputs() -> Data:
            if "d" in end.wrote:
                raise OutputsUnreadable("the output file cannot be read: it is a directory")
            return outputs_without_secrets(task, masker, markers=markers, file=file)

        return outputs

    async def _why_lost(self, task: ProcessTask, step: _Step) -> TaskEnded:
        """Ask the kubelet, whose word comes a moment after the fact."""
        alone = self._cut_off <= {task.key}
        pod = await self._runner.read()
        for _ in range(_STATUS_LOOKS):
            status = None if pod is None or pod.is_ending else pod.container(self._name)
            if status is None or has_restarted(status, step.restarts) or task.key not in self._cut_off:
                break
            await asyncio.sleep(_STATUS_LOOK_SECONDS)
            pod = await self._runner.read()
        return lost_in(task, pod, self._name, alone=alone, restarts=step.restarts)

    def _restarts(self) -> int:
        status = self._runner.pod and self._runner.pod.container(self._name)
        return status.restart_count if status else 0

    def _time_of(self, centiseconds: int) -> datetime:
        return self._link.time_of(centiseconds, otherwise=self._room.now())

    def _note_cut_off(self) -> None:
        self._cut_off = frozenset(self._live)


async def _is_read(log: StepLog, end: End) -> bool:
    """Hand on the rest of a log; false if that cannot be done."""
    try:
        # Of one that was lost nobody knows what it wrote.
        await log.finish(replace(end, wrote="oe") if end.reason is EndReason.LOST else end)
    except WfeError:
        return False
    return True


async def _quietly(work: Awaitable[None]) -> None:
    """Do something whose failure is told by something else."""
    try:
        await work
    except WfeError:
        return
