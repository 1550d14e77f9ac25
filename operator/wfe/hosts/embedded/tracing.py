"""OpenTelemetry spans of an instance: the instance, its steps, their attempts. Needs the extra `otel`.

Spans are made when an instance has ended, from its history, with the times that were recorded. So they are whole
after crashes too, and nothing is traced on the hot path. The trace id is the instance's own id (`wfe show` prints
it), and a child's spans are in its root's trace.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from wfe.model.failure import Failure
from wfe.model.instance import Instance
from wfe.model.record import AttemptRecord, StepRecord
from wfe.model.status import InstanceStatus, StepStatus

_trace_id: Final[ContextVar[int | None]] = ContextVar("wfe_trace_id", default=None)


class _InstanceTraceIds(RandomIdGenerator):
    """Trace ids that are the instance's."""

    def generate_trace_id(self) -> int:
        return _trace_id.get() or super().generate_trace_id()


def tracer_provider(processor: SpanProcessor) -> TracerProvider:
    """Return a provider whose traces have the ids of their instances."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "wfe"}), id_generator=_InstanceTraceIds()
    )
    provider.add_span_processor(processor)
    return provider


def exporting_provider() -> TracerProvider:
    """Return a provider that exports over OTLP as the OTEL_EXPORTER_OTLP_* variables say."""
    return tracer_provider(BatchSpanProcessor(OTLPSpanExporter()))


def trace_id_of(instance: Instance) -> str:
    """Return the id of the trace that an instance's spans are in: 32 hexadecimal digits."""
    return instance.trace or instance.root or instance.id


def record_spans(tracer: Tracer, instance: Instance, history: Sequence[StepRecord]) -> None:
    """Make the spans of an instance that has ended."""
    with _in_trace(trace_id_of(instance)):
        span = tracer.start_span(
            f"workflow {instance.workflow.id}",
            start_time=_nanoseconds(instance.started_at or instance.created_at),
            attributes={
                "wfe.instance": instance.id,
                "wfe.instance.name": instance.name,
                "wfe.workflow": instance.workflow.id,
                "wfe.workflow.version": instance.workflow.version,
                "wfe.status": instance.status.value,
            },
        )
        _judge(span, instance.failure, failed=instance.status is InstanceStatus.FAILED)
        spans: dict[str, Span] = {}
        for record in history:
            spans[record.path] = _step(tracer, record, _around(record.path, spans) or span)
        span.end(_nanoseconds(instance.finished_at or instance.created_at))


def _around(path: str, spans: dict[str, Span]) -> Span | None:
    """Return the span of the nearest step around a visit."""
    while "/" in path:
        path = path.rpartition("/")[0]
        found = spans.get(path) or spans.get(path.partition("[")[0]) or spans.get(path.partition("#")[0])
        if found is not None:
            return found
    return None


def _step(tracer: Tracer, record: StepRecord, around: Span) -> Span:
    span = tracer.start_span(
        record.path,
        context=set_span_in_context(around),
        start_time=_nanoseconds(record.started_at or record.ended_at),
        attributes={
            "wfe.step": record.path,
            "wfe.step.type": record.type,
            "wfe.step.attempts": record.attempts,
            "wfe.status": record.status.value,
        },
    )
    for attempt in record.attempt_records:
        _attempt(tracer, record, attempt, span)
    _judge(span, record.failure, failed=record.status is StepStatus.FAILED)
    span.end(_nanoseconds(record.ended_at))
    return span


def _attempt(tracer: Tracer, record: StepRecord, attempt: AttemptRecord, around: Span) -> None:
    span = tracer.start_span(
        f"{record.path} attempt {attempt.attempt}",
        context=set_span_in_context(around),
        start_time=_nanoseconds(attempt.started_at or attempt.ended_at),
        attributes={"wfe.attempt": attempt.attempt, "wfe.outcome": attempt.outcome},
    )
    if attempt.exit_code is not None:
        span.set_attribute("wfe.exit_code", attempt.exit_code)
    _judge(span, attempt.failure, failed=attempt.failure is not None)
    span.end(_nanoseconds(attempt.ended_at))


def _judge(span: Span, failure: Failure | None, *, failed: bool) -> None:
    span.set_status(Status(StatusCode.ERROR, str(failure or "")) if failed else Status(StatusCode.OK))


@contextmanager
def _in_trace(trace_id: str) -> Iterator[None]:
    token = _trace_id.set(int(trace_id, 16))
    try:
        yield
    finally:
        _trace_id.reset(token)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
