"""The custom resource definitions: generated, structural, bounded, small."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from wfe.definition.workflow import WorkflowModel
from wfe.providers.customresource import kinds
from wfe.providers.customresource.api.crds import definitions
from wfe.providers.customresource.api.structural import NotStructural, schema_of

ROOT = Path(__file__).parents[3]
FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title", "const", "uniqueItems", "patternProperties"}
BOUNDS = {"string": "maxLength", "array": "maxItems"}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = definitions()[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def nodes(node: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema below one, with its place."""
    yield where, node
    for name, inner in node.get("properties", {}).items():
        yield from nodes(inner, f"{where}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key], f"{where}.{key}")


def test_the_files_are_what_the_models_say() -> None:
    command = [sys.executable, str(ROOT / "hack" / "gen-crds"), "--check"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", definitions())
def test_every_field_is_structural_bounded_and_described(name: str) -> None:
    for where, node in nodes(schema(name)):
        if where in {"", ".apiVersion", ".kind", ".metadata"}:
            continue
        assert not FORBIDDEN & node.keys(), where
        bound = BOUNDS.get(node.get("type", ""))
        assert bound is None or bound in node or "enum" in node, where
        if "additionalProperties" in node:
            assert "maxProperties" in node, where
        is_inner = where.endswith((".items", ".additionalProperties"))
        assert is_inner or node.get("description", "").endswith((".", "`.")), where


def test_the_server_keeps_no_account_of_who_wrote_which_key_of_a_status() -> None:
    assert schema("workflowinstances.yaml")["properties"]["status"]["x-kubernetes-map-type"] == "atomic"


@pytest.mark.parametrize("name", definitions())
def test_a_definition_is_small(name: str) -> None:
    assert (ROOT / "crds" / name).stat().st_size < 100_000


def test_a_workflow_has_the_keys_of_the_language() -> None:
    spec = schema("workflows.yaml")["properties"]["spec"]
    assert list(spec["properties"]) == [
        field.alias or name for name, field in WorkflowModel.model_fields.items()
    ]
    below = [node for where, node in nodes(spec) if where.endswith("steps.items")]
    assert below[0]["x-kubernetes-preserve-unknown-fields"] is True


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (kinds.InstanceSpec, ("workflowinstances.yaml", "spec")),
        (kinds.InstanceStatus, ("workflowinstances.yaml", "status")),
        (kinds.Engine, ("workflowinstances.yaml", "status", "engine")),
        (kinds.Runner, ("workflowinstances.yaml", "status", "runner")),
        (kinds.EventSpec, ("workflowevents.yaml", "spec")),
    ],
)
def test_what_caches_read_is_in_the_schema(kind: type[msgspec.Struct], path: tuple[str, ...]) -> None:
    node = schema(path[0])
    for step in path[1:]:
        node = node["properties"][step]
    read = {field.encode_name for field in msgspec.structs.fields(kind)}
    assert read <= node["properties"].keys()


def test_columns_and_selections_lead_to_fields() -> None:
    for name, definition in definitions().items():
        version = definition["spec"]["versions"][0]
        known = {where for where, _ in nodes(schema(name))} | {".metadata.creationTimestamp"}
        paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
        paths += [field["jsonPath"] for field in version.get("selectableFields", [])]
        assert {re.sub(r"\[\?.*\]\.\w+", "", path) for path in paths} <= known


def test_what_has_no_bound_or_is_a_union_is_refused() -> None:
    class Unbounded(BaseModel):
        text: str

    class Union(BaseModel):
        value: int | str

    for model, said in ((Unbounded, "Unbounded.text: needs maxLength"), (Union, "Union.value: a union")):
        with pytest.raises(NotStructural, match=said):
            schema_of(model)
