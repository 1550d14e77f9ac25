"""Why we end a pod, as it is written on it: whoever comes after us has to know.

An annotation `wfe.sunbeam.pt/ending` holds the word, and behind it a sentence where there is one.
"""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """The word. REFUSED: it cannot start as it is; LOST: it did not start, and another try may."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    LOG_LIMIT = "loglimit"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why, and a sentence."""

    why: Why
    sentence: str = ""

    def __str__(self) -> str:
        return f"{self.why} {self.sentence}".strip()


def ending_from(text: str) -> Ending | None:
    """Read the annotation; a word that nobody knows, from a later version say, is a loss."""
    if not text:
        return None
    word, _, sentence = text.partition(" ")
    return Ending(Why(word), sentence) if word in set(Why) else Ending(Why.LOST, text)
