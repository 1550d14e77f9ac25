"""What a plain scalar means: the core schema of YAML 1.2, and nothing of YAML 1.1's surprises.

`yes`, `on`, `12:30`, `2026-01-01`, `0755`, `1_000` and `12e34` are texts. So is everything in quotes.
"""

import re
from typing import Final

from wfe.definition.strict import WrittenNumber
from wfe.language.faults import Fault
from wfe.language.tree import Scalar
from wfe.model.json import Json

MAX_DIGITS: Final = 100
_WORDS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FRACTION: Final = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_JSON: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SHOULD_BE: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


def value_of(scalar: Scalar) -> Json:
    """Return the value of a scalar.

    Raises:
        Fault: JSON cannot say it, or it is not what its tag says.
    """
    if "\0" in scalar.text:
        raise Fault(
            "a text holds a NUL character", "take it out: no program could be given it", *scalar.place
        )
    if scalar.tag == "str" or (scalar.tag is None and not scalar.plain):
        return scalar.text
    value = _plain(scalar)
    if scalar.tag is not None:
        wanted = _SHOULD_BE[scalar.tag]
        if not isinstance(value, wanted) or (scalar.tag in {"int", "float"} and isinstance(value, bool)):
            raise Fault(
                f"`{scalar.text[:60]}` is no {scalar.tag}", "take the tag out", scalar.line, scalar.column
            )
    return value


def _plain(scalar: Scalar) -> Json:
    text = scalar.text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise Fault(
                f"a number has {len(text)} digits", "put it in quotes, as text", scalar.line, scalar.column
            )
        return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
    if _FRACTION.fullmatch(text):
        return _number(scalar)
    if _NOT_JSON.fullmatch(text):
        raise Fault(f"`{text}` is no number that JSON has", "put it in quotes", *scalar.place)
    return text


def _number(scalar: Scalar) -> float:
    number = WrittenNumber(scalar.text)
    if number in {float("inf"), float("-inf")}:
        raise Fault(
            f"the number {scalar.text[:40]} is too large", "put it in quotes", scalar.line, scalar.column
        )
    return number
