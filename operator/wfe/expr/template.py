"""Placeholders: `((a.b))` and `${{ var.x }}` in strings, filled in with values.

It works on strings that were parsed already, so no value can change the structure around it, and no value is
read again for placeholders of its own. `$((arithmetic))` is the shell's; `\\((x))` and `\\${{ x }}` are text;
so is everything else between double parentheses, such as `((i++))`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wfe.expr.errors import ExpressionError, listing, suggestion
from wfe.expr.names import MISSING, Names
from wfe.expr.path import VARIABLES, descend, lookup, normalize
from wfe.model.forms import dump_json
from wfe.model.json import Json

_CACHED_LENGTH: Final = 4096
_PARENTHESIS: Final = re.compile(r"[()]")
_NAME: Final = r"\.?[A-Za-z_][\w-]*(?:\.[\w-]+)*"
_TOKEN: Final = re.compile(
    rf"""
      (?P<escape>  \\\(\([^()\\\n]*\)\)  |  \\\$\{{\{{ )
    | (?P<sums>    \$\(\( )
    | \(\( [ \t]* (?P<round>{_NAME}) [ \t]* \)\)
    | \$\{{\{{ [ \t]* (?P<curly>{_NAME}) [ \t]* \}}\}}
    """,
    re.VERBOSE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder of a string.

    Attributes:
        names: the path, one name a segment, without a leading `var`, `inputs` or `outputs`.
        variable_only: it began with `var.`, so it is looked up in variables only.
        start: where it begins in the string; `end` is where it stops.
        source: the placeholder as written.
    """

    names: tuple[str, ...]
    variable_only: bool
    start: int
    end: int
    source: str

    @property
    def path(self) -> str:
        """The dotted path, for messages."""
        return ".".join((VARIABLES, *self.names) if self.variable_only else self.names)


Piece = str | Placeholder


def may_have_placeholders(text: str) -> bool:
    """Return False for most texts without placeholders, at the cost of two searches."""
    return "((" in text or "${{" in text


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """Return the placeholders of a string, in order."""
    if not may_have_placeholders(text):
        return ()
    return tuple(piece for piece in pieces(text) if isinstance(piece, Placeholder))


def has_placeholders(value: Json) -> bool:
    """Return whether a value, or anything in it, has placeholders."""
    match value:
        case str():
            return bool(placeholders(value))
        case list():
            return any(has_placeholders(item) for item in value)
        case dict():
            return any(has_placeholders(item) for item in value.values())
    return False


def pieces(text: str) -> tuple[Piece, ...]:
    """Return a string as text and placeholders, escapes resolved."""
    return _cached_pieces(text) if len(text) <= _CACHED_LENGTH else tuple(_split(text))


@lru_cache(maxsize=1024)
def _cached_pieces(text: str) -> tuple[Piece, ...]:
    return tuple(_split(text))


def _split(text: str) -> list[Piece]:
    found: list[Piece] = []
    arithmetic = Arithmetic(text)
    done = 0
    position = 0
    while match := _TOKEN.search(text, position):
        position = match.end()
        if match["sums"]:
            position = arithmetic.end(match.start() + 1) or match.end()
        elif match["escape"]:
            found.extend((text[done : match.start()], match["escape"][1:]))
            done = position
        else:
            found.extend((text[done : match.start()], _placeholder(match)))
            done = position
    found.append(text[done:])
    return [piece for piece in found if piece != ""]


def placeholder_at(text: str, position: int) -> Placeholder | None:
    """Return the placeholder that begins at a position of a string, if one does."""
    match = _TOKEN.match(text, position)
    return _placeholder(match) if match and not (match["escape"] or match["sums"]) else None


def escape_at(text: str, position: int) -> str | None:
    """Return the escaped placeholder that begins at a position, backslash and all, if one does."""
    match = _TOKEN.match(text, position)
    return match["escape"] if match else None


def _placeholder(match: re.Match[str]) -> Placeholder:
    dotted = (match["round"] or match["curly"]).removeprefix(".")
    segments = normalize(tuple(dotted.split(".")))
    variable_only = segments[0] == VARIABLES and len(segments) > 1
    names = segments[1:] if variable_only else segments
    return Placeholder(names, variable_only, match.start(), match.end(), match[0])


class Arithmetic:
    """Where the shell's arithmetic is in a text: `((…))`, whose two closing parentheses stand together."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._closed_by: dict[int, int] | None = None

    def end(self, position: int) -> int | None:
        """Return where arithmetic ends whose `((` begins at a position; None if it is something else.

        `((a) | b)` is a command in a subshell in a subshell.
        """
        if self._closed_by is None:
            self._closed_by = _pairs(self._text)
        outer, inner = self._closed_by.get(position), self._closed_by.get(position + 1)
        return None if outer is None or inner is None or outer != inner + 1 else outer + 1


def _pairs(text: str) -> dict[int, int]:
    closed_by: dict[int, int] = {}
    opened: list[int] = []
    for found in _PARENTHESIS.finditer(text):
        if found[0] == "(":
            opened.append(found.start())
        elif opened:
            closed_by[opened.pop()] = found.start()
    return closed_by


def render(value: Json, names: Names) -> Json:
    """Return the value with every placeholder filled in; one that stands alone keeps the type of its value.

    Raises:
        ExpressionError: a placeholder names nothing.
    """
    match value:
        case str():
            return _render_text(value, names) if may_have_placeholders(value) else value
        case list():
            return [render(item, names) for item in value]
        case dict():
            return {key: render(item, names) for key, item in value.items()}
    return value


def _render_text(text: str, names: Names) -> Json:
    parts = pieces(text)
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        return resolve(parts[0], names)
    return "".join(
        as_text(resolve(piece, names)) if isinstance(piece, Placeholder) else piece for piece in parts
    )


def as_text(value: Json) -> str:
    """Return a value as it stands in a text: strings as they are, the rest as compact JSON."""
    return value if isinstance(value, str) else dump_json(value)


def resolve(placeholder: Placeholder, names: Names) -> Json:
    """Return what a placeholder stands for.

    Raises:
        ExpressionError: nothing; the text lists the names there are.
    """
    path = (VARIABLES, *placeholder.names) if placeholder.variable_only else placeholder.names
    found = lookup(names, path)
    if found is MISSING:
        raise ExpressionError(_unresolved(placeholder, names))
    return found


def _unresolved(placeholder: Placeholder, names: Names) -> str:
    first = (VARIABLES, placeholder.names[0]) if placeholder.variable_only else placeholder.names[:1]
    value = lookup(names, first)
    if value is MISSING:
        return unknown_name(placeholder, names.known())
    seen = first[-1]
    for segment in placeholder.names[1:]:
        inner = descend(value, (segment,))
        if inner is MISSING:
            break
        value, seen = inner, f"{seen}.{segment}"
    else:
        segment = ""
    there = value.keys() if isinstance(value, dict) else ()
    has = f"it has {listing(there)}" if there else f"it is {_kind(value)}"
    return f"`{placeholder.source}`: `{seen}` has no `{segment}`; {suggestion(segment, there)}{has}"


def _kind(value: object) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "an empty object" if isinstance(value, dict) else "neither an object nor a list"


def unknown_name(placeholder: Placeholder, known: list[str]) -> str:
    """Return the message for a placeholder whose name nobody knows."""
    name = placeholder.names[0]
    meant = suggestion(name, known)
    may_be_text = placeholder.source.startswith("((") and len(placeholder.names) == 1
    escape = (
        f"; if `{placeholder.source}` is meant as text, write `\\{placeholder.source}`" if may_be_text else ""
    )
    what = "no variable" if placeholder.variable_only else "nothing"
    return f"`{placeholder.source}` names {what} that is known here; {meant}there is {listing(known)}{escape}"
