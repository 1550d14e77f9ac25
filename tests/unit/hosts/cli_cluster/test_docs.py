"""The page about the command line names what there is, and nothing else."""

import re
from pathlib import Path

import click
import pytest

from wfe.hosts.cli import IN_CLUSTER, VERBS, main

PAGE = Path(__file__).resolve().parents[4] / "docs" / "cli-cluster.md"
TEXT = PAGE.read_text("utf-8")
ELSEWHERE = {"--store", "--include"}


def options(command: click.Command) -> set[str]:
    found = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    if isinstance(command, click.Group):
        found.update(*(options(each) for each in command.commands.values()))
    return found


def command_of(verb: str) -> click.Command:
    _, command, _ = main.resolve_command(click.Context(main), [verb, "--cluster"])
    assert command is not None
    return command


@pytest.mark.parametrize("verb", [*IN_CLUSTER, "convert", "validate"])
def test_every_verb_has_a_row(verb: str) -> None:
    assert re.search(rf"`wfe {verb} ?[A-Z…\w]*", TEXT)


def test_every_verb_that_is_named_is_there() -> None:
    assert set(re.findall(r"\bwfe ([a-z]+(?:-mirror)?)\b", TEXT)) - {"run"} <= VERBS.keys()


def test_every_option_that_is_named_is_some_verbs() -> None:
    known = set.union(*map(options, map(command_of, IN_CLUSTER)))
    known.discard("--help")

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - ELSEWHERE <= known
