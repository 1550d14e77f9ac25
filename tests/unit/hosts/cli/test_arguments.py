from pathlib import Path

import click
import pytest

from wfe.hosts.cli.arguments import config_variables, pairs
from wfe.hosts.cli.inputs import read_inputs
from wfe.hosts.cli.remembered import Way, recall, remember
from wfe.hosts.cli.secrets import given_secrets, missing_secrets, read_secrets


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param(["a=1", "b=x y"], {"a": "1", "b": "x y"}, id="text-as-it-is"),
        pytest.param(["a=b=c"], {"a": "b=c"}, id="the-first-equals-counts"),
        pytest.param(["a="], {"a": ""}, id="empty-value"),
        pytest.param(["a=1", "a=2"], {"a": "2"}, id="the-last-one-counts"),
    ],
)
def test_pairs_are_split(texts: list[str], expected: dict[str, str]) -> None:
    assert pairs(texts, "--input") == expected


@pytest.mark.parametrize("text", ["novalue", "=x", ""])
def test_what_is_no_pair_is_refused_with_the_form_wanted(text: str) -> None:
    with pytest.raises(click.BadParameter, match="name=value"):
        pairs([text], "--input")


@pytest.mark.parametrize("text", ['{"a": [1], "b": "no"}', "a: [1]\nb: no\n"], ids=["json", "yaml"])
def test_inputs_come_from_a_file_of_json_or_yaml(tmp_path: Path, text: str) -> None:
    file = tmp_path / "inputs"
    file.write_text(text)

    assert read_inputs(file) == {"a": [1], "b": "no"}
    assert read_inputs(None) == {}


@pytest.mark.parametrize("text", ["[1]", "{", "3", "", "a: 1: 2"])
def test_inputs_that_are_no_object_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "inputs.json"
    file.write_text(text)

    with pytest.raises(click.BadParameter):
        read_inputs(file)


def test_a_file_of_inputs_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="nowhere"):
        read_inputs(tmp_path / "nowhere")


def test_variables_come_from_the_environment() -> None:
    assert config_variables({"WFE_CONFIG": '{"a": 1}'}) == {"a": 1}
    assert config_variables({"WFE_CONFIG": " "}) == {}
    assert config_variables({}) == {}


def test_a_secret_without_a_value_is_taken_from_the_environment() -> None:
    assert given_secrets(["A=x=y", "B"], {"B": "z"}) == {"A": "x=y", "B": "z"}
    with pytest.raises(click.BadParameter, match="no `C`"):
        given_secrets(["C"], {})


def test_secrets_come_from_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# mine\nA=1=2\n\nexport B='x y'\nC=\n")

    assert read_secrets(file) == {"A": "1=2", "B": "x y", "C": ""}
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(click.BadParameter, match="line 2"):
        read_secrets(file)


def test_secrets_come_from_files_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry/token").write_text("t\n")
    (tmp_path / "plain").write_text("p")

    assert read_secrets(tmp_path) == {"plain": "p", "registry/token": "t"}


def test_secrets_that_are_missing_are_all_named() -> None:
    missing_secrets([])
    with pytest.raises(click.BadParameter, match="--secret A=… --secret B=…"):
        missing_secrets(["A", "B"])


def test_how_an_instance_was_run_is_remembered_without_values(tmp_path: Path) -> None:
    way = Way("/w", ("CI",), ("TOKEN",))
    remember(tmp_path, "i", way)

    assert recall(tmp_path, "i") == way
    assert recall(tmp_path, "other") == Way()
    assert way.with_asked(tmp_path, ("X",)) == Way(str(tmp_path), ("X",), ("TOKEN",))
    assert way.with_asked(None, ()) == way
