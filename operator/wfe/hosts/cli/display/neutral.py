"""Text of others that cannot take over the terminal."""

import re
from typing import Final

# C0 but for the tab, DEL, C1, and what reorders or hides the text around it.
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\x80-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def neutral(text: str | bytes) -> str:
    """Return a line with every control character replaced by a picture of it."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _CONTROL.sub(_picture, text)


def neutral_lines(text: str, indent: str = "  ") -> str:
    """Return a text of several lines, all but the first indented."""
    return f"\n{indent}".join(map(neutral, text.split("\n")))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
