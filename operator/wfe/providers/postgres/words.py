"""Texts of users as Postgres can keep and index them.

It takes no NUL and no half characters, which come out of users' JSON, and its indexes take no long values.
"""

from hashlib import sha256
from typing import Final

from wfe.model.forms import dump_ascii

LONGEST: Final = 200


def kept(text: str) -> str:
    """Return what stands for a text in a column that it is looked up by: the text itself, if that is possible.

    Different texts have different ones.
    """
    if text.isascii() and "\0" not in text and len(text) <= LONGEST and text[:1] != '"':
        return text
    return _escaped(text)


def _escaped(text: str) -> str:
    try:
        plain = "\0" not in text and text[:1] != '"' and bool(text.encode())
    except UnicodeEncodeError:
        plain = False
    written = text if plain else dump_ascii(text)
    if len(written) <= LONGEST:
        return written
    return f'"{written[:LONGEST]}…{digest(text).hex()}'


def readable(text: str) -> str:
    """Return a text for people to read: what Postgres does not take is replaced by the sign for that."""
    if "\0" not in text and text.isascii():
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def digest(*words: str) -> bytes:
    """Return 32 bytes that stand for these words in this order."""
    return sha256(dump_ascii(words).encode()).digest()


def lock_number(*words: str) -> int:
    """Return the number of the advisory lock that stands for these words."""
    return int.from_bytes(digest(*words)[:8], "big", signed=True)
