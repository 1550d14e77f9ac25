"""Reads the log of a pod that is over and that nobody followed to its end: whoever did is gone."""

import logging
from collections.abc import AsyncIterator

from wfe.executors.pod.following import NOT_KEPT
from wfe.executors.pod.logs import LogCut
from wfe.executors.pod.results import has_frame
from wfe.executors.pod.seen import AttemptPod
from wfe.kube import ApiInvalid, ApiNotFound, Client
from wfe.kube.pods import Terminated
from wfe.kube.resource import PODS
from wfe.model.ids import AttemptKey
from wfe.pods.attempt import CONTAINER, has_secrets
from wfe.ports.logs import LogSink, Segment, Stream

log = logging.getLogger(__name__)


async def read_again(client: Client, pod: AttemptPod, key: AttemptKey, sink: LogSink) -> None:
    """Hand on what a pod wrote, from its first byte, as far as its node still has it.

    Raises:
        Retryable: not now.
    """
    terminated = pod.terminated
    if terminated is None or terminated.started_at is None:
        return
    try:
        async for segment in _segments(client, pod, key, terminated):
            await sink.write(segment)
    except (ApiNotFound, ApiInvalid) as error:
        log.warning("the log of %s is lost with its pod: %s", pod.metadata.name, error)


async def _segments(
    client: Client, pod: AttemptPod, key: AttemptKey, terminated: Terminated
) -> AsyncIterator[Segment]:
    name, namespace = pod.metadata.name, pod.metadata.namespace
    at = terminated.finished_at or client.now()
    if has_secrets(await client.get(PODS, name, namespace)):
        yield Segment(key, Stream.STDERR, 0, NOT_KEPT.encode(), at)
        return
    cut = LogCut(key, at)
    async for piece in client.log(name, namespace, CONTAINER, params={"timestamps": "true"}):
        for segment in cut.feed(piece):
            yield segment
    for segment in cut.finish():
        yield segment
    if not has_frame(terminated.message):
        for segment in cut.let_go():
            yield segment
