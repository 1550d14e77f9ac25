"""Masks the values of secrets in what steps write and put out, byte for byte, so that offsets stay true.

A value is found in the forms that `secret_forms` knows. Whatever transforms it in another way gets past; masking is a
net and no wall.

Every byte of every occurrence is starred out, also where occurrences lie across each other. So whether a byte is masked
depends on what is near it, and not on where somebody began to look.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from wfe.errors import Permanent
from wfe.expr.errors import ExpressionError
from wfe.model.json import Data, Json
from wfe.model.task import ProcessTask
from wfe.ports.logs import Segment
from wfe.supervisor.outputs import outputs_of
from wfe.supervisor.secret_forms import forms_of

_CHUNK: Final = 1 << 20
_NOTHING: Final = re.compile(rb"(?!)")


class SecretPutOut(Permanent):
    """An output holds the value of a secret."""


class Masker:
    """Knows the values of secrets and finds them in bytes; without any it finds nothing."""

    def __init__(self, values: Iterable[str]) -> None:
        found = {form for value in values for form in forms_of(value)}
        ordered = sorted(found, key=len, reverse=True)
        self.longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else _NOTHING

    def __bool__(self) -> bool:
        return self.longest > 0

    def mask(self, data: bytes) -> bytes:
        """Return as many bytes with every value starred out."""
        found = self._pattern.search(data)
        if found is None:
            return data
        masked = bytearray(data)
        while found is not None:
            start, end = found.span()
            masked[start:end] = b"*" * (end - start)
            found = self._pattern.search(data, start + 1)
        return bytes(masked)

    def masked_text(self, text: str) -> str:
        """Return a text with every value starred out."""
        return self.mask(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace") if self else text

    def finds(self, data: bytes) -> bool:
        """Tell whether there is a value in it."""
        return self._pattern.search(data) is not None

    def check_outputs(self, outputs: Data) -> Data:
        """Return outputs that hold no secret.

        Raises:
            SecretPutOut: one does; its value is not in the message.
        """
        for name, value in outputs.items():
            if any(self.finds(text.encode("utf-8", "replace")) for text in _texts(name, value)):
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
        size, at, before = os.fstat(file).st_size, 0, b""
        while at < size:
            data = os.pread(file, _CHUNK + self.longest, at)
            # What lies before is starred out in the file already, and was read before that.
            masked = self.mask(before + data)[len(before) :]
            if masked[:_CHUNK] != data[:_CHUNK]:
                os.pwrite(file, masked[:_CHUNK], at)
            before = data[:_CHUNK][-self.longest :]
            at += _CHUNK


def outputs_without_secrets(task: ProcessTask, masker: Masker, *, markers: bytes, file: bytes) -> Data:
    """Return the outputs as `outputs_of` does, if no value of a secret is in them.

    Raises:
        ExpressionError: they cannot be taken; what is quoted of them is no secret.
        SecretPutOut: there is a value in them.
    """
    try:
        return masker.check_outputs(outputs_of(task, markers=markers, file=file))
    except ExpressionError:
        # Its sentence quotes what was written, perhaps a piece of a value that nobody would know again.
        if masker.finds(markers) or masker.finds(file):
            raise SecretPutOut(
                "what it wrote as outputs cannot be read, and holds the value of a secret, so it is not shown"
            ) from None
        raise


class MaskedStream:
    """Masks the segments of one stream, also where a value lies across several of them.

    No form of a value has a line break in it. So a segment waits until its line has ended, or until as much has come
    behind it as the longest form has bytes.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._waiting: list[Segment] = []
        self._before = b""

    def take(self, segment: Segment) -> Iterator[Segment]:
        """Yield what is ready once this segment has come."""
        if not self._masker:
            yield segment
            return
        self._waiting.append(segment)
        if segment.data.endswith(b"\n"):
            yield from self.finish()
            return
        behind, ready = len(segment.data), len(self._waiting) - 1
        while ready and behind < self._masker.longest:
            ready -= 1
            behind += len(self._waiting[ready].data)
        yield from self._masked(ready)

    def finish(self) -> Iterator[Segment]:
        """Yield what still waits."""
        yield from self._masked(len(self._waiting))
        self._before = b""

    def _masked(self, ready: int) -> Iterator[Segment]:
        """Yield the first so many of those that wait."""
        if not ready:
            return
        data = self._masker.mask(self._before + b"".join(each.data for each in self._waiting))
        at = len(self._before)
        done, self._waiting = self._waiting[:ready], self._waiting[ready:]
        self._before = (self._before + b"".join(each.data for each in done))[-self._masker.longest :]
        for segment in done:
            yield _with(segment, data[at : at + len(segment.data)])
            at += len(segment.data)


def _with(segment: Segment, data: bytes) -> Segment:
    return Segment(segment.key, segment.stream, segment.offset, data, segment.at)


def _texts(name: str, value: Json) -> Iterator[str]:
    """Yield an output as it is stored, and each text in it as it was written."""
    yield json.dumps([name, value], ensure_ascii=False)
    yield name
    match value:
        case str():
            yield value
        case Mapping():
            for key, each in value.items():
                yield from _texts(key, each)
        case list() | tuple():
            for each in value:
                yield from _texts("", each)
