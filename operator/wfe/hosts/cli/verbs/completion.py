"""`wfe completion`"""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For example `eval "$(wfe completion bash)"` in ~/.bashrc.
    """
    root = context.find_root()
    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(root.command, {}, root.info_name or "wfe", "_WFE_COMPLETE").source())
