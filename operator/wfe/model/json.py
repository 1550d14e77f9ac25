"""The shape of user data: JSON as Python holds it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
else:
    # The codec reads annotations at run time; to it a JSON value is whatever the text says.
    Json = Any

Data: TypeAlias = Mapping[str, Json]
