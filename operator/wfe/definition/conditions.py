"""Conditions as they are written in `when`, `if`, `while` and `recur`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pydantic import Field

from wfe.definition.strict import Model
from wfe.expr.condition import ALL_OPERATORS, All, AnyOf, Compare, Condition, NoneOf, Not, OneOf
from wfe.model.json import Json

LISTS: Final[Mapping[str, Callable[[tuple[Condition, ...]], Condition]]] = {
    "all": All,
    "any": AnyOf,
    "none": NoneOf,
    "one_of": OneOf,
}
COMBINATORS: Final = (*LISTS, "not")
Where = tuple[str | int, ...]


class ConditionModel(Model):
    """A comparison (`field` and one operator), or one combination of conditions."""

    field: str | None = Field(
        None, min_length=1, description="The path of a value, as in `.inputs.coverage`."
    )
    equals: Json = Field(None, description="True if the value is this; 5 is 5.0.")
    not_equals: Json = Field(None, description="True if the value is there, and something else.")
    gt: Json = Field(None, description="True if the value is a greater number.")
    gte: Json = Field(None, description="True if the value is this number or a greater one.")
    lt: Json = Field(None, description="True if the value is a smaller number.")
    lte: Json = Field(None, description="True if the value is this number or a smaller one.")
    contains: Json = Field(None, description="True if this text is in the value, or this value in the list.")
    in_: Json = Field(None, alias="in", description="True if the value is in this list.")
    matches: str | None = Field(None, description="True if this pattern (RE2) is found in the value.")
    is_null: bool | None = Field(None, description="True if the value is null or missing.")
    is_not_null: bool | None = Field(None, description="True if the value is there and not null.")
    all: tuple["ConditionModel", ...] | None = Field(None, description="True if all of these are.")
    any: tuple["ConditionModel", ...] | None = Field(None, description="True if one of these is, or more.")
    none: tuple["ConditionModel", ...] | None = Field(None, description="True if none of these is.")
    one_of: tuple["ConditionModel", ...] | None = Field(None, description="True if exactly one of these is.")
    not_: "ConditionModel | None" = Field(None, alias="not", description="True if this is not.")

    def given(self) -> frozenset[str]:
        """Return the keys that are there, as they are written."""
        return frozenset(name.removesuffix("_") for name in self.model_fields_set)

    @property
    def operator(self) -> str | None:
        """Return the operator of a comparison; of several the first."""
        return next((name for name in ALL_OPERATORS if name in self.given()), None)

    def value(self, operator: str) -> Json:
        value: Json = getattr(self, "in_" if operator == "in" else operator)
        return value

    def is_empty(self, combinator: str) -> bool:
        """Return whether a combinator is there, and null."""
        return getattr(self, "not_" if combinator == "not" else combinator) is None

    def inside(self) -> Iterator[tuple[Where, "ConditionModel"]]:
        """Yield the conditions that this one combines, and where they stand in it."""
        if self.not_ is not None:
            yield ("not",), self.not_
        for name in LISTS:
            for index, each in enumerate(getattr(self, name) or ()):
                yield (name, index), each

    def walk(self, where: Where = ()) -> Iterator[tuple[Where, "ConditionModel"]]:
        """Yield this condition and all in it."""
        yield where, self
        for inner, each in self.inside():
            yield from each.walk((*where, *inner))

    def compiled(self) -> Condition:
        """Return what `wfe.expr` evaluates. Expects that the checks found nothing wrong."""
        if self.field is not None:
            operator = self.operator or "is_not_null"
            return Compare(self.field, operator, self.value(operator))
        if self.not_ is not None:
            return Not(self.not_.compiled())
        name = next((name for name in LISTS if name in self.given()), "all")
        return LISTS[name](tuple(each.compiled() for each in getattr(self, name) or ()))
