"""Which cluster a command speaks to, and how its user says so. Imported by every `wfe`, so it imports little."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
CLUSTER_VARIABLE: Final = "WFE_CLUSTER"
# These need not be told that they work in a cluster.
CLUSTER_VERBS: Final = frozenset({"apply", "submit", "watch", "shards", "rebuild-mirror"})
_YES: Final = frozenset({"1", "true", "yes", "on"})
_OPTIONS: Final = ("--cluster", "--context", "--namespace", "-n", "--kubeconfig")


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a cluster, as its user named it; what is not said, the kubeconfig says.

    `command` is how `wfe` was called, and `is_implied` that it speaks to a cluster without being told.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    command: str = "wfe"
    is_implied: bool = False

    def line(self, *words: str) -> str:
        """Return a command that does something in the same place."""
        return " ".join([self.command, *words, *self._said(words[0])])

    def _said(self, verb: str) -> list[str]:
        said = [
            word
            for option, value in (
                ("--kubeconfig", self.kubeconfig),
                ("--context", self.context),
                ("-n", self.namespace),
            )
            if value is not None
            for word in (option, str(value))
        ]
        is_clear = self.is_implied or self.context is not None or verb in CLUSTER_VERBS
        return said if is_clear else ["--cluster", *said]


def place_options(function: F) -> F:
    """Add the options that name a place. They are read by `place_of`, and not given to the function."""
    options = (
        click.option(
            "--cluster",
            "_cluster",
            is_flag=True,
            expose_value=False,
            callback=_noted("cluster"),
            help=f"Work in a cluster, and not on a store here.  [env var: {CLUSTER_VARIABLE}]",
        ),
        click.option(
            "--context",
            "_context",
            metavar="NAME",
            expose_value=False,
            callback=_noted("context"),
            help="The context of the kubeconfig.  [default: the current one]",
        ),
        click.option(
            "--namespace",
            "-n",
            "_namespace",
            metavar="NAME",
            expose_value=False,
            callback=_noted("namespace"),
            help="The namespace.  [default: the context's]",
        ),
        click.option(
            "--kubeconfig",
            "_kubeconfig",
            metavar="FILE",
            expose_value=False,
            callback=_noted("kubeconfig"),
            help="The kubeconfig.  [default: KUBECONFIG, else ~/.kube/config, else the pod's own account]",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _noted(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def note(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value:
            context.meta.setdefault(__name__, {})[name] = value

    return note


def place_of(context: click.Context) -> Place:
    """Return the place that the options name, before the verb and after it; those after it win."""
    # `meta` is shared by the contexts of nested commands, and the group's options are read first.
    noted: Mapping[str, Any] = context.meta.get(__name__, {})
    root = context.find_root()
    return Place(
        kubeconfig=noted.get("kubeconfig"),
        context=noted.get("context"),
        namespace=noted.get("namespace"),
        command=(root.info_name or "wfe") if _is_kubectl(root) else "wfe",
        is_implied=_is_kubectl(root),
    )


def is_in_cluster(context: click.Context, arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Say whether a command with these arguments is meant for a cluster.

    The options of a place decide, then `--store`, which names a store here, then the environment.
    """
    if _is_kubectl(context.find_root()) or is_said(context, arguments):
        return True
    if any(word == "--store" or word.startswith("--store=") for word in _options(arguments)):
        return False
    return environ.get(CLUSTER_VARIABLE, "").strip().lower() in _YES


def is_said(context: click.Context, arguments: Sequence[str]) -> bool:
    """Say whether the options of a place are among the arguments, or were given before the verb."""
    return bool(context.meta.get(__name__)) or any(
        word in _OPTIONS or word.partition("=")[0] in _OPTIONS[1:] for word in _options(arguments)
    )


def _options(arguments: Sequence[str]) -> Sequence[str]:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end]


def _is_kubectl(root: click.Context) -> bool:
    return bool(root.obj and root.obj.get("kubectl"))
