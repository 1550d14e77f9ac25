"""`wfe convert`"""

from pathlib import Path

import click

from wfe.hosts.cli.arguments import as_json, pairs
from wfe.hosts.cli.cluster.objects import workflow_object
from wfe.hosts.cli.options import output_option
from wfe.hosts.embedded.files import load_workflows
from wfe.language.dump import dump_text


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--var", "variables", multiple=True, metavar="K=V", help="A variable that placeholders may name."
)
@output_option("yaml", "json", default="yaml")
def command(file: Path, variables: tuple[str, ...], output: str) -> None:
    """Print a file's workflows as Kubernetes resources.

    Includes, anchors and script files are resolved: `wfe convert FILE | kubectl apply -f -`.
    """
    names = pairs(variables, "--var")
    found = [workflow_object(one.graph, names) for one in load_workflows(file, names).values()]
    for document in found:
        if str(document["spec"]["id"]) != document["metadata"]["name"]:
            click.echo(
                f"workflow `{document['spec']['id']}` is named {document['metadata']['name']}", err=True
            )
    if output == "json":
        click.echo(as_json({"apiVersion": "v1", "kind": "List", "items": found}))
    else:
        click.echo("---\n".join(map(dump_text, found)), nl=False)
