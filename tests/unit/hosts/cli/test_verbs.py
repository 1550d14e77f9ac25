import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from wfe.hosts.cli import VERBS, main


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_there_and_the_table_says_what_its_docstring_says(verb: str) -> None:
    command = main.get_command(click.Context(main), verb)

    assert command is not None
    assert (command.help or "").splitlines()[0] == VERBS[verb][1]


def test_help_lists_all_verbs_and_imports_none() -> None:
    code = "import sys; from wfe.hosts.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert all(f"  {verb} " in shown for verb in VERBS)
    assert not {"asyncio", "pydantic", "rich", "wfe.engine"} & set(shown.splitlines()[-1].split())


def test_a_mistyped_verb_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main, ["resum"])

    assert result.exit_code == 2
    assert "did you mean `resume`?" in result.output


@pytest.mark.parametrize("option", ["--history", "-A"])
def test_an_option_that_is_for_clusters_is_said_to_be(option: str) -> None:
    result = CliRunner().invoke(main, ["list", option])

    assert result.exit_code == 2
    assert f"{option} is for clusters; `wfe list --cluster {option}` asks one" in result.output


def test_an_option_that_is_nowhere_is_answered_as_ever() -> None:
    result = CliRunner().invoke(main, ["list", "--reverse"])

    assert (result.exit_code, "No such option" in result.output) == (2, True)
