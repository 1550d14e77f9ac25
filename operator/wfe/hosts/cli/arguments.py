"""What `k=v` arguments, JSON arguments and WFE_CONFIG mean."""

import json
from collections.abc import Iterable, Mapping
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


def config_variables(environ: Mapping[str, str]) -> dict[str, Json]:
    """Return the variables of WFE_CONFIG."""
    text = environ.get(CONFIG_VARIABLE, "")
    return json_object(text, CONFIG_VARIABLE) if text.strip() else {}


def as_json(value: Any, *, indent: int | None = 2) -> str:
    """Return one JSON document."""
    return json.dumps(value, indent=indent, ensure_ascii=False)
