"""Options that several verbs have."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from wfe.hosts.cli.trusting import trusting
from wfe.model.status import InstanceStatus

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_STORE: Final = "sqlite:.wfe/wfe.db"


def store_option(function: F) -> F:
    """Add `--store URL`."""
    return click.option(
        "--store",
        metavar="URL",
        envvar="WFE_STORE",
        default=DEFAULT_STORE,
        show_default=True,
        help="Where instances live: sqlite:PATH, postgres://…, or memory: to keep nothing.",
    )(function)


def queue_option(function: F) -> F:
    """Add `--queue URL`."""
    return click.option(
        "--queue",
        metavar="URL",
        envvar="WFE_QUEUE",
        help="From where workers take instances: redis://…  [default: the store]",
    )(function)


def copy_options(function: F) -> F:
    """Add `--search URL` and `--logs URL`: where copies go."""
    return search_option(logs_option(function))


def search_option(function: F) -> F:
    """Add `--search URL`."""
    return click.option(
        "--search",
        metavar="URL",
        envvar="WFE_SEARCH",
        help="Where instances are copied to for `wfe search`: https://… (OpenSearch), sqlite:PATH.",
    )(function)


def logs_option(function: F) -> F:
    """Add `--logs URL`."""
    return click.option(
        "--logs",
        metavar="URL",
        envvar="WFE_LOGS",
        help="Where what steps write is copied to: https://… (OpenSearch), files:DIRECTORY, sqlite:PATH.",
    )(function)


def copied_option(*names: str) -> Callable[[F], F]:
    """Add the URL of the server that an operator copies to, under these names."""
    variable = f"WFE_{names[0].removeprefix('--').upper()}"
    return click.option(
        *names,
        metavar="URL",
        envvar=[variable, "WFE_OPENSEARCH_URL"],
        callback=trusting("opensearch"),
        help=f"Where the operator copies to: https://… (OpenSearch).  [env var: {variable}, WFE_OPENSEARCH_URL]",
    )


def find_options(function: F) -> F:
    """Add which instances to find."""
    options = (
        click.option(
            "--status",
            multiple=True,
            type=click.Choice([status.value for status in InstanceStatus]),
            help="Only these.",
        ),
        click.option("--workflow", metavar="ID", help="Only instances of this workflow."),
        click.option("--reference", metavar="KEY", help="Only instances with this reference."),
        click.option(
            "--since", metavar="TIME", help="Only those started since: so long ago (`2h`), or a time."
        ),
        click.option(
            "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
        ),
        output_option("table", "json", default="table"),
    )
    return _with(options, function)


def line_options(function: F) -> F:
    """Add which lines of logs to find."""
    options = (
        click.option(
            "--search",
            metavar="TEXT",
            help="Lines with this text, in any case, of all instances (or this one).",
        ),
        click.option("--workflow", metavar="ID", help="With --search: only instances of this workflow."),
        click.option(
            "--since", metavar="TIME", help="With --search: written since: so long ago (`2h`), or a time."
        ),
        click.option(
            "--limit",
            type=click.IntRange(1, 10_000),
            default=1000,
            show_default=True,
            help="With --search: at most so many lines.",
        ),
        output_option("text", "json", default="text"),
    )
    return _with(options, function)


def instance_argument(function: F) -> F:
    """Add the argument ID, which is an instance's id or name."""
    return click.argument("instance", metavar="ID|NAME")(function)


def output_option(*choices: str, default: str | None = None) -> Callable[[F], F]:
    """Add `--output`."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(choices),
        default=default,
        help="How to print what there is to say.",
    )


def filter_options(function: F) -> F:
    """Add which instances to list."""
    options = (
        click.option(
            "--status",
            multiple=True,
            type=click.Choice([status.value for status in InstanceStatus]),
            help="Only these.",
        ),
        click.option("--workflow", metavar="ID", help="Only instances of this workflow."),
        click.option("--reference", metavar="KEY", help="Only instances with this reference."),
        click.option(
            "--all", "-a", "children", is_flag=True, help="Also those that steps of others started."
        ),
        click.option(
            "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many."
        ),
        output_option("table", "json", "name", default="table"),
    )
    return _with(options, function)


def running_options(function: F) -> F:
    """Add what running steps needs."""
    options = (
        click.option(
            "--env",
            "env",
            multiple=True,
            metavar="NAME",
            help="Let steps see this variable of the environment.",
        ),
        click.option(
            "--secret", "secrets", multiple=True, metavar="NAME=VALUE", help="A secret that steps refer to."
        ),
        click.option(
            "--secrets",
            "secrets_path",
            type=click.Path(path_type=Path, exists=True),
            help="Secrets from a file of NAME=VALUE lines, or from a directory of files.",
        ),
        click.option(
            "--workspace",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="The directory that steps work in.  [default: the current one]",
        ),
        click.option("--max-tasks", type=click.IntRange(1), metavar="N", help="How many tasks run at once."),
        copy_options,
        output_option("tree", "plain", "json"),
    )
    return _with(options, function)


def _with(options: Sequence[Callable[[F], F]], function: F) -> F:
    """Add options, which help lists in this order."""
    for option in reversed(options):
        function = option(function)
    return function
