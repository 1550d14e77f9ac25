"""From pydantic's JSON schema to the structural schema that the API server wants."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from wfe.providers.customresource.api.fields import PRESERVE, Schema

_DROPPED: Final = frozenset({"title", "$defs", "examples", "discriminator"})
_BOUND_OF: Final = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}


class NotStructural(TypeError):
    """A model says something that a structural schema cannot, or leaves something without a bound."""


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model.

    Raises:
        NotStructural: it has a union, or a text, list or map without a bound.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return structural(schema, schema.get("$defs", {}), model.__name__)


def structural(schema: Schema, definitions: Mapping[str, Schema], where: str) -> Schema:
    """Rewrite one schema."""
    schema = _one(schema, definitions, where)
    found = {key: value for key, value in schema.items() if key not in _DROPPED}
    if found.get("default", 0) is None:
        del found["default"]
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if "properties" in found:
        found["properties"] = {
            name: structural(inner, definitions, f"{where}.{name}")
            for name, inner in found["properties"].items()
        }
        found.pop("additionalProperties", None)
    elif isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = structural(found["additionalProperties"], definitions, f"{where}.*")
    if "items" in found:
        found["items"] = structural(found["items"], definitions, f"{where}[]")
    _check_bounds(found, where)
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    return found


def _one(schema: Schema, definitions: Mapping[str, Schema], where: str) -> Schema:
    """Resolve references and `X | None`; what is said beside them wins."""
    beside = {key: value for key, value in schema.items() if key not in {"anyOf", "$ref"}}
    if "$ref" in schema:
        return {**_one(definitions[schema["$ref"].rpartition("/")[2]], definitions, where), **beside}
    if "anyOf" in schema:
        # An optional field may be left away; null is the same to the API server, which prunes it.
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        if len(kinds) != 1:
            raise NotStructural(f"{where}: a union has no structural schema")
        return {**_one(kinds[0], definitions, where), **beside}
    return schema


def _check_bounds(schema: Mapping[str, Any], where: str) -> None:
    bound = _BOUND_OF.get(schema.get("type", ""))
    is_bounded = bound in schema or "enum" in schema or "properties" in schema
    if bound is not None and not is_bounded:
        raise NotStructural(f"{where}: needs {bound}")
    if "type" not in schema and PRESERVE not in schema:
        raise NotStructural(f"{where}: has no type")
