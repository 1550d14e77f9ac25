"""Names as a table, for tests of what looks things up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wfe.expr.names import MISSING, Missing
from wfe.model.json import Json


@dataclass(frozen=True)
class Seen:
    data: Mapping[str, Json] = field(default_factory=dict)
    variables: Mapping[str, Json] = field(default_factory=dict)

    def value(self, name: str) -> Json | Missing:
        return self.data.get(name, MISSING)

    def variable(self, name: str) -> Json | Missing:
        return self.variables.get(name, MISSING)

    def known(self) -> list[str]:
        return sorted({*self.data, *self.variables})
