"""What the models of the language share: strictness, and the types of durations, names and sizes."""

import re
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from wfe.expr.duration import FORMS, parse_duration
from wfe.expr.errors import ExpressionError
from wfe.expr.template import has_placeholders
from wfe.model.json import Json

LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DATA_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


class WrittenNumber(float):
    """A number that knows how it was written, since `3.10` is one and not the text that some readers want."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def as_written(values: Any) -> Any:
    """Return a mapping in which such numbers are their text: for environments, whose values are texts."""
    if not isinstance(values, dict):
        return values
    return {key: value.text if isinstance(value, WrittenNumber) else value for key, value in values.items()}


class Model(BaseModel):
    """A frozen value that knows all of its keys. Built when first used, so that importing is cheap."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _duration(value: Any) -> Any:
    try:
        parse_duration(value)
    except ExpressionError as error:
        raise PydanticCustomError("duration", "{said}", {"said": str(error)}) from error
    return value


def _duration_or_placeholder(value: Any) -> Any:
    return value if isinstance(value, str) and has_placeholders(value) else _duration(value)


def _label(value: Any) -> str:
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise PydanticCustomError(
            "label",
            "`{id}` cannot be an id; use lower-case letters, digits and hyphens, at most 63, as in `{example}`",
            {"id": str(value)[:60], "example": example_label(str(value))},
        )
    return value


def example_label(text: str) -> str:
    """Return the id that is nearest to a text."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or "my-workflow"


def _data_name(value: str) -> str:
    if not DATA_NAME.fullmatch(value):
        raise PydanticCustomError(
            "data_name",
            "`{name}` cannot be the name of a value; use letters, digits, `_` and `-`, and begin with a letter",
            {"name": value[:60]},
        )
    return value


_DURATION_SCHEMA: Final = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^(\d+(\.\d+)?|(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$"},
        ],
        "description": f"A duration: {FORMS}.",
    }
)
_TEMPLATE_SCHEMA: Final = WithJsonSchema(
    {
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}],
        "description": f"A duration, or a placeholder that becomes one: {FORMS}.",
    }
)

# Durations stay as written, so that a definition's normal form says what its author said.
Duration = Annotated[Json, BeforeValidator(_duration), _DURATION_SCHEMA]
DurationTemplate = Annotated[Json, BeforeValidator(_duration_or_placeholder), _TEMPLATE_SCHEMA]
Label = Annotated[
    str, BeforeValidator(_label), WithJsonSchema({"type": "string", "pattern": f"^{LABEL.pattern}$"})
]
DataName = Annotated[str, BeforeValidator(_data_name)]
