"""What is wrong with a definition, before anybody knows the file and line it stands in."""

from dataclasses import dataclass
from enum import StrEnum

Where = tuple[str | int, ...]


class Severity(StrEnum):
    """An error keeps the workflow from being accepted, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, and the way out.

    Attributes:
        where: the keys and positions that lead to the value.
        offset: where in the value, if it is a text, counted in characters.
        on_key: it is about the last key itself, and not about its value.
    """

    where: Where
    what: str
    remedy: str = ""
    severity: Severity = Severity.ERROR
    offset: int | None = None
    on_key: bool = False

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def warning(where: Where, what: str, remedy: str = "", *, on_key: bool = False) -> Finding:
    return Finding(where, what, remedy, Severity.WARNING, on_key=on_key)


def field_path(where: Where) -> str:
    """Return the path of a value as people write it: `steps[2].config.run`."""
    text = ""
    for part in where:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text
