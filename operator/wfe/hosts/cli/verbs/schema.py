"""`wfe schema`"""

import click

from wfe.hosts.cli.arguments import as_json
from wfe.hosts.embedded.schema import file_schema


@click.command()
def command() -> None:
    """Print the JSON Schema of workflow files, for editors.

    With it an editor completes keys and explains them: write `# yaml-language-server: $schema=FILE` on top.
    """
    click.echo(as_json(file_schema()))
