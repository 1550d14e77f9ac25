"""Types of inputs and outputs: `string number integer bool any`, `T?`, `list<T>`, `map<T>`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wfe.expr.errors import ExpressionError, suggestion
from wfe.model.forms import NotJson, dump_json, load_json
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
    hint = suggestion(inner, (*SIMPLE, "list<any>", "map<any>"))
    raise ExpressionError(
        f"`{whole[:60]}` is not a type; {hint}types are {', '.join(SIMPLE)}, list<T> and map<T>, "
        "each with a `?` if null will do"
    )


def check(value: Json, declared: Type | str) -> str | None:
    """Say why a value is not of a type, or None if it is."""
    wanted = parse_type(declared) if isinstance(declared, str) else declared
    if value is None:
        return None if wanted.optional or wanted.name == "any" else f"is null, and not {_article(wanted)}"
    if not _KINDS[wanted.name](value):
        shown = dump_json(value)
        return f"is {shown if len(shown) <= 60 else shown[:57] + '…'}, and not {_article(wanted)}"
    return _check_elements(value, wanted)


def _check_elements(value: Json, wanted: Type) -> str | None:
    if wanted.of is None:
        return None
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else [])
    for key, item in items:
        problem = check(item, wanted.of)
        if problem:
            return f"has at `{key}` a value that {problem}"
    return None


def _article(wanted: Type) -> str:
    name = str(wanted)
    return f"an {name}" if name[0] in "ai" else f"a {name}"


def _is_integer(value: Json) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


_KINDS: Final[Mapping[str, Callable[[Json], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": _is_integer,
    "bool": lambda value: isinstance(value, bool),
    "any": lambda _: True,
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}


def coerce_text(text: str, declared: Type | str | None) -> Json:
    """Return the value that a text on the command line means for an input of that type.

    A declared string is the text as it is, everything else is read as JSON. What is not JSON stays text:
    for an input that is not declared (None) that is its value, for one that is `check` will refuse it.
    """
    wanted = parse_type(declared) if isinstance(declared, str) else declared
    if wanted is not None and wanted.name == "string":
        return text
    try:
        value: Json = load_json(text)
    except NotJson:
        return text
    return value


def keep_as_written(value: Json, declared: Type) -> Json:
    """Return a value for a declared string: a scalar that was typed by its looks is its text again."""
    if declared.name != "string" or isinstance(value, str | list | dict) or value is None:
        return value
    return dump_json(value)
