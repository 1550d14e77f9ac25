"""`wfe validate`"""

import sys
from pathlib import Path
from typing import Any

import click

from wfe.errors import NotFound, Problem
from wfe.hosts.cli.arguments import as_json, pairs
from wfe.hosts.cli.display.neutral import neutral
from wfe.hosts.cli.options import output_option
from wfe.hosts.embedded.files import load_file


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--var", "variables", multiple=True, metavar="K=V", help="A variable that placeholders may name."
)
@output_option("text", "json", default="text")
def command(files: tuple[Path, ...], variables: tuple[str, ...], output: str) -> None:
    """Check workflow files and report all problems.

    Each with its file, line and column, and the way out of it. Exit code 2 if there are errors, not for warnings alone.
    """
    names = pairs(variables, "--var")
    problems = [problem for file in files for problem in _problems(file, names)]
    errors = [problem for problem in problems if problem.is_error]
    if output == "json":
        click.echo(as_json([_plain(problem) for problem in problems]))
    else:
        for problem in problems:
            click.echo("\n".join(map(neutral, str(problem).splitlines())))
        if not errors:
            click.echo(f"{len(files)} {'file is' if len(files) == 1 else 'files are'} valid")
    sys.exit(2 if errors else 0)


def _problems(file: Path, variables: dict[str, str]) -> tuple[Problem, ...]:
    try:
        return tuple(load_file(file, variables).problems)
    except NotFound as error:
        return (Problem(what=str(error), remedy="", file=str(file)),)


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "field": problem.field,
        "severity": problem.severity,
        "what": problem.what,
        "remedy": problem.remedy,
    }
