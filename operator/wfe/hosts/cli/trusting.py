"""Whom to trust at the servers that the operator is told of, where `wfe` is told of them by the same variables."""

import os
from collections.abc import Callable

import click

from wfe.hosts.kubernetes.servers import VARIABLES, read_servers


def trusting(server: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return the callback of an option that takes a server's URL, also from the variable that the operator reads.

    The authority of that URL is in a variable of its own, so `kubectl exec` into the operator's pod needs neither.

    Args:
        server: a field of `wfe.hosts.kubernetes.servers.Servers`.
    """

    def complete(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
        variables = VARIABLES[server]
        if not url or url != os.environ.get(variables.url):
            return url
        told = {name: os.environ.get(name, "") for name in (variables.url, variables.ca)}
        return str(getattr(read_servers(told), server).get_secret_value())

    return complete
