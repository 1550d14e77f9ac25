"""What is kept of a change, as columns."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from wfe.model import codec
from wfe.model.event import Event
from wfe.model.failure import Failure
from wfe.model.instance import Instance
from wfe.model.record import StepRecord
from wfe.ports.mirror import Change
from wfe.providers.postgres.words import digest, kept, readable

Row = tuple[Any, ...]
INSTANCE: Final = 21
STEP: Final = 16
ATTEMPT: Final = 10
EVENT: Final = 7


def columns_of(changes: Sequence[Change]) -> list[list[Any]]:
    """Return the values of the statement `put`; an instance must not be in two of the changes."""
    instances = [_instance(change) for change in changes]
    steps = [_step(change.instance, record) for change in changes for record in change.records]
    attempts = [
        row for change in changes for record in change.records for row in _attempts(change.instance, record)
    ]
    return [*_columns(instances, INSTANCE), *_columns(steps, STEP), *_columns(attempts, ATTEMPT)]


def event_columns(namespace: str, events: Iterable[Event]) -> list[list[Any]]:
    """Return the values of the statement `put_events`."""
    rows = [
        (
            event.published_at,
            topic_of(namespace, event.name, event.key),
            event.sequence,
            readable(namespace),
            readable(event.name),
            readable(event.key),
            codec.dump_json(event.payload).encode(),
        )
        for event in events
    ]
    return _columns(rows, EVENT)


def topic_of(namespace: str, name: str, key: str) -> bytes:
    return digest(namespace, name, key)


def _columns(rows: Sequence[Row], count: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]


def _instance(change: Change) -> Row:
    instance = change.instance
    counts = instance.counts
    return (
        instance.created_at,
        kept(instance.id),
        kept(change.namespace),
        kept(instance.name),
        kept(instance.workflow.id),
        instance.workflow.version,
        instance.status.value,
        instance.parent is None,
        None if instance.parent is None else kept(instance.parent.instance),
        None if instance.reference is None else kept(instance.reference),
        instance.started_at,
        instance.finished_at,
        *_why(instance.failure, instance.reason, instance.message),
        counts.complete,
        counts.failed,
        counts.skipped,
        counts.cancelled,
        counts.compensated,
        instance.revision,
        codec.encode_head(instance),
    )


def _step(instance: Instance, record: StepRecord) -> Row:
    return (
        instance.created_at,
        kept(instance.id),
        record.seq,
        readable(record.path),
        readable(record.name),
        record.type,
        record.status.value,
        record.attempts,
        record.exit_code,
        record.started_at,
        record.ended_at,
        *_why(record.failure, None, record.message),
        None if record.child is None else kept(record.child),
        instance.revision,
        codec.encode_record(record),
    )


def _attempts(instance: Instance, record: StepRecord) -> Iterable[Row]:
    for one in record.attempt_records:
        yield (
            instance.created_at,
            kept(instance.id),
            record.seq,
            one.attempt,
            readable(one.outcome),
            one.exit_code,
            one.started_at,
            one.ended_at,
            *_why(one.failure, None, None),
        )


def _why(failure: Failure | None, reason: str | None, message: str | None) -> tuple[str | None, str | None]:
    if failure is not None:
        reason, message = failure.reason.value, failure.message
    return (None if reason is None else readable(reason), None if message is None else readable(message))
