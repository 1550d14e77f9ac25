"""What the value of a secret looks like in what programs write.

As it is, in base64 (each of its three alignments, both alphabets), URL-encoded, as a JSON string's inside, quoted for
a shell, and in hexadecimal; base64 and hexadecimal also as `base64`, `openssl` and `xxd -p` break it into lines. The
lines of a value have forms of their own. A line shorter than four bytes has none: it would mask half of every log.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 4
# The columns after which programs break what they encode: `base64`, `openssl base64` and PEM; `xxd -p`.
_BASE64_COLUMNS: Final = (76, 64)
_HEX_COLUMNS: Final = 60
# What JavaScript's encodeURIComponent and encodeURI leave as it is, besides letters, digits and `_.-~`.
_URL_SAFE: Final = ("", "/", "!'()*", ";,/?:@&=+$!'()*#")


def forms_of(value: str) -> Iterator[bytes]:
    """Yield what a value may look like, without a line break in it, some of it more than once."""
    whole = value.encode("utf-8", "surrogateescape")
    for line in _lines(value):
        yield from _forms(line)
    if _lines(value):
        # As a file of the value is encoded, and as `echo` gives it on.
        for written in {whole, whole.rstrip(b"\n"), whole.rstrip(b"\n") + b"\n"}:
            yield from _broken(written)


def _lines(value: str) -> list[bytes]:
    lines = [line.strip().encode("utf-8", "surrogateescape") for line in value.splitlines()]
    return [line for line in lines if len(line) >= SHORTEST]


def _forms(value: bytes) -> Iterator[bytes]:
    text = value.decode("utf-8", "surrogateescape")
    yield value
    yield from _url_forms(value)
    for ascii_only in (True, False):
        inside = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        # Go and PHP escape more than they need to.
        for more in (inside, inside.replace("/", "\\/"), re.sub("[<>&]", _unicode_escape, inside)):
            yield more.encode("utf-8", "surrogateescape")
    yield from (form.encode("utf-8", "surrogateescape") for form in _shell_forms(text))
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from _base64_forms(value, encode)


def _unicode_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _url_forms(value: bytes) -> Iterator[bytes]:
    for form in (*(quote(value, safe=safe) for safe in _URL_SAFE), quote_plus(value)):
        yield form.encode()
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form).encode()


def _shell_forms(text: str) -> Iterator[str]:
    """Yield what `export -p`, `set -x` and `printf %q` of the usual shells write, without the quotes around it."""
    yield re.sub(r'["$`\\]', r"\\\g<0>", text)
    yield text.replace("'", "'\\''")
    yield text.replace("'", """'"'"'""")
    yield re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", text)


def _broken(value: bytes) -> Iterator[bytes]:
    """Yield the lines of what programs encode, where they break it into several."""
    for columns in _BASE64_COLUMNS:
        yield from _columns(base64.b64encode(value), columns)
    yield from _columns(value.hex().encode(), _HEX_COLUMNS)


def _columns(encoded: bytes, columns: int) -> Iterator[bytes]:
    if len(encoded) > columns:
        lines = (encoded[at : at + columns] for at in range(0, len(encoded), columns))
        yield from (line for line in lines if len(line.rstrip(b"=")) >= 2 * SHORTEST)


def _base64_forms(value: bytes, encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Yield the part of the value's base64 that does not depend on its neighbours, for each alignment."""
    for before in range(3):
        encoded = encode(b"\0" * before + value)
        first = (0, 2, 3)[before]
        last = len(encoded) - (0, 3, 2)[(before + len(value)) % 3]
        part = encoded[first:last]
        if len(part) >= 2 * SHORTEST - 2:
            yield part
