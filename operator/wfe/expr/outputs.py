"""What steps put out: the texts of `WFE_OUTPUT` files and stdout markers, and the values they mean."""

import re
from collections.abc import Iterator
from typing import Final

from wfe.expr.errors import ExpressionError
from wfe.model.forms import NotJson, dump_json, load_json
from wfe.model.json import Json

VALUE_LIMIT: Final = 64 * 1024
FILE_LIMIT: Final = 4 * 1024 * 1024
KEY_LIMIT: Final = 256
DEEPEST: Final = 100
_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}
_NUMBER: Final = re.compile(r"-?\d[\d.eE+-]*", re.ASCII)
_MARKER: Final = re.compile(rb"##wfe\[output ([^=]*)=(.*)\]\r?\n?", re.DOTALL)
_BLOCK: Final = re.compile(r"([^=]*?)<<(\S+)\s*")
_REMEDY: Final = "write large results to a file in the workspace, and put out its name"


class _NotTheSame(Exception):
    """Writing the value would not give the text back."""


def type_text(text: str) -> Json:
    """Return the value of an output that was written as text.

    `true false null`, numbers, arrays and objects are what JSON says, if writing the value gives the same
    text back: `1.10`, `007` and `12e34` stay text, wherever they stand. Space between values may differ.
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        if text[:1] in {"[", "{"}:
            return _structure(text)
        if _NUMBER.fullmatch(text):
            return _number(text)
    except (_NotTheSame, NotJson, ValueError, RecursionError):
        pass
    return text


def _structure(text: str) -> Json:
    value: Json = load_json(text)
    if _depth(text) > DEEPEST or sorted(_tokens(text)) != sorted(_tokens(dump_json(value))):
        raise _NotTheSame
    return value


_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[\[\]{}]|[a-z]+')


def _tokens(text: str) -> list[str]:
    # A string may be written in many ways; numbers, and how many things there are, should be the same.
    return ['"' if token.startswith('"') else token for token in _TOKEN.findall(text)]


def _depth(text: str) -> int:
    depth = deepest = 0
    for part in _TOKEN.findall(text):
        if part in {"[", "{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif part in {"]", "}"}:
            depth -= 1
    return deepest


def _number(text: str) -> Json:
    value: Json = load_json(text)
    if dump_json(value) != text:
        raise _NotTheSame
    return value


def parse_marker(line: bytes) -> tuple[str, Json] | None:
    """Return the output of a stdout line `##wfe[output key=value]`; None for any other line.

    Raises:
        ExpressionError: the key or the value cannot be taken.
    """
    found = _MARKER.fullmatch(line)
    if found is None:
        return None
    key = _text(found[1], "the name of an output").strip()
    return _checked_key(key), type_text(_checked_text(key, found[2]))


def parse_output_file(content: bytes) -> dict[str, Json]:
    """Return the outputs of a `WFE_OUTPUT` file: one JSON object, or lines `key=value` and `key<<END … END`.

    Raises:
        ExpressionError: it is neither, or too large.
    """
    if len(content) > FILE_LIMIT:
        raise ExpressionError(
            f"the output file has {len(content)} bytes, the limit is {FILE_LIMIT}; {_REMEDY}"
        )
    text = _text(content, "the output file")
    return _object(text) if text.lstrip().startswith("{") else dict(_lines(text))


def _object(text: str) -> dict[str, Json]:
    try:
        outputs = load_json(text)
    except NotJson as error:
        raise ExpressionError(
            f"the output file starts with `{{`, so it should be one JSON object: {error}; "
            "for single values write lines `key=value`"
        ) from error
    return check_outputs(outputs)


def check_outputs(outputs: dict[str, Json]) -> dict[str, Json]:
    """Return outputs that are values already, if their names and sizes can be taken.

    Raises:
        ExpressionError: one of them cannot.
    """
    for key, value in outputs.items():
        _checked_key(key)
        _check_size(key, len(dump_json(value).encode("utf-8", "surrogatepass")))
    return outputs


def _lines(text: str) -> Iterator[tuple[str, Json]]:
    lines = enumerate(text.split("\n"), start=1)
    for number, raw in lines:
        line = raw.removesuffix("\r")
        if not line.strip():
            continue
        block = _BLOCK.fullmatch(line)
        if block:
            key, value = block[1].strip(), "\n".join(_block(lines, block[2], number))
        elif "=" in line:
            key, value = line.split("=", 1)
        else:
            raise ExpressionError(
                f"line {number} of the output file is `{line[:60]}`; "
                "write `key=value`, or `key<<END`, lines, and a line `END`"
            )
        key = _checked_key(key.strip())
        yield key, type_text(_checked_text(key, value.encode()))


def _block(lines: Iterator[tuple[int, str]], end: str, start: int) -> Iterator[str]:
    for _, line in lines:
        if line.rstrip("\r") == end:
            return
        yield line.removesuffix("\r")
    raise ExpressionError(
        f"line {start} of the output file begins a value that no line `{end}` ends; add that line"
    )


def _text(content: bytes, what: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ExpressionError(
            f"{what} is not UTF-8 text (byte {error.start}); encode it, with base64 say"
        ) from error


def _checked_key(key: str) -> str:
    if not key or len(key) > KEY_LIMIT or any(ord(character) < 32 for character in key):
        raise ExpressionError(
            f"`{key[:60]}` cannot be the name of an output; use 1 to {KEY_LIMIT} printable characters"
        )
    return key


def _checked_text(key: str, value: bytes) -> str:
    _check_size(key, len(value))
    return _text(value, f"output `{key}`")


def _check_size(key: str, size: int) -> None:
    if size > VALUE_LIMIT:
        raise ExpressionError(f"output `{key}` has {size} bytes, the limit is {VALUE_LIMIT}; {_REMEDY}")
