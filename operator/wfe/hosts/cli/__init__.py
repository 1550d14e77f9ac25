"""The command `wfe`."""

import click


@click.group()
@click.version_option(package_name="wfe")
def main() -> None:
    """Run persistent workflows."""
