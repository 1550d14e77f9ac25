"""Which data become environment variables, and under which names."""

from typing import Any

import pytest

from wfe.steps.environment import VALUE_LIMIT, data_env


@pytest.mark.parametrize(
    ("data", "env"),
    [
        pytest.param({"name": "x y"}, {"NAME": "x y"}, id="a-string-as-it-is"),
        pytest.param(
            {"n": 1, "f": 1.5, "b": True}, {"N": "1", "F": "1.5", "B": "true"}, id="scalars-as-json"
        ),
        pytest.param({"l": [1, {"a": None}]}, {"L": '[1,{"a":null}]'}, id="structures-as-compact-json"),
        pytest.param({"none": None}, {"NONE": ""}, id="null-is-empty"),
        pytest.param(
            {"build.out-dir": "d"}, {"BUILD_OUT_DIR": "d"}, id="other-characters-become-underscores"
        ),
        pytest.param({"größe": "x"}, {"GR_SSE": "x"}, id="letters-of-other-alphabets-too"),
        pytest.param({"v": "a\nb$(id)`"}, {"V": "a\nb$(id)`"}, id="nothing-is-interpreted"),
    ],
)
def test_a_key_becomes_a_variable(data: dict[str, Any], env: dict[str, str]) -> None:
    made = data_env(data)
    assert (made.env, made.notes) == (env, ())


@pytest.mark.parametrize(
    "key",
    [
        *(
            "path",
            "HOME",
            "shell",
            "user",
            "ifs",
            "env",
            "bash_env",
            "ps4",
            "ld_preload",
            "ld.preload",
            "dyld_x",
        ),
        *(
            "pythonpath",
            "node_options",
            "deno_dir",
            "wfe_output",
            "WFE_x",
            "1st",
            "",
            "bash_func_x",
            "perl5lib",
        ),
        *("git-ssh-command", "_java_options"),
    ],
)
def test_a_name_that_loaders_know_is_not_set_and_noted(key: str) -> None:
    made = data_env({key: "x", "other": "y"})
    assert made.env == {"OTHER": "y"}
    assert len(made.notes) == 1
    assert f"`{key}`" in made.notes[0]


def test_two_keys_of_one_name_are_both_left_out_and_noted_once() -> None:
    made = data_env({"a-b": 1, "a_b": 2, "A.b": 3, "c": 4})
    assert made.env == {"C": "4"}
    assert len(made.notes) == 1
    assert "`a-b` and `a_b` and `A.b`" in made.notes[0]


def test_a_name_that_the_step_sets_itself_is_nobodys_problem() -> None:
    made = data_env({"path": "x", "a-b": 1, "a_b": 2}, set_elsewhere={"PATH", "A_B"})
    assert (made.env, made.notes) == ({}, ())


@pytest.mark.parametrize(
    "value",
    ["x" * (VALUE_LIMIT + 1), "é" * (VALUE_LIMIT // 2 + 1), "a\0b"],
    ids=["long", "long-in-utf-8", "nul"],
)
def test_what_no_variable_can_hold_is_left_to_the_file(value: str) -> None:
    made = data_env({"v": value, "w": "y"})
    assert made.env == {"W": "y"}
    assert "WFE_DATA" in made.notes[0]


def test_all_variables_together_stay_below_what_a_process_can_be_given() -> None:
    made = data_env({f"k{number}": "x" * VALUE_LIMIT for number in range(64)})
    assert 0 < len(made.env) < 64
    assert len(made.env) + len(made.notes) == 64
