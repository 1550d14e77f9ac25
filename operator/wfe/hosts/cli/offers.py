"""A claimed activity as its worker reads it."""

import sys
from typing import Any

import click

from wfe.hosts.cli.arguments import as_json
from wfe.ports.store import ActivityClaim


def show_claim(claim: ActivityClaim | None, name: str) -> None:
    """Print what a worker has taken; without an offer of that name, exit 1."""
    if claim is None:
        click.echo(f"no activity `{name}` waits for a worker", err=True)
        sys.exit(1)
    click.echo(as_json(plain_claim(claim)))


def plain_claim(claim: ActivityClaim) -> dict[str, Any]:
    """Return a claim as JSON data."""
    offer = claim.offer
    return {
        "token": claim.token,
        "name": offer.name,
        "params": dict(offer.params),
        "instance": offer.instance,
        "step": offer.path,
        "attempt": offer.attempt,
        "until": claim.until.isoformat(),
    }
