"""Follows one pod to its end: its state by the informer, its log, and the times when something has to happen."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from wfe.errors import Retryable
from wfe.executors.pod.endings import Ending, Why
from wfe.executors.pod.errands import Errands
from wfe.executors.pod.judging import due, ending_of_due
from wfe.executors.pod.logs import LogCut
from wfe.executors.pod.seen import AttemptPod
from wfe.kube import ApiError, ApiNotFound, Client, Informer
from wfe.model.task import ProcessTask
from wfe.pods.attempt import CONTAINER, sees_secrets
from wfe.pods.settings import PodSettings
from wfe.ports.logs import LogSink, Segment, Stream

log = logging.getLogger(__name__)
T = TypeVar("T")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_LOG_TRIES: Final = 3
_END_SECONDS: Final = 2.0
# What ends a wait in any case: an informer tells of everything, and this costs nothing.
_LOOK_AGAIN_SECONDS: Final = 300.0
NOT_KEPT: Final = (
    "the output of this step is not kept: it sees secrets, and in a pod of its own nobody can mask them; "
    "while the pod is there, `kubectl logs` has it\n"
)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a call until it is not refused for now."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await call()
        except Retryable as error:
            log.info("the cluster is asked again in %.1f s: %s", pause, error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


class Following:
    """One pod, from where it may run until it is over and its log is read."""

    def __init__(
        self,
        client: Client,
        informer: Informer[AttemptPod],
        settings: PodSettings,
        task: ProcessTask,
        sink: LogSink,
    ) -> None:
        self._client = client
        self._informer = informer
        self._errands = Errands(client)
        self._settings = settings
        self._task = task
        self._sink = sink
        self._sent = 0
        self._cut: LogCut | None = None

    async def to_its_end(self, pod: AttemptPod, changed: asyncio.Event) -> AttemptPod | None:
        """Wait until the pod is over, and return it as it was then; None: it is gone.

        Args:
            changed: set whenever something of the pod changes.
        """
        started, over = asyncio.Event(), asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                copying = group.create_task(self._copy(pod, started, over), name="log")
                last = await self._until_over(pod, changed, started)
                over.set()
                if not started.is_set():
                    copying.cancel()
        except ExceptionGroup as errors:
            # Whoever called knows one error from another, and has no use for two of them.
            raise errors.exceptions[0] from errors
        return last

    async def _until_over(
        self, pod: AttemptPod, changed: asyncio.Event, started: asyncio.Event
    ) -> AttemptPod | None:
        self._informer.put(pod)
        while True:
            changed.clear()
            now = await self._look(pod)
            if now is None:
                return None
            if now.has_started:
                started.set()
            if now.is_over:
                return now
            if self._is_due(now):
                await self._end(now)
            else:
                await self._wait(now, changed)

    async def _look(self, pod: AttemptPod) -> AttemptPod | None:
        """Return the pod as it is known; that it is gone is asked for."""
        metadata = pod.metadata
        now = self._informer.get(metadata.namespace, metadata.name)
        if now is None or now.metadata.uid != metadata.uid:
            now = await patiently(lambda: self._errands.get(metadata.namespace, metadata.name))
        return now if now is not None and now.metadata.uid == metadata.uid else None

    def _is_due(self, pod: AttemptPod) -> bool:
        if pod.is_deleted:
            return False
        when = due(pod, self._task, self._settings)
        # Somebody wrote down why it ends, and did not come to end it.
        return bool(pod.ending) or (when is not None and when <= self._client.now())

    async def _end(self, pod: AttemptPod) -> None:
        warning = "" if pod.state.running else await patiently(lambda: self._errands.warning(pod))
        ending = ending_of_due(pod, self._task, warning)
        await self._end_for(pod, ending)

    async def _end_for(self, pod: AttemptPod, ending: Ending) -> None:
        await patiently(lambda: self._errands.end(pod, ending, self._task.grace))
        now = await patiently(lambda: self._errands.get(pod.metadata.namespace, pod.metadata.name))
        if now is not None:
            self._informer.put(now)

    async def _wait(self, pod: AttemptPod, changed: asyncio.Event) -> None:
        when = due(pod, self._task, self._settings)
        left = None if when is None or pod.is_deleted else (when - self._client.now()).total_seconds()
        seconds = _LOOK_AGAIN_SECONDS if left is None else min(max(left, 0.01), _LOOK_AGAIN_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                await changed.wait()
        except TimeoutError:
            pass

    async def _copy(self, pod: AttemptPod, started: asyncio.Event, over: asyncio.Event) -> None:
        await started.wait()
        if sees_secrets(self._task):
            now = self._client.now()
            await self._sink.write(Segment(self._task.key, Stream.STDERR, 0, NOT_KEPT.encode(), now))
            return
        failures = 0
        while failures < _LOG_TRIES or not over.is_set():
            self._cut = LogCut(self._task.key, self._client.now())
            try:
                await self._read(pod, self._cut, follow=not over.is_set())
            except ApiError as error:
                failures += 1
                log.info("the log of %s cannot be read: %s", pod.metadata.name, error)
                if over.is_set() and isinstance(error, ApiNotFound):
                    return
            else:
                # A log ends with its container, of which the kubelet tells soon after; else the stream was cut.
                await _either(over, _END_SECONDS)
                if over.is_set():
                    await self._hand_on(*self._cut.finish())
                    return
            await _either(over, min(_FIRST_PAUSE * 2**failures, _LONGEST_PAUSE))

    async def _read(self, pod: AttemptPod, cut: LogCut, *, follow: bool) -> None:
        pieces = self._client.log(
            pod.metadata.name,
            pod.metadata.namespace,
            CONTAINER,
            follow=follow,
            params={"timestamps": "true"},
        )
        async for piece in pieces:
            for segment in cut.feed(piece):
                await self._hand_on(segment)
                if segment.offset > self._task.log_limit:
                    await self._end_for(pod, Ending(Why.LOG_LIMIT))
                    return

    @property
    def log_end(self) -> bytes:
        """What the log ends with, from where a frame of outputs may begin."""
        return self._cut.held if self._cut else b""

    async def let_go(self) -> None:
        """Hand on what was taken for a frame, and was none."""
        if self._cut:
            await self._hand_on(*self._cut.let_go())

    async def _hand_on(self, *segments: Segment) -> None:
        """Give segments to the sink, unless an earlier reading did."""
        for segment in segments:
            if segment.offset >= self._sent:
                await self._sink.write(segment)
                self._sent = segment.offset + len(segment.data)


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
