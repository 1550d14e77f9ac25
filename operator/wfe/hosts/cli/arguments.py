"""What `k=v` arguments, `--inputs FILE` and WFE_CONFIG mean."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from wfe.model.json import Json

CONFIG_VARIABLE = "WFE_CONFIG"


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Split `k=v` arguments; of two with one key the last one counts.

    Raises:
        click.BadParameter: one has no `=` or nothing before it.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"`{text}` is not of the form name=value", param_hint=option)
        found[key.strip()] = value
    return found


def json_object(text: str, where: str) -> dict[str, Json]:
    """Read a JSON object.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint=where) from error
    if not isinstance(value, dict):
        raise click.BadParameter('it is JSON, but no object: write {"name": value, …}', param_hint=where)
    return value


def read_inputs(path: Path | None) -> dict[str, Json]:
    """Read `--inputs FILE`; `-` is standard input."""
    if path is None:
        return {}
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise click.BadParameter(f"`{path}` cannot be read: {reason}", param_hint="--inputs") from error
    return json_object(text, "--inputs")


def config_variables(environ: Mapping[str, str]) -> dict[str, Json]:
    """Return the variables of WFE_CONFIG."""
    text = environ.get(CONFIG_VARIABLE, "")
    return json_object(text, CONFIG_VARIABLE) if text.strip() else {}


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return one JSON document."""
    return json.dumps(value, indent=indent, ensure_ascii=False)
