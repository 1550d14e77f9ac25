from typing import Any

import pytest
import yaml

from wfe.language.dump import dump_text
from wfe.language.plain import NotYaml, plain_value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"a": 1, "b": 2.5, "c": True, "d": None}, id="scalars"),
        pytest.param({"a": "yes", "b": "1.10", "c": "null", "d": "", "e": "x: y", "f": "# no"}, id="texts"),
        pytest.param(
            {
                "a": "- x",
                "b": "12e3",
                "c": "0x1f",
                "d": "~",
                "e": "2026-01-01",
                "f": "=",
                "g": "<<",
                "h": "1e3",
                "i": "0o17",
                "y": "n",
            },
            id="traps",
        ),
        pytest.param({"yes": 1, "on": 2, "a b": 3, "1": 4}, id="keys"),
        pytest.param({"run": "set -e\n\necho a\n  echo b\n"}, id="script"),
        pytest.param({"run": "set -e\necho a"}, id="script-without-a-last-newline"),
        pytest.param({"run": "a\n\n\n"}, id="script-with-more-newlines"),
        pytest.param({"run": "  a\nb"}, id="script-that-begins-indented"),
        pytest.param({"run": "a \nb"}, id="script-with-a-trailing-space"),
        pytest.param({"run": "a\n\tb\nc\x1b[1m"}, id="script-with-control-characters"),
        pytest.param(
            {"steps": [{"name": "a", "config": {"run": "x"}}, {"name": "b", "args": ["-x", []]}]}, id="steps"
        ),
        pytest.param({"a": [], "b": {}, "c": [[1, [2]], {}]}, id="empty-and-nested"),
        pytest.param({"a": "ünï 漢字 \u2028 \U0001f600", "b": "a\rb"}, id="unicode"),
    ],
)
def test_what_is_written_is_read_again_by_any_version_of_yaml(value: dict[str, Any]) -> None:
    assert yaml.safe_load(dump_text(value)) == value
    assert plain_value(dump_text(value).encode()) == value


def test_scripts_stay_readable() -> None:
    assert dump_text({"a": [{"run": "x\ny\n", "m": 1}]}) == "a:\n  - run: |\n      x\n      y\n    m: 1\n"


def test_keys_stay_in_their_order_and_nothing_is_shared() -> None:
    same = ["x"]

    assert dump_text({"b": same, "a": same}) == "b:\n  - x\na:\n  - x\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [", "not YAML", id="unfinished"),
        pytest.param("a: 1\na: 2", "twice", id="double-key"),
        pytest.param("a: !!python/name:os.system", "tag", id="tag"),
        pytest.param("", "empty", id="empty"),
    ],
)
def test_what_is_no_plain_value_is_refused(text: str, said: str) -> None:
    with pytest.raises(NotYaml, match=said):
        plain_value(text.encode())


def test_yaml_means_what_it_means_in_workflow_files() -> None:
    assert plain_value(b"{a: yes, b: 0755, c: 1.5, d: [1, null]}") == {
        "a": "yes", "b": "0755", "c": 1.5, "d": [1, None],
    }  # fmt: skip
