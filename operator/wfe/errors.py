"""The errors of WFE. The class says whether trying again can help.

    WfeError
    ├── Retryable                   the same call may succeed later
    │   ├── StoreUnavailable        the store cannot be reached
    │   └── Conflict                someone else saved first: read again, decide again
    └── Permanent                   the same call will fail again
        ├── DefinitionInvalid       a workflow has problems; all of them are listed
        ├── NotFound                there is nothing of that name
        └── NameTaken               there is something of that name already

Errors of other people's libraries are translated into these at the one door each library has.
"""

from dataclasses import dataclass
from typing import Literal


class WfeError(Exception):
    """Everything WFE raises on purpose."""


class Retryable(WfeError):
    """The same call may succeed later."""


class StoreUnavailable(Retryable):
    """The store cannot be reached; the same call may succeed later."""


class Conflict(Retryable):
    """The revision expected is no longer the latest: read again, decide again."""


class Permanent(WfeError):
    """The same call will fail again."""


class NotFound(Permanent):
    """There is nothing of that name."""


class NameTaken(Permanent):
    """There is something else of that name already."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition, and the way out of it.

    `line` and `column` count from 1. `field` is the dotted path of the value, as in `steps[2].config.run`.
    `severity` is "error", or "warning" for what keeps nothing from running.
    """

    what: str
    remedy: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    field: str = ""
    severity: Literal["error", "warning"] = "error"

    @property
    def is_error(self) -> bool:
        return self.severity == "error"

    def __str__(self) -> str:
        said = f"{self.what}; {self.remedy}" if self.remedy else self.what
        said = said if self.is_error else f"warning: {said}"
        place = self._place()
        return f"{place}: {said}" if place else said

    def _place(self) -> str:
        if self.file is None and self.line is None:
            return self.field
        name = "line" if self.file is None else self.file
        return ":".join([name, *(str(number) for number in (self.line, self.column) if number is not None)])


class DefinitionInvalid(Permanent):
    """A workflow cannot be accepted, because of these problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
