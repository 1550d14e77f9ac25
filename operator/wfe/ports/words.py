"""The words of a text, the same for every provider of search, so that the same words find the same instances.

A word is a run of letters and digits, in lower case and without diacritics. Of a longer word than `LONGEST` its
beginning counts. Words are indexed as they come out of here, by tokenizers that split at blanks and do nothing else.
"""

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import combining, normalize

LONGEST: Final = 100
_WORD: Final = re.compile(r"[^\W_]+")
_WANTED: Final = re.compile(r"([^\W_]+)(\*?)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word to look for, or what it begins with."""

    word: str
    is_prefix: bool = False


def words_of(text: str) -> list[str]:
    """Return the words of a text, in their order."""
    return [word[:LONGEST] for word in _WORD.findall(_folded(text))]


def wanted(text: str) -> list[Wanted]:
    """Return what a query asks for: each of its words, those with `*` behind them as beginnings."""
    found = _WANTED.findall(_folded(text))
    return [Wanted(word[:LONGEST], star == "*") for word, star in found]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    apart = normalize("NFKD", normalize("NFKD", text).casefold())
    return "".join(letter for letter in apart if not combining(letter))
