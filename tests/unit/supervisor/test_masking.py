"""Masking: every form of a secret's value is found, wherever it lies, and every other byte stays."""

import base64
import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.model.ids import AttemptKey
from wfe.model.json import Data
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


ODD = "it's <a> 100%/\"50$\\`x\u00e9"
LONG = "".join(chr(ord("!") + at % 90) for at in range(200))
LINES = "\n".join(["first line", "second, longer line", "third"] * 9)


@pytest.mark.parametrize(
    ("value", "script", "left"),
    [
        pytest.param(ODD, "export -p | grep TOKEN", rb'declare -x TOKEN="\*+"\n', id="export"),
        pytest.param(
            ODD, """sh -c 'export -p' | grep TOKEN""", rb"\w[\w -]+ TOKEN=['\"]\*+['\"]\n", id="export-of-sh"
        ),
        pytest.param(ODD, 'set -x; : "$TOKEN"', rb"\+ : '\*+'\n", id="a-trace"),
        pytest.param(ODD, 'printf %q "$TOKEN"', rb"\*+", id="printf-q"),
        pytest.param(LONG, 'printf %s "$TOKEN" | base64', rb"(\*+=*\n)+", id="base64-breaks-it"),
        pytest.param(LONG, 'echo "$TOKEN" | base64', rb"(\*+=*\n)+", id="base64-with-the-newline"),
        pytest.param(LONG, 'printf %s "$TOKEN" | base64 -w64', rb"(\*+=*\n)+", id="as-openssl-breaks-it"),
        pytest.param(LINES, 'echo "$TOKEN" | base64', rb"(\*+=*\n)+", id="base64-of-many-lines"),
        pytest.param(LINES, 'printf %s "$TOKEN"', rb"(\*+\n)+\*+", id="many-lines"),
    ],
)
def test_what_programs_make_of_a_value_is_masked(value: str, script: str, left: bytes) -> None:
    environment = {"PATH": os.environ["PATH"], "TOKEN": value, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, check=True)
    assert re.fullmatch(left, Masker([value]).mask(done.stdout + done.stderr))


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("it's%20%3Ca%3E%20100%25%2F%2250%24%5C%60x%C3%A9", id="encodeURIComponent"),
        pytest.param("it%27s%20%3ca%3e%20100%25%2f%2250%24%5c%60x%c3%a9", id="small-letters"),
        pytest.param("it%27s+%3Ca%3E+100%25%2F%2250%24%5C%60x%C3%A9", id="a-form"),
        pytest.param("it's \\u003ca\\u003e 100%/\\\"50$\\\\`x\u00e9", id="json-of-go"),
        pytest.param("it's <a> 100%\\/\\\"50$\\\\`x\\u00e9", id="json-of-php"),
    ],
)
def test_what_other_languages_make_of_a_value_is_masked(form: str) -> None:
    assert set(Masker([ODD]).mask(form.encode())) == set(b"*")


def test_values_that_lie_across_each_other_are_all_masked() -> None:
    masker = Masker(["abcdef", "defghi"])
    assert masker.mask(b"-abcdefghi-") == b"-*********-"


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


@pytest.mark.parametrize("size", [1, 3, 7, 500])
def test_a_value_across_many_segments_is_masked(size: int) -> None:
    data = b"before " + LONG.encode() + b" after"
    stream = MaskedStream(Masker([LONG, "fore !"]))
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    out = [each for at, piece in enumerate(pieces) for each in stream.take(_segment(at * size, piece))]
    out += stream.finish()
    assert b"".join(each.data for each in out) == b"be" + b"*" * (5 + len(LONG)) + b" after"
    assert [len(each.data) for each in out] == [len(piece) for piece in pieces]


def test_a_segment_waits_no_longer_than_a_value_is() -> None:
    stream = MaskedStream(Masker(["abcd"]))
    longest = Masker(["abcd"]).longest
    assert not list(stream.take(_segment(0, b"x")))
    assert len(list(stream.take(_segment(1, b"y" * longest)))) == 1


def _segment(offset: int, data: bytes) -> Segment:
    return Segment(KEY, Stream.STDOUT, offset, data, NOW)


def test_a_segment_that_ends_its_line_does_not_wait() -> None:
    stream = MaskedStream(Masker([SECRET]))
    assert len(list(stream.take(Segment(KEY, Stream.STDOUT, 0, b"line\n", NOW)))) == 1


def test_a_file_is_masked_in_place(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    filler = b"x" * ((1 << 20) - 5)
    path.write_bytes(filler + SECRET.encode() + b" end")
    Masker([SECRET]).mask_file(path)
    assert path.read_bytes() == filler + b"*" * len(SECRET) + b" end"


def test_a_file_is_masked_where_values_lie_across_each_other_at_a_seam(tmp_path: Path) -> None:
    path = tmp_path / "stdout"
    filler = b"x" * ((1 << 20) - 3)
    path.write_bytes(filler + b"abcdefghi" + b"y" * 40)
    Masker(["abcdef", "defghi"]).mask_file(path)
    assert path.read_bytes() == filler + b"*" * 9 + b"y" * 40


@pytest.mark.parametrize(
    "outputs",
    [
        pytest.param({"a": json.dumps({"t": SECRET})[:-1]}, id="json-in-a-text"),
        pytest.param({"a": {"b": [{SECRET: 1}]}}, id="a-name-inside"),
        pytest.param({SECRET: 1}, id="its-own-name"),
        pytest.param({"a": b64("x")}, id="base64"),
    ],
)
def test_a_secret_is_found_anywhere_in_an_output(outputs: Data) -> None:
    with pytest.raises(SecretPutOut) as refusal:
        Masker([SECRET]).check_outputs(outputs)
    assert SECRET not in str(refusal.value)


def test_an_output_that_holds_a_secret_is_refused_without_showing_it() -> None:
    with pytest.raises(SecretPutOut, match="output `token` holds") as refusal:
        Masker([SECRET]).check_outputs({"fine": 1, "token": ["a", {"b": f"x{SECRET}"}]})
    assert SECRET not in str(refusal.value)
