"""How names are looked up: in the loop item, the data, then load-time variables."""

from enum import Enum
from typing import Final, Literal, Protocol

from wfe.model.json import Json


class Missing(Enum):
    """The type of MISSING."""

    MISSING = "missing"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING


class Names(Protocol):
    """What a placeholder or a condition can see."""

    def value(self, name: str) -> Json | Missing:
        """Return the loop item or data of that name."""
        ...

    def variable(self, name: str) -> Json | Missing:
        """Return the load-time variable of that name."""
        ...

    def known(self) -> list[str]:
        """Return the names there are, for messages."""
        ...
