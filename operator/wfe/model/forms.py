"""Stored forms derived from dataclasses, and user data as JSON text.

A form is a struct with the fields of its dataclass; one at its default is not written, so a new field with a
default needs no new version. User data (every field typed as JSON or as a mapping) is JSON text of its own,
a string inside the form: numbers keep their kind and their digits, and no database or API server on the way
sees nulls or objects to merge.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from wfe.errors import Permanent
from wfe.model.json import Data, Json

T = TypeVar("T")


class NotJson(Permanent):
    """The value, or the text, is not JSON: NaN, an infinity, a number past all limits, a Python object."""


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise NotJson(f"the number {text[:40]} is too large; write it as a string")
    return number


def _refuse(text: str) -> Any:
    raise NotJson(f"{text} is not JSON; use null or a string")


_dumps: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
dump_ascii: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_loads: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).decode
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def dump_json(value: Json | Data) -> str:
    """Return JSON text that `load_json` reads back equal, kinds of numbers included.

    Raises:
        NotJson: the value holds something that JSON cannot say.
    """
    try:
        text = _dumps(value)
        # A lone surrogate has no UTF-8; as an escape it is plain ASCII.
        return text if text.isascii() or not _SURROGATES.search(text) else dump_ascii(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJson(
            f"a value cannot be stored as JSON: {error}; use numbers, text, lists, objects"
        ) from error


def load_json(text: str | bytes) -> Any:
    """Read what `dump_json` wrote.

    Raises:
        NotJson: the text is not JSON, or says NaN, an infinity or a number that becomes one.
    """
    try:
        return _loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise NotJson(f"this is not JSON: {error}") from error


_encoder: Final = msgspec.json.Encoder()


class _Conversion(NamedTuple):
    """How a field's value becomes its stored value, and comes back."""

    hint: Any
    to: Callable[[Any], Any]
    back: Callable[[Any], Any]


class Form(Generic[T]):
    """The stored form of a dataclass: a struct with the same fields, where some are converted."""

    def __init__(
        self, kind: type[T], *, without: frozenset[str] = frozenset(), tag: int | str | None = None
    ) -> None:
        columns = [_column(field, hint) for field, hint in _fields(kind) if field.name not in without]
        columns.sort(key=lambda column: len(column[0]))  # a struct wants its required fields first
        names = [column[0][0] for column in columns]
        self._kind = kind
        self._names = names
        self._values = _getter(names)
        self._conversions = [(place, how) for place, (_, how) in enumerate(columns) if how]
        options: dict[str, Any] = {} if tag is None else {"tag_field": "form", "tag": tag}
        specs: list[Any] = [column[0] for column in columns]
        self.struct = msgspec.defstruct(f"Stored{kind.__name__}", specs, omit_defaults=True, **options)
        self._decoder = msgspec.json.Decoder(self.struct)

    def to_struct(self, value: T) -> msgspec.Struct:
        values = list(self._values(value))
        for place, how in self._conversions:
            values[place] = how.to(values[place])
        return self.struct(*values)

    def from_struct(self, stored: Any) -> T:
        values = list(self._values(stored))
        for place, how in self._conversions:
            values[place] = how.back(values[place])
        return self._kind(**dict(zip(self._names, values, strict=True)))

    def encode(self, value: T) -> bytes:
        stored = self.to_struct(value)
        try:
            return _encoder.encode(stored)
        except UnicodeEncodeError:
            # A message quotes half a character; elsewhere (in user data) it is an escape and passes.
            return json.dumps(msgspec.to_builtins(stored), ensure_ascii=False).encode("utf-8", "replace")

    def decode(self, text: bytes) -> T:
        return self.from_struct(self._decoder.decode(text))


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _fields(kind: type[Any]) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(field, hints[field.name]) for field in fields(kind)]


def _column(field: Field[Any], hint: Any) -> tuple[tuple[Any, ...], _Conversion | None]:
    """Return the field's definition in the struct (name, type, default if it has one) and its conversion."""
    how = _conversion(hint)
    if field.default is MISSING and field.default_factory is MISSING:
        return (field.name, how.hint if how else hint), how
    default: Callable[[], Any] = _constant(field.default)
    if field.default_factory is not MISSING:
        default = field.default_factory
    if how is None:
        return (field.name, hint, default()), None
    return (field.name, how.hint | None, None), _or_default(how, default)


def _conversion(hint: Any) -> _Conversion | None:
    """Return how values of that type are stored; None for as they are."""
    if not _holds_user_data(hint):
        return None
    if _is_user_data(hint):
        return _Conversion(str, dump_json, load_json)
    if isinstance(hint, type) and is_dataclass(hint):
        form: Form[Any] = Form(hint)
        return _Conversion(form.struct, form.to_struct, form.from_struct)
    inner = _conversion(get_args(hint)[0])
    if inner is None:
        raise TypeError(f"there is no stored form for {hint}")
    if get_origin(hint) is tuple:
        return _Conversion(tuple.__class_getitem__((inner.hint, ...)), _each(inner.to), _each(inner.back))
    return _or_default(_Conversion(inner.hint | None, inner.to, inner.back), _constant(None))


def _is_user_data(hint: Any) -> bool:
    kind = get_origin(hint)
    is_mapping = isinstance(kind, type) and issubclass(kind, Mapping)
    return hint is Any or is_mapping or (kind in {list, tuple} and Any in get_args(hint))


def _holds_user_data(hint: Any, above: frozenset[Any] = frozenset()) -> bool:
    is_value = isinstance(hint, type) and is_dataclass(hint)
    inner = [of for _, of in _fields(hint)] if is_value else get_args(hint)
    return _is_user_data(hint) or any(_holds_user_data(of, above | {hint}) for of in inner if of not in above)


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _or_default(how: _Conversion, default: Callable[[], Any]) -> _Conversion:
    usual = default()
    return _Conversion(
        how.hint,
        lambda value: None if value is usual or value == usual else how.to(value),
        lambda stored: default() if stored is None else how.back(stored),
    )


def _each(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: tuple(map(convert, values))
