"""Spans of an ended instance, made from its history."""

from dataclasses import replace
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from tests.unit.engine.nodes import RETRY, each, graph, task
from tests.unit.engine.play import Play, bad, ok
from wfe.builder import WorkflowBuilder
from wfe.hosts.embedded.host import WorkflowHost
from wfe.hosts.embedded.tracing import record_spans, tracer_provider

INSTANCE = "0af7651916cd43dd8448eb211c80319c"


def spans_of(play: Play) -> dict[str, ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = tracer_provider(SimpleSpanProcessor(exporter))
    history = [play.records[seq] for seq in sorted(play.records)]
    record_spans(provider.get_tracer("wfe"), replace(play.instance, id=INSTANCE), history)
    return {span.name: span for span in exporter.get_finished_spans()}


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def played() -> Play:
    flow = graph(each("e", [1], task("a", error=RETRY)), task("b"))
    return Play(flow, {"e[0]/a": [bad(3), ok()], "b": bad(4)}).sleep(60)


def test_every_visit_and_attempt_has_a_span_under_what_is_around_it() -> None:
    spans = spans_of(played())
    parent = {name: span.parent.span_id if span.parent else None for name, span in spans.items()}
    identity = {name: context_of(span).span_id for name, span in spans.items()}
    assert parent["workflow test"] is None
    assert parent["e"] == identity["workflow test"]
    assert parent["e[0]/a"] == identity["e"]
    assert parent["e[0]/a attempt 1"] == parent["e[0]/a attempt 2"] == identity["e[0]/a"]


def test_the_trace_is_the_instances_own() -> None:
    assert {context_of(span).trace_id for span in spans_of(played()).values()} == {int(INSTANCE, 16)}


def test_what_failed_is_an_error_with_its_reason() -> None:
    spans = spans_of(played())
    failed = {name for name, span in spans.items() if not span.status.is_ok}
    assert failed == {"workflow test", "b", "b attempt 1", "e[0]/a attempt 1"}
    assert (spans["b attempt 1"].attributes or {})["wfe.exit_code"] == 4


def test_spans_have_the_times_that_were_recorded() -> None:
    spans = spans_of(played())
    first, second = spans["e[0]/a attempt 1"], spans["e[0]/a attempt 2"]
    assert first.end_time is not None
    assert second.end_time is not None
    assert second.end_time - first.end_time >= 5_000_000_000


async def test_a_host_makes_the_spans_of_instances_and_children_in_one_trace(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = tracer_provider(SimpleSpanProcessor(exporter))
    child = WorkflowBuilder().start_with(lambda: {"x": 1}).name("inner").build("child")
    parent = WorkflowBuilder().workflow("child").name("outer").build("parent")
    host = WorkflowHost(workspace=tmp_path, state=tmp_path / "state", tracer_provider=provider)
    async with host:
        host.register(child, parent)
        instance = await host.run("parent")
    spans = exporter.get_finished_spans()
    assert {span.name for span in spans} >= {"workflow parent", "workflow child", "outer", "inner"}
    assert {context_of(span).trace_id for span in spans} == {int(instance.trace or "", 16)}


async def test_an_instance_whose_workflow_a_host_does_not_have_is_parked_until_it_is_registered(
    tmp_path: Path,
) -> None:
    workflow = WorkflowBuilder().delay("50ms").then(lambda: {"x": 1}).build("later")
    store = f"sqlite:{tmp_path / 'wfe.db'}"
    async with WorkflowHost(store, workspace=tmp_path) as host:
        instance = await host.start(workflow)
    async with WorkflowHost(store, workspace=tmp_path) as host:
        assert "built in Python" in host.parked[instance]
        host.register(workflow)
        assert (await host.wait(instance)).data == {"x": 1}
        assert not host.parked
