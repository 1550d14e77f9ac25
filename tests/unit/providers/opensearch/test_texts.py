"""What narrows a search for a text leaves no line out that has it: judged by what the index makes of lines."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfe.ports.logs import has_text
from wfe.providers.opensearch.texts import LONGEST_RUN, conditions, is_long

_ALPHABET = st.sampled_from("abCD019 _-./:*?\n\0\x1bäßİéЖ名😀\u0301")


def runs(data: bytes) -> set[str]:
    """Split a line as `templates/logs.json` does; what is not ASCII may or may not belong to runs."""
    found = re.findall(r"[0-9a-z\x80-\U0010ffff]+", data.decode("utf-8", "replace").lower())
    return {run[start : start + LONGEST_RUN] for run in found for start in range(0, len(run), LONGEST_RUN)}


def keeps(condition: Any, line: bytes) -> bool:
    """Tell whether a document of the line satisfies the condition."""
    match condition:
        case {"bool": {"should": some}}:
            return any(keeps(one, line) for one in some)
        case {"bool": {"filter": every}}:
            return all(keeps(one, line) for one in every)
        case {"term": {"is_long": _}}:
            return is_long(line)
        case {"term": {"text": {"value": run}}}:
            return run in runs(line)
        case {"wildcard": {"text": {"value": pattern}}}:
            return any(fnmatchcase(run, pattern) for run in runs(line))
    raise AssertionError(condition)


@given(st.text(_ALPHABET), st.text(_ALPHABET), st.text(_ALPHABET))
def test_a_line_with_the_text_is_kept(before: str, text: str, behind: str) -> None:
    line = f"{before}{text}{behind}".encode()
    assert has_text(line, text)
    assert all(keeps(condition, line) for condition in conditions(text))


@pytest.mark.parametrize("start", range(0, 600, 50))
def test_a_line_with_a_long_run_is_kept_wherever_the_text_lies(start: int) -> None:
    word = "".join(f"x{number}" for number in range(200))
    line = f"a {word} b".encode()
    assert all(keeps(condition, line) for condition in conditions(word[start : start + 40]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(" -> ", [], id="no-run"),
        pytest.param(" error:", [{"term": {"text": {"value": "error"}}}], id="a-whole-run"),
        pytest.param("error: d", [{"wildcard": {"text": {"value": "d*"}}}], id="a-beginning-before-an-end"),
        pytest.param("rror", [{"wildcard": {"text": {"value": "*rror*"}}}], id="a-part"),
        pytest.param("é1:", [{"wildcard": {"text": {"value": "*1"}}}], id="what-is-behind-another-script"),
    ],
)
def test_the_index_is_asked_for_what_is_cheap(text: str, expected: list[Any]) -> None:
    found = [condition["bool"]["should"][0]["bool"]["filter"] for condition in conditions(text)]
    assert found == ([expected] if expected else [])
