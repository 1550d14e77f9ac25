"""What `--inputs FILE` means."""

import sys
from pathlib import Path

import click

from wfe.hosts.cli.arguments import json_object
from wfe.language.plain import NotYaml, plain_value
from wfe.model.json import Json


def read_inputs(path: Path | None) -> dict[str, Json]:
    """Read `--inputs FILE`, JSON or YAML; `-` is standard input."""
    if path is None:
        return {}
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise click.BadParameter(
            f"`{path}` cannot be read: {error.strerror}", param_hint="--inputs"
        ) from error
    try:
        return json_object(text.decode("utf-8"), "--inputs")
    except (click.BadParameter, UnicodeDecodeError):
        return _yaml_object(text)


def _yaml_object(text: bytes) -> dict[str, Json]:
    try:
        value = plain_value(text)
    except NotYaml as error:
        raise click.BadParameter(f"neither JSON nor YAML: {error}", param_hint="--inputs") from error
    if not isinstance(value, dict):
        raise click.BadParameter("it is no mapping: write `name: value` lines", param_hint="--inputs")
    return value
