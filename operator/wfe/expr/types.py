"""Types of inputs and outputs: `string number integer bool any`, `T?`, `list<T>`, `map<T>`."""

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from wfe.expr.errors import ExpressionError
from wfe.model.json import Json

SIMPLE: Final = ("string", "number", "integer", "bool", "any")
_GENERIC: Final = re.compile(r"(list|map)\s*<(.*)>", re.DOTALL)
_DEEPEST: Final = 16


@dataclass(frozen=True, slots=True)
class Type:
    """A parsed type. `of` is the type of the elements of a list or map."""

    name: str
    optional: bool = False
    of: "Type | None" = None

    def __str__(self) -> str:
        inner = f"<{self.of}>" if self.of else ""
        return f"{self.name}{inner}{'?' if self.optional else ''}"


@lru_cache(maxsize=1024)
def parse_type(text: str) -> Type:
    """Read a type.

    Raises:
        ExpressionError: it is none; the message lists those there are.
    """
    return _parse(text, text, 0)


def _parse(text: str, whole: str, depth: int) -> Type:
    text = text.strip()
    optional = text.endswith("?")
    inner = text[:-1].strip() if optional else text
    if inner in SIMPLE:
        return Type(inner, optional)
    generic = _GENERIC.fullmatch(inner)
    if generic and depth < _DEEPEST:
        return Type(generic[1], optional, _parse(generic[2], whole, depth + 1))
    near = get_close_matches(inner, (*SIMPLE, "list<any>", "map<any>"), 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise ExpressionError(
        f"`{whole}` is not a type; {hint}types are {', '.join(SIMPLE)}, list<T>, map<T>, each with `?` if optional"
    )


def check(value: Json, of_type: Type) -> str | None:
    """Say why a value is not of a type, or None if it is."""
    if value is None:
        return None if of_type.optional or of_type.name == "any" else f"is null, and not {_article(of_type)}"
    if not _KINDS[of_type.name](value):
        shown = json.dumps(value, ensure_ascii=False)
        return f"is {shown if len(shown) <= 60 else shown[:57] + '...'}, and not {_article(of_type)}"
    return _check_elements(value, of_type)


def _check_elements(value: Json, of_type: Type) -> str | None:
    if of_type.of is None:
        return None
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    for key, item in items:
        problem = check(item, of_type.of)
        if problem:
            return f"has at {key} a value that {problem}"
    return None


def _article(of_type: Type) -> str:
    name = str(of_type)
    return f"an {name}" if name[0] in "ai" else f"a {name}"


def _is_integer(value: Json) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


_KINDS: Final = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": _is_integer,
    "bool": lambda value: isinstance(value, bool),
    "any": lambda value: True,
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}


def coerce_text(text: str, of_type: Type | None) -> Json:
    """Return the value of a text from the command line.

    Args:
        text: as typed.
        of_type: the declared type: text as it is for a string, JSON for the others. None (undeclared): JSON if it
            parses, else text.
    """
    if of_type is not None and of_type.name == "string":
        return text
    try:
        value: Json = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def keep_as_written(value: Json, of_type: Type) -> Json:
    """Return a value for a declared output: a scalar declared `string` is text as it was written."""
    if of_type.name != "string" or isinstance(value, str | list | dict) or value is None:
        return value
    return json.dumps(value)
