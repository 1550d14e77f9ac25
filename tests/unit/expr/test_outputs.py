import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.expr.errors import ExpressionError
from wfe.expr.outputs import VALUE_LIMIT, parse_marker, parse_output_file, type_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-5", -5),
        ("1.5", 1.5),
        ("1.0", 1.0),
        (str(2**64), 2**64),
        ("[1, 2]", [1, 2]),
        ('{"a": "\\u00e9", "b": [null]}', {"a": "é", "b": [None]}),
        ("[]", []),
    ],
)
def test_text_becomes_a_value_that_writes_the_same_text(text: str, value: Any) -> None:
    found = type_text(text)
    assert found == value
    assert type(found) is type(value)


WORDS = ["", "hello", "True", "NaN", "Infinity", '"quoted"', " 5", "5 ", "2026-01-01", "1_000", "-"]
NUMBERS = ["1.10", "007", "12e34", "1e5", "+5", "-0", ".5", "0x10", "1e999", "9" * 5000, "٣"]
STRUCTURES = [
    "[1.10]",
    '{"v": 007}',
    "[1",
    '{"a":1,"a":2}',
    "[1]x",
    "{1:2}",
    "[" * 200 + "]" * 200,
    "[" * 50000,
]


@pytest.mark.parametrize("text", [*WORDS, *NUMBERS, *STRUCTURES])
def test_other_text_stays_text(text: str) -> None:
    assert type_text(text) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_json_structures_come_back_whatever_is_in_them(value: Any) -> None:
    wrapped = [value]
    assert type_text(json.dumps(wrapped)) == wrapped


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"##wfe[output a=1]", ("a", 1)),
        (b"##wfe[output a=x=y]]\n", ("a", "x=y]")),
        (b"##wfe[output a= 1]\r\n", ("a", " 1")),
        (b"##wfe[output  name =v]", ("name", "v")),
        (b"##wfe[output a=]", ("a", "")),
        (b" ##wfe[output a=1]", None),
        (b"##wfe[output a=1] ", None),
        (b"##wfe[output a]", None),
        (b"hello", None),
        (b"", None),
    ],
)
def test_marker_lines(line: bytes, expected: Any) -> None:
    assert parse_marker(line) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", {}, id="nothing"),
        pytest.param(b"a=1\nb=two words\n", {"a": 1, "b": "two words"}, id="lines"),
        pytest.param(b"a=1\na=2", {"a": 2}, id="the-last-wins"),
        pytest.param(b"a=x=y\n\n  \nb =\n", {"a": "x=y", "b": ""}, id="blank-lines-and-equals-signs"),
        pytest.param(b"a=1\r\nb=2\r\n", {"a": 1, "b": 2}, id="carriage-returns"),
        pytest.param(b"a<<END\nx\n\n y=1\nEND\nb=1", {"a": "x\n\n y=1", "b": 1}, id="a-block"),
        pytest.param(b"a<<END\n[1,\n2]\nEND\n", {"a": [1, 2]}, id="a-block-of-json"),
        pytest.param(b"a<<END\nEND\n", {"a": ""}, id="an-empty-block"),
        pytest.param(b"a=b<<c\n", {"a": "b<<c"}, id="no-block-behind-an-equals-sign"),
        pytest.param(b'{"a": 1.10, "b": {"c": null}}', {"a": 1.1, "b": {"c": None}}, id="one-json-object"),
        pytest.param(b'\n {"a": "007"}\n', {"a": "007"}, id="with-space-around"),
    ],
)
def test_output_files(content: bytes, expected: Any) -> None:
    assert parse_output_file(content) == expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"hello\n", "line 1 of the output file is `hello`; write `key=value`", id="not-a-pair"),
        pytest.param(
            b"a=1\nb<<END\nx\n", "line 2 of the output file begins a value", id="a-block-without-end"
        ),
        pytest.param(b"=1\n", "cannot be the name of an output", id="no-name"),
        pytest.param(b'{"a": 1', "should be one JSON object", id="broken-json"),
        pytest.param(b'{"a": NaN}', "NaN", id="nan"),
        pytest.param(b'{"": 1}', "cannot be the name of an output", id="no-name-in-json"),
        pytest.param(b"a=\xff\n", "not UTF-8", id="not-utf-8"),
        pytest.param(
            b"a=" + b"x" * (VALUE_LIMIT + 1),
            "the limit is 65536; write large results to a file",
            id="too-large",
        ),
        pytest.param(b"a=1\n" * (1 << 20) + b"b=1", "the output file has", id="a-file-too-large"),
        pytest.param(b'{"a": "' + b"x" * VALUE_LIMIT + b'"}', "the limit is 65536", id="too-large-in-json"),
    ],
)
def test_outputs_that_cannot_be_taken_say_why(content: bytes, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_output_file(content)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "line", [b"##wfe[output =1]", b"##wfe[output a=\xff]", b"##wfe[output a=" + b"x" * 70000 + b"]"]
)
def test_markers_that_cannot_be_taken_say_why(line: bytes) -> None:
    with pytest.raises(ExpressionError):
        parse_marker(line)


def test_a_value_of_exactly_the_limit_is_taken() -> None:
    assert parse_output_file(b"a=" + b"x" * VALUE_LIMIT) == {"a": "x" * VALUE_LIMIT}
