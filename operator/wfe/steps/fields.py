"""Types for configurations: values that may be placeholders until a step runs, durations, environments, sizes."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WrapValidator
from pydantic.functional_validators import ModelWrapValidatorHandler

from wfe.expr.duration import parse_duration
from wfe.expr.errors import ExpressionError
from wfe.expr.template import as_text, has_placeholders

T = TypeVar("T")

WITH_PLACEHOLDERS: Final[dict[str, Any]] = {"placeholders": True}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIZE: Final = re.compile(r"\d+(\.\d+)?([kMGTP]i?)?")
_CPU: Final = re.compile(r"\d+(\.\d+)?m?")


def _accept_placeholder(value: Any, handler: ModelWrapValidatorHandler[Any], info: ValidationInfo) -> Any:
    if info.context == WITH_PLACEHOLDERS and isinstance(value, str) and has_placeholders(value):
        return value
    return handler(value)


# A value that may be a placeholder in the file and is what it says once the step runs. Only what `StepKind.check`
# returns can still hold the placeholder, and nobody plans with that.
Rendered = Annotated[T, WrapValidator(_accept_placeholder)]


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value)
    except ExpressionError as error:
        raise ValueError(str(error)) from error


def _text(value: Any) -> Any:
    """Write numbers and the like as text; null is empty."""
    if value is None:
        return ""
    return as_text(value) if isinstance(value, bool | int | float | list | dict) else value


def _words(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _matching(pattern: re.Pattern[str], example: str) -> Any:
    def check(value: Any) -> str:
        text = str(value)
        if not pattern.fullmatch(text):
            raise ValueError(f"`{text}` is no amount; write one like {example}")
        return text

    return BeforeValidator(check)


class SecretKey(BaseModel):
    """Which value of which secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    name: str = Field(min_length=1, description="The secret.")
    key: str = Field(min_length=1, description="The key in it.")


class SecretRef(BaseModel):
    """A value that stands nowhere: it is fetched where the step runs, and masked in logs."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    secret: SecretKey


def _env_value(value: Any) -> Any:
    if isinstance(value, Mapping) and set(value) == {"secret"}:
        return SecretRef.model_validate(value)
    return value if isinstance(value, SecretRef) else _text(value)


def _variable_name(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"`{name}` cannot name a variable; use letters, digits and underscores")
    return name


Duration = Rendered[Annotated[timedelta, BeforeValidator(_duration)]]
Text = Annotated[str, BeforeValidator(_text)]
Size = Rendered[Annotated[str, _matching(_SIZE, "`512Mi` or `2Gi`")]]
Cpu = Rendered[Annotated[str, _matching(_CPU, "`2` or `500m`")]]
Words = Rendered[Annotated[tuple[Text, ...], BeforeValidator(_words)]]
AllOrWords = Rendered[Annotated[bool | tuple[Text, ...], BeforeValidator(_words)]]
VariableName = Annotated[str, BeforeValidator(_variable_name)]
Env = Rendered[dict[VariableName, Annotated[str | SecretRef, BeforeValidator(_env_value)]]]


class _Verbatim:
    """Marks a field that is source of some other language: its placeholders are not ours to fill in."""


Source = Annotated[str | None, _Verbatim()]


class _Ignored:
    """Marks a key that is accepted because pipelines have it, and has no meaning here."""

    def __init__(self, why: str) -> None:
        self.why = why


def ignored(why: str) -> Any:
    """Return the metadata of a key without meaning; the definition warns with this text."""
    return _Ignored(why)


def ignored_keys(config: type[BaseModel]) -> dict[str, str]:
    """Return the keys of a configuration that have no meaning here, and why."""
    return {
        name: mark.why
        for name, info in config.model_fields.items()
        for mark in info.metadata
        if isinstance(mark, _Ignored)
    }


def verbatim_fields(config: type[BaseModel]) -> frozenset[str]:
    """Return the keys of a configuration whose values are source text."""
    return frozenset(
        name
        for name, info in config.model_fields.items()
        if any(isinstance(mark, _Verbatim) for mark in info.metadata)
    )
