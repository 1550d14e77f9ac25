"""The command `wfe`: a table of verbs, each a module that is imported when it is used.

Exit codes: 0 Complete, 1 Failed, 2 bad usage or definition, 3 Suspended, 4 Terminated; 70 a defect of WFE,
75 something that may work later, 130 killed by a second Ctrl-C.
"""

import gc
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from wfe.errors import DefinitionInvalid, Permanent, Retryable, WfeError
from wfe.hosts.cli.cluster.place import is_in_cluster, is_said, place_options

# What `wfe --help` says stands here, so that it imports no verb; a test compares it with their docstrings.
# A verb without a module of `wfe.hosts.cli.verbs` works in clusters alone.
VERBS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "Run a workflow file and follow it to its end."),
    "apply": ("", "Apply the workflows of files to a cluster."),
    "submit": ("", "Start an instance in a cluster, of a workflow there or of a file."),
    "worker": ("worker", "Work on the instances of a store, together with other workers on it."),
    "watch": ("", "Follow an instance in a cluster to its end."),
    "resume": ("resume", "Go on with an instance that has not ended, and follow it."),
    "list": ("list_", "List instances, newest first."),
    "show": ("show", "Show an instance: its steps, errors, data and outputs."),
    "search": ("search", "Find instances by the words in them."),
    "rebuild-mirror": ("", "Fill the history of a cluster from what is in the cluster."),
    "logs": ("logs", "Print what the steps of an instance wrote."),
    "suspend": ("suspend", "Start nothing new in an instance; what runs finishes."),
    "cancel": ("cancel", "Stop an instance: kill its steps, run its ensure hooks."),
    "retry": ("retry", "Run what is left of an instance that failed, as a new one."),
    "publish": ("publish", "Publish an event for the steps that wait for it."),
    "activity": ("activity", "Work on activities: fetch one, report how it went."),
    "shards": ("", "Show the replicas of an operator, and their shares of the work."),
    "validate": ("validate", "Check workflow files and report all problems."),
    "graph": ("graph", "Draw the workflow of a file."),
    "schema": ("schema", "Print the JSON Schema of workflow files, for editors."),
    "convert": ("convert", "Print a file's workflows as Kubernetes resources."),
    "completion": ("completion", "Print the completion script of a shell."),
}
# The modules of `wfe.hosts.cli.cluster.verbs`, for verbs that work in clusters.
IN_CLUSTER: Final[dict[str, str]] = {
    "apply": "apply",
    "submit": "submit",
    "watch": "watch",
    "resume": "resume",
    "list": "list_",
    "show": "show",
    "search": "search",
    "rebuild-mirror": "rebuild_mirror",
    "logs": "logs",
    "suspend": "suspend",
    "cancel": "cancel",
    "retry": "retry",
    "publish": "publish",
    "activity": "activity",
    "shards": "shards",
}
# Looking for plugins of pydantic costs a tenth of a short run, and nobody wants them here.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
BROKEN: Final = 70
TRY_LATER: Final = 75


class NotInstalled(Permanent):
    """The verb needs an extra that is not installed."""


class Verbs(click.Group):
    """Finds verbs in the table, and says errors in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        here = VERBS[cmd_name][0]
        command = _command(f"verbs.{here}" if here else f"cluster.verbs.{IN_CLUSTER[cmd_name]}")
        if here and cmd_name in IN_CLUSTER:
            command.epilog = f"In a cluster it has other options: `wfe {cmd_name} --cluster --help`."
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command `{args[0]}`; {_near(args[0])}", ctx)
        if args and args[0] in IN_CLUSTER and is_in_cluster(ctx, args[1:], os.environ):
            return args[0], _command(f"cluster.verbs.{IN_CLUSTER[args[0]]}"), args[1:]
        if args and args[0] in VERBS and args[0] not in IN_CLUSTER and is_said(ctx, args[1:]):
            raise click.UsageError(_needs_no_cluster(args), ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WfeError as error:
            who = "" if isinstance(error, DefinitionInvalid) else "wfe: "
            click.echo(f"{who}{_said(error)}", err=True)
            ctx.exit(TRY_LATER if isinstance(error, Retryable) else 2)
        except click.NoSuchOption as error:
            raise _meant_for_clusters(error) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("WFE_DEBUG") == "1":
                raise
            said = f"{type(error).__name__}: {error}".rstrip(": ")
            click.echo(f"wfe: {said}; this is a defect of wfe, WFE_DEBUG=1 shows where", err=True)
            ctx.exit(BROKEN)


def _said(error: WfeError) -> str:
    from wfe.graph.fields import InputsInvalid  # noqa: PLC0415  # for what went wrong

    if isinstance(error, InputsInvalid):
        return "; ".join(error.told(lambda name: f"give it with `--input {name}=…`"))
    return str(error)


def _command(module: str) -> click.Command:
    gc.disable()  # Imports make much and leave little behind: looking for that takes a tenth of their time.
    try:
        command = import_module(f"wfe.hosts.cli.{module}").command
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "wfe":
            raise
        raise NotInstalled(
            f"what speaks to clusters is not installed (there is no `{error.name}`); install it with "
            '`pip install "wfe[operator]"`'
        ) from error
    finally:
        gc.enable()
    assert isinstance(command, click.Command)  # noqa: S101  # a test imports every verb
    return command


def _meant_for_clusters(error: click.NoSuchOption) -> click.UsageError:
    """Return what to say of an option that the verb has only in clusters; of others, what click says."""
    context, option = error.ctx, error.option_name
    verb = (context.info_name or "") if context is not None else ""
    if verb not in IN_CLUSTER:
        return error
    try:
        there = _command(f"cluster.verbs.{IN_CLUSTER[verb]}")
    except NotInstalled:
        return error
    if not any(option in one.opts for one in there.params):
        return error
    return click.UsageError(f"{option} is for clusters; `wfe {verb} --cluster {option}` asks one", context)


def _needs_no_cluster(args: Sequence[str]) -> str:
    if args[0] == "run":
        return "`run` runs on this machine; in a cluster: `wfe submit FILE --wait --logs`"
    return f"`{args[0]}` needs no cluster; leave out --cluster and what names one"


def _near(word: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # for the one who mistyped

    near = get_close_matches(word, VERBS, 1)
    return f"did you mean `{near[0]}`?" if near else "`wfe --help` lists those there are"


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wfe", message="%(prog)s %(version)s")
@place_options
def main() -> None:
    """Run persistent workflows: they survive crashes of everything under them."""


def kubectl() -> None:
    """Be `kubectl wfe`: the same verbs, and those that work in clusters do without being told."""
    main(obj={"kubectl": True}, prog_name="kubectl wfe")
