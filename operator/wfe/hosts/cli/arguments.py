"""What `k=v` arguments, `--inputs FILE` and WFE_CONFIG mean."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from wfe.language.plain import NotYaml, plain_value
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


def json_value(text: str | None) -> Json:
    """Read a payload; None is null.

    Raises:
        click.BadParameter: it is not JSON.
    """
    if text is None:
        return None
    try:
        value: Json = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}", param_hint="JSON") from error
    return value


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


def config_variables(environ: Mapping[str, str]) -> dict[str, Json]:
    """Return the variables of WFE_CONFIG."""
    text = environ.get(CONFIG_VARIABLE, "")
    return json_object(text, CONFIG_VARIABLE) if text.strip() else {}


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return one JSON document."""
    return json.dumps(value, indent=indent, ensure_ascii=False)
