from typing import Any

import pytest

from wfe.expr.errors import ExpressionError
from wfe.expr.types import check, coerce_text, keep_as_written, parse_type


@pytest.mark.parametrize(
    "text", ["string", "number?", "list<map<string>>?", "map<any>", "list<integer?>", "bool"]
)
def test_a_type_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_type(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("strin", "did you mean `string`?"),
        ("list", "types are string"),
        ("list<", "is not a type"),
        ("list<string", "is not a type"),
        ("list<>", "is not a type"),
        ("string string", "is not a type"),
        ("string??", "is not a type"),
        ("", "is not a type"),
        ("list<" * 100 + "any" + ">" * 100, "is not a type"),
    ],
)
def test_what_is_no_type_is_an_error(text: str, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse_type(text)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("value", "declared", "problem"),
    [
        ("x", "string", None),
        (5, "string", "is 5, and not a string"),
        (5, "number", None),
        (5.5, "number", None),
        (True, "number", "is true, and not a number"),
        (5, "integer", None),
        (5.0, "integer", None),
        (5.5, "integer", "is 5.5, and not an integer"),
        (True, "integer", "is true, and not an integer"),
        (False, "bool", None),
        (0, "bool", "is 0, and not a bool"),
        (None, "any", None),
        (None, "string", "is null, and not a string"),
        (None, "string?", None),
        ([], "list<string>", None),
        (["a", None], "list<string?>", None),
        (["a", 1], "list<string>", "has at `1` a value that is 1, and not a string"),
        ({"a": [1]}, "map<list<integer>>", None),
        (
            {"a": ["x"]},
            "map<list<integer>>",
            'has at `a` a value that has at `0` a value that is "x", and not an integer',
        ),
        ([], "map<any>", "is [], and not a map<any>"),
        ("y" * 100, "integer", f'is "{"y" * 56}…, and not an integer'),
    ],
)
def test_a_value_is_of_a_type_or_the_reason_is_told(value: Any, declared: str, problem: str | None) -> None:
    assert check(value, declared) == problem


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        ("007", "string", "007"),
        ("true", "string?", "true"),
        ("5", "integer", 5),
        ("[1, 2]", "list<integer>", [1, 2]),
        ("five", "integer", "five"),
        ("5", None, 5),
        ("hello", None, "hello"),
        ('{"a": 1}', None, {"a": 1}),
        ("NaN", None, "NaN"),
        ("1e999", "number", "1e999"),
    ],
)
def test_a_text_from_the_command_line_means_a_value(text: str, declared: str | None, expected: Any) -> None:
    found = coerce_text(text, declared)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        (5, "string", "5"),
        (1.0, "string", "1.0"),
        (True, "string?", "true"),
        (None, "string", None),
        (5, "any", 5),
    ],
)
def test_a_declared_string_is_its_text_again(value: Any, declared: str, expected: Any) -> None:
    assert keep_as_written(value, parse_type(declared)) == expected
