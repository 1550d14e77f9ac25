"""Conditions in Python: `field("total") > 100`, combined with `&`, `|` and `~`."""

from dataclasses import dataclass

from wfe.expr.condition import All, AnyOf, Compare, Condition, Not
from wfe.model.json import Json


@dataclass(frozen=True, slots=True)
class Test:
    """A condition that combines with others."""

    condition: Condition

    def __and__(self, other: "Test") -> "Test":
        return Test(All((self.condition, other.condition)))

    def __or__(self, other: "Test") -> "Test":
        return Test(AnyOf((self.condition, other.condition)))

    def __invert__(self) -> "Test":
        return Test(Not(self.condition))


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the data, to compare."""

    path: str

    def _compare(self, operator: str, value: Json) -> Test:
        return Test(Compare(self.path, operator, value))

    def equals(self, value: Json) -> Test:
        return self._compare("equals", value)

    def not_equals(self, value: Json) -> Test:
        return self._compare("not_equals", value)

    def __gt__(self, value: float) -> Test:
        return self._compare("gt", value)

    def __ge__(self, value: float) -> Test:
        return self._compare("gte", value)

    def __lt__(self, value: float) -> Test:
        return self._compare("lt", value)

    def __le__(self, value: float) -> Test:
        return self._compare("lte", value)

    def contains(self, value: Json) -> Test:
        return self._compare("contains", value)

    def matches(self, pattern: str) -> Test:
        return self._compare("matches", pattern)

    def is_in(self, values: list[Json]) -> Test:
        return self._compare("in", values)

    def is_null(self) -> Test:
        return self._compare("is_null", True)

    def is_not_null(self) -> Test:
        return self._compare("is_not_null", True)


def field(path: str) -> Field:
    """Return a field of the data by its dotted path: `field("order.total") > 100`."""
    return Field(path if path.startswith(".") else f".{path}")
