"""Where `wfe` has a URL from the operator's variable, it trusts whom the operator trusts."""

import click
import pytest
from click.testing import CliRunner

from wfe.hosts.cli.trusting import trusting

URL = "rediss://valkey.example.com/0"
OPERATORS = {"WFE_VALKEY_URL": URL, "WFE_VALKEY_CA": "/ca.crt"}


@click.command()
@click.option("--url", envvar="WFE_VALKEY_URL", callback=trusting("valkey"))
def _shown(url: str | None) -> None:
    click.echo(url)


@pytest.mark.parametrize(
    ("arguments", "environment", "shown"),
    [
        pytest.param((), OPERATORS, f"{URL}?ca=%2Fca.crt", id="as-the-operator"),
        pytest.param((), {"WFE_VALKEY_URL": URL}, URL, id="without-an-authority"),
        pytest.param(("--url", "redis://h"), OPERATORS, "redis://h", id="another-url"),
        pytest.param((), {"WFE_VALKEY_CA": "/ca.crt"}, "", id="without-a-url"),
    ],
)
def test_the_authority_belongs_to_the_url_of_the_same_environment(
    arguments: tuple[str, ...], environment: dict[str, str], shown: str
) -> None:
    assert CliRunner().invoke(_shown, arguments, env=environment).output.strip() == shown
