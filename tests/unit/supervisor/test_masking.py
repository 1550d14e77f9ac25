"""Masking: every form of a secret's value is found, wherever it lies, and every other byte stays."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.model.ids import AttemptKey
from wfe.ports.logs import Segment, Stream
from wfe.supervisor.masking import MaskedStream, Masker, SecretPutOut

SECRET = 'p4ss/w"ord+with=odd&bytes'
NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEY = AttemptKey("i", "a", 1)


def b64(before: str) -> str:
    return base64.b64encode(f"{before}{SECRET} after".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"before {SECRET} after", id="raw"),
        pytest.param(f"curl https://x/?t={quote(SECRET, safe='')}", id="url"),
        pytest.param(json.dumps({"token": SECRET}), id="json"),
        pytest.param(SECRET.encode().hex(), id="hex"),
        pytest.param(b64(""), id="base64-aligned"),
        pytest.param(b64("x"), id="base64-one-off"),
        pytest.param(b64("xy"), id="base64-two-off"),
    ],
)
def test_every_form_is_starred_out_in_as_many_bytes(text: str) -> None:
    masked = Masker([SECRET]).mask(text.encode())
    assert b"****" in masked
    assert len(masked) == len(text.encode())
    decoded = masked if b"=" not in masked[-2:] else base64.b64decode(masked.replace(b"*", b"A"))
    assert SECRET.encode() not in decoded


def test_the_lines_of_a_value_are_found_one_by_one() -> None:
    assert Masker(["first line\nsecond line"]).mask(b"> second line <") == b"> *********** <"


@pytest.mark.parametrize("values", [[], [""], ["abc"]], ids=["none", "empty", "too-short"])
def test_nothing_is_masked_without_a_value_that_is_long_enough(values: list[str]) -> None:
    masker = Masker(values)
    assert not masker
    assert masker.mask(b"abc anything") == b"abc anything"


@given(st.binary(max_size=40), st.integers(1, 30))
def test_a_value_across_segments_is_masked_and_every_other_byte_stays(noise: bytes, size: int) -> None:
    noise = noise.replace(b"\n", b" ").replace(b"*", b"+")
    data = noise + SECRET.encode() + noise
    stream, offset = MaskedStream(Masker([SECRET])), 0
    out: list[Segment] = []
    for start in range(0, len(data), max(size, len(SECRET))):
        piece = data[start : start + max(size, len(SECRET))]
        out += stream.take(Segment(KEY, Stream.STDOUT, offset, piece, NOW))
        offset += len(piece)
    out += stream.finish()
    whole = b"".join(segment.data for segment in out)
    assert whole == noise + b"*" * len(SECRET) + noise
    assert [segment.offset for segment in out] == sorted({segment.offset for segment in out})


def test_a_segment_that_ends_its_line_does_not_wait() -> None:
    stream = MaskedStream(Masker([SECRET]))
    assert len(list(stream.take(Segment(KEY, Stream.STDOUT, 0, b"line\n", NOW)))) == 1


def test_a_file_is_masked_in_place(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    filler = b"x" * ((1 << 20) - 5)
    path.write_bytes(filler + SECRET.encode() + b" end")
    Masker([SECRET]).mask_file(path)
    assert path.read_bytes() == filler + b"*" * len(SECRET) + b" end"


def test_an_output_that_holds_a_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(SecretPutOut, match="output `token` holds") as refusal:
        Masker([SECRET]).check_outputs({"fine": 1, "token": ["a", {"b": f"x{SECRET}"}]})
    assert SECRET not in str(refusal.value)
