"""What is wrong with a text before it is a definition: it is no YAML, or too much of it."""

from dataclasses import dataclass


@dataclass(eq=False)
class Fault(Exception):
    """One thing wrong with a text; line and column count from 0."""

    what: str
    remedy: str = ""
    line: int = 0
    column: int = 0
