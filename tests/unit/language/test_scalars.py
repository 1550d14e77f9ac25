"""Plain scalars mean what YAML 1.2 says, in quotes they are texts."""

from typing import Any

import pytest

from wfe.language.faults import Fault
from wfe.language.scalars import value_of
from wfe.language.tree import Scalar


def plain(text: str) -> Scalar:
    return Scalar(0, 0, text, plain=True)


WORDS = [("", None), ("~", None), ("null", None), ("true", True), ("False", False)]
WHOLE = [("0", 0), ("-17", -17), ("+5", 5), ("0x1F", 31), ("0o17", 15)]
FRACTIONS = [("1.5", 1.5), ("-.5", -0.5), ("1.5e3", 1500.0), ("1.", 1.0), ("3.10", 3.1)]


@pytest.mark.parametrize(("text", "value"), [*WORDS, *WHOLE, *FRACTIONS])
def test_words_and_numbers(text: str, value: Any) -> None:
    found = value_of(plain(text))
    assert found == value
    assert isinstance(found, type(value))
    assert value_of(Scalar(0, 0, text)) == text


ONCE = ["yes", "no", "on", "off", "y", "12:30", "190:20:30", "2026-01-01", "0755", "1_000", "0b1", "=", "<<"]
NEVER = ["007", "12e34", "1e5", "tRue", "nULL", "-", "1.2.3", "0x", "١"]


@pytest.mark.parametrize("text", [*ONCE, *NEVER])
def test_what_yaml_once_read_otherwise_is_text(text: str) -> None:
    assert value_of(plain(text)) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1.5e999", "9" * 101])
def test_what_json_cannot_say_is_a_fault(text: str) -> None:
    with pytest.raises(Fault):
        value_of(plain(text))


def test_a_nul_character_is_a_fault() -> None:
    with pytest.raises(Fault, match="NUL"):
        value_of(Scalar(0, 0, "a\0b"))


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [("str", "5", "5"), ("int", "5", 5), ("float", "5", 5), ("bool", "true", True), ("null", "", None)],
)
def test_standard_tags_are_fine(tag: str, text: str, value: Any) -> None:
    assert value_of(Scalar(0, 0, text, tag=tag)) == value


@pytest.mark.parametrize(
    ("tag", "text"), [("int", "x"), ("int", "true"), ("int", "1.5"), ("bool", "yes"), ("null", "x")]
)
def test_a_tag_that_does_not_fit_is_a_fault(tag: str, text: str) -> None:
    with pytest.raises(Fault, match="is no"):
        value_of(Scalar(0, 0, text, tag=tag))
