"""Masks the values of secrets in what steps write and put out, byte for byte, so that offsets stay true.

A value is found as it is, in base64 (each of its three alignments), URL-encoded, as a JSON string's inside, and in
hexadecimal. The lines of a value are found one by one. A line shorter than four bytes is not looked for: it would
mask half of every log. Whatever transforms a value in another way gets past; masking is a net and no wall.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from wfe.errors import Permanent
from wfe.model.json import Data
from wfe.ports.logs import Segment

SHORTEST: Final = 4
_CHUNK: Final = 1 << 20
_NOTHING: Final = re.compile(rb"(?!)")


class SecretPutOut(Permanent):
    """An output holds the value of a secret."""


class Masker:
    """Knows the values of secrets and finds them in bytes; without any it finds nothing."""

    def __init__(self, values: Iterable[str]) -> None:
        found = {form for value in values for line in _lines(value) for form in _forms(line)}
        ordered = sorted(found, key=len, reverse=True)
        self.longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else _NOTHING

    def __bool__(self) -> bool:
        return self.longest > 0

    def mask(self, data: bytes) -> bytes:
        """Return as many bytes with every value starred out."""
        return self._pattern.sub(lambda found: b"*" * len(found[0]), data)

    def check_outputs(self, outputs: Data) -> Data:
        """Return outputs that hold no secret.

        Raises:
            SecretPutOut: one does; its value is not in the message.
        """
        for name, value in outputs.items():
            if self._pattern.search(json.dumps([name, value], ensure_ascii=False).encode("utf-8", "replace")):
                shown = self.mask(name.encode()).decode()
                raise SecretPutOut(
                    f"output `{shown}` holds the value of a secret, and outputs are stored; "
                    "hand the secret to the step that needs it with `secret: {name, key}`"
                )
        return outputs

    def mask_file(self, path: Path) -> None:
        """Star out every value in a file, in place; what is no file is left alone."""
        try:
            with path.open("r+b") as file:
                self._mask_open(file.fileno())
        except FileNotFoundError:
            return

    def _mask_open(self, file: int) -> None:
        size, at = os.fstat(file).st_size, 0
        while at < size:
            data = os.pread(file, _CHUNK + self.longest, at)
            masked = self.mask(data)
            if masked != data:
                os.pwrite(file, masked, at)
            at += _CHUNK


class MaskedStream:
    """Masks the segments of one stream, also where a value lies across two of them.

    A value has no line break in it, so only a segment that does not end in one waits for the next.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._waiting: Segment | None = None

    def take(self, segment: Segment) -> Iterator[Segment]:
        """Yield what is ready once this segment has come."""
        if not self._masker:
            yield segment
            return
        before, self._waiting = self._waiting, None
        data = self._masker.mask((before.data if before else b"") + segment.data)
        if before is not None:
            yield _with(before, data[: len(before.data)])
            data = data[len(before.data) :]
        masked = _with(segment, data)
        if segment.data.endswith(b"\n"):
            yield masked
        else:
            self._waiting = masked

    def finish(self) -> Iterator[Segment]:
        """Yield what still waits."""
        if self._waiting is not None:
            yield self._waiting
            self._waiting = None


def _with(segment: Segment, data: bytes) -> Segment:
    return Segment(segment.key, segment.stream, segment.offset, data, segment.at)


def _lines(value: str) -> list[bytes]:
    lines = [line.strip().encode("utf-8", "surrogateescape") for line in value.splitlines()]
    return [line for line in lines if len(line) >= SHORTEST]


def _forms(value: bytes) -> Iterator[bytes]:
    text = value.decode("utf-8", "surrogateescape")
    yield value
    yield from (form.encode() for form in (quote(value, safe=""), quote_plus(value)))
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogateescape")
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield from _base64_forms(value, encode)


def _base64_forms(value: bytes, encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Yield the part of the value's base64 that does not depend on its neighbours, for each alignment."""
    for before in range(3):
        encoded = encode(b"\0" * before + value)
        first = (0, 2, 3)[before]
        last = len(encoded) - (0, 3, 2)[(before + len(value)) % 3]
        part = encoded[first:last]
        if len(part) >= 2 * SHORTEST - 2:
            yield part
