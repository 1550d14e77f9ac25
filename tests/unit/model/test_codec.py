"""What is stored comes back equal, for every value and every user's JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfe.model import codec
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance, Scope, Undo
from wfe.model.parts import data_part, part_names
from wfe.model.pointer import Pointer, Progress, Span, Wait
from wfe.model.record import AttemptRecord, StepRecord
from wfe.model.signals import SIGNALS, EventArrived, Signal, TaskEnded, TaskOutcome
from wfe.model.status import InstanceStatus
from wfe.testing.builders import NOON, a_pointer, a_record, an_instance

characters = st.characters(exclude_categories=())  # lone surrogates and NUL too
texts = st.text(characters, max_size=8)
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=8)
numbers = st.integers() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False, allow_infinity=False)
jsons = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, jsons, max_size=3)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
times = st.datetimes(timezones=zones)
failures = st.recursive(
    st.builds(
        Failure,
        reason=st.sampled_from(Reason),
        message=plain,
        step=plain,
        exit_code=st.none() | st.integers(),
    ),
    lambda inner: st.builds(
        Failure, reason=st.just(Reason.ERROR), message=plain, also=st.tuples(inner, inner)
    ),
    max_leaves=4,
)
for kind, strategy in {datetime: times, Failure: failures, str: plain}.items():
    st.register_type_strategy(kind, strategy)

spans = st.builds(Span, writes=objects, cursors=objects)
progresses = st.builds(Progress, spans=st.lists(spans, max_size=2).map(tuple))
pointers = st.builds(Pointer, path=paths, result=objects, progress=progresses | st.just(Progress()))
scopes = st.builds(
    Scope, data=objects, locals=objects, cursors=st.dictionaries(texts, st.integers(), max_size=2)
)
records = st.builds(
    StepRecord, outputs=objects, attempt_records=st.lists(st.builds(AttemptRecord), max_size=2).map(tuple)
)
undos = st.builds(Undo, seq=st.integers(0), outputs=objects, record=st.none() | records)
instances = st.builds(
    Instance,
    inputs=objects,
    variables=objects,
    pointers=st.dictionaries(paths, pointers, max_size=2),
    scopes=st.dictionaries(paths, scopes, max_size=2),
    undo=st.dictionaries(st.integers(0), undos, max_size=2),
    lists=st.dictionaries(paths, st.lists(jsons, max_size=3).map(tuple), max_size=2),
    outputs=st.none() | objects,
)


user_data = {"outputs": objects, "payload": jsons}
signals: st.SearchStrategy[Signal] = st.one_of(
    [
        st.builds(kind, **{name: user_data[name] for name in kind.__annotations__ if name in user_data})
        for kind in SIGNALS.values()
    ]
)


def stored(instance: Instance) -> Instance:
    parts = codec.encode_parts(instance, part_names(instance))
    assert all(name.encode() and "\0" not in name for name in parts), "names are plain text"
    return codec.decode(codec.encode_head(instance), {name: body for name, body in parts.items() if body})


def kinds(value: Any) -> Any:
    """Return the value with its kinds of numbers visible: 1 == 1.0 == True in Python."""
    match value:
        case dict():
            return {key: kinds(inner) for key, inner in value.items()}
        case list() | tuple():
            return [kinds(inner) for inner in value]
        case _:
            return type(value).__name__, repr(value)


@settings(max_examples=300, deadline=None)
@given(instances)
def test_an_instance_comes_back_equal(instance: Instance) -> None:
    assert stored(instance) == instance


@given(objects)
def test_numbers_keep_their_kind_and_their_digits_wherever_users_put_them(data: dict[str, Any]) -> None:
    pointer = a_pointer(
        result=data, progress=Progress(spans=(Span(start=0, stop=1, writes=data, cursors=data),))
    )
    undo = Undo(seq=1, saga="", path="p", node="p", scope="", outputs=data, record=a_record(outputs=data))
    before = an_instance(variables=data, outputs=data, undo={1: undo}, lists={"l": (data,)})
    back = stored(
        before.with_step("p", pointer).with_(scopes={"": Scope(parent=None, data=data, locals=data)})()
    )
    found = [
        back.variables,
        back.outputs,
        back.undo[1].outputs,
        back.undo[1].record and back.undo[1].record.outputs,
        back.lists["l"][0],
        back.pointers["p"].result,
        back.pointers["p"].progress.spans[0].writes,
        back.pointers["p"].progress.spans[0].cursors,
        back.data,
        back.scopes[""].locals,
    ]
    assert [kinds(value) for value in found] == [kinds(data)] * len(found)


@given(signals)
def test_a_signal_comes_back_equal_and_of_its_kind(signal: Signal) -> None:
    back = codec.decode_signal(codec.encode_signal(signal))
    assert (type(back), back) == (type(signal), signal)


@given(records)
def test_a_record_comes_back_equal(record: StepRecord) -> None:
    assert codec.decode_record(codec.encode_record(record)) == record


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param({"a": None, "b": {"c": None}}, id="nested-null"),
        pytest.param(2**64, id="one-past-64-bits"),
        pytest.param(-(10**300), id="three-hundred-digits"),
        pytest.param(1, id="one"),
        pytest.param(1.0, id="one-point-nought"),
        pytest.param(-0.0, id="minus-nought"),
        pytest.param(5e-324, id="the-smallest"),
        pytest.param("\ud800", id="lone-surrogate"),
        pytest.param({"": 1, "\n": 2, "\0": 3, "\udfff": 4, "p/x": 5, '"': 6, "ключ": 7}, id="odd-keys"),
    ],
)
def test_a_users_value_comes_back_as_it_was(value: Any) -> None:
    back = stored(an_instance().with_data(x=value, **(value if isinstance(value, dict) else {}))()).data
    assert kinds(back["x"]) == kinds(value)


@pytest.mark.parametrize("key", ["", "\n", "a\nb", "\0", "\ud83d", '"', '"\0', "s/", "é", "😀"])
def test_a_key_may_be_any_text(key: str) -> None:
    instance = an_instance().with_(
        scopes={"": Scope(parent=None, data={key: 1}), "a/b": Scope(parent="", data={key: 2})}
    )()
    assert stored(instance) == instance
    gone = codec.encode_parts(replace(instance, scopes={}), [data_part("", key)])
    assert gone == dict.fromkeys(codec.encode_parts(instance, [data_part("", key)]))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(float("nan"), "Out of range float", id="nan"),
        pytest.param([float("inf")], "Out of range float", id="infinity"),
        pytest.param(object(), "not JSON serializable", id="object"),
        pytest.param({"a": {1, 2}}, "set", id="set"),
        pytest.param(10**5000, "digits", id="five-thousand-digits"),
    ],
)
def test_what_json_cannot_say_is_refused(value: Any, said: str) -> None:
    with pytest.raises(codec.NotJson, match=said):
        codec.dump_json(value)


@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "NaN", "[Infinity]", "-Infinity", "{", "", b"\xff", "[" * 100_000]
)
def test_text_that_is_not_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(codec.NotJson):
        codec.load_json(text)


def test_half_a_character_in_a_message_does_not_stop_a_save() -> None:
    failure = Failure(reason=Reason.ERROR, message="bad \ud800 byte")
    back = stored(an_instance(failure=failure).with_data(x="\ud800")())
    assert back.failure == Failure(reason=Reason.ERROR, message="bad ? byte")
    assert back.data == {"x": "\ud800"}


def test_a_part_that_is_gone_has_no_text() -> None:
    assert codec.encode_parts(
        an_instance()(), ["p/x", "s/x", "d/\nx", "d/x\nx", "u/1", "l/x"]
    ) == dict.fromkeys(["p/x", "s/x", "d/\nx", "d/x\nx", "u/1", "l/x"])


def test_fields_at_their_default_are_not_written() -> None:
    pointer = codec.encode_parts(an_instance().with_step("a")(), ["p/a"])["p/a"]
    assert json.loads(pointer or b"") == {"path": "a", "node": "a", "parent": None}


def test_parts_are_put_in_order_whatever_order_they_come_in() -> None:
    instance = (
        an_instance().with_step("b", a_pointer(seq=9)).with_step("a", a_pointer(seq=10)).with_data(z=1, y=2)()
    )
    parts = codec.encode_parts(instance, part_names(instance))
    for order in (sorted(parts), sorted(parts, reverse=True)):
        back = codec.decode(codec.encode_head(instance), {name: parts[name] or b"" for name in order})
        assert (list(back.pointers), list(back.data)) == (["b", "a"], ["y", "z"])


def test_a_head_can_be_read_alone() -> None:
    instance = an_instance(status=InstanceStatus.FAILED, reference="r").with_data(x=1)()
    head = codec.decode_head(codec.encode_head(instance))
    assert head == replace(instance, scopes={})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param(b'{"form":2,"id":"x"}', "stored in form 2, this version reads form 1", id="later-form"),
        pytest.param(b"{", "cannot be read", id="torn"),
        pytest.param(b'{"form":1,"id":"x"}', "missing required field `name`", id="incomplete"),
    ],
)
def test_a_head_that_is_not_ours_is_refused_with_a_sentence(head: bytes, said: str) -> None:
    with pytest.raises(codec.StoredFormUnknown, match=said):
        codec.decode(head, {})


def test_a_part_that_cannot_be_read_is_refused_with_the_instances_name() -> None:
    with pytest.raises(codec.StoredFormUnknown, match="i1"):
        codec.decode(codec.encode_head(an_instance()()), {"p/x": b"{}"})


def test_an_event_and_a_wait_keep_what_orders_them() -> None:
    signal = EventArrived(path="w", attempt=1, sequence=2**62, payload={"n": 2**64})
    assert codec.decode_signal(codec.encode_signal(signal)) == signal
    wait = Wait(event="e", key="k\nk", after=3, since=NOON)
    assert stored(an_instance().with_step("w", a_pointer(wait=wait))()).pointers["w"].wait == wait


def test_a_signal_is_what_was_told() -> None:
    ended = TaskEnded(path="a", attempt=1, outcome=TaskOutcome.COMPLETE, outputs={"n": 2**70, "f": 1.0})
    back = codec.decode_signal(codec.encode_signal(ended))
    assert isinstance(back, TaskEnded)
    assert kinds(back.outputs) == kinds(ended.outputs)
