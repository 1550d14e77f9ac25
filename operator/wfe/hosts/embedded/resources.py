"""Workflows as Kubernetes resources, in YAML that people can read."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from wfe.graph.graph import Graph

API_VERSION: Final = "wfe.sunbeam.pt/v1alpha1"
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# What YAML reads as the text it is, whatever the version of YAML.
_PLAIN: Final = re.compile(r"[A-Za-z/_][A-Za-z0-9/_.=+-]*( [A-Za-z0-9/_.=+-]+)*")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


def resource_name(workflow: str) -> str:
    """Return the name of a workflow's resource: its id, in the letters that Kubernetes allows."""
    if _LABEL.fullmatch(workflow):
        return workflow
    return re.sub(r"[^a-z0-9]+", "-", workflow.lower()).strip("-")[:63].strip("-") or "workflow"


def resource(graph: Graph) -> dict[str, Any]:
    """Return a workflow as a `Workflow` resource; its spec is the normalized definition."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Workflow",
        "metadata": {"name": resource_name(graph.workflow.id)},
        "spec": json.loads(graph.source)["workflow"],
    }


def as_yaml(value: dict[str, Any]) -> str:
    """Return a document of maps, lists and scalars as YAML text, scripts as blocks."""
    return "".join(f"{line}\n" for line in _map(value, ""))


def _map(value: dict[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _under(f"{indent}{_scalar(key)}:", item, indent)


def _list(value: list[Any], indent: str) -> Iterator[str]:
    for item in value:
        if isinstance(item, dict) and item:
            first, *rest = _map(item, f"{indent}  ")
            yield f"{indent}- {first.removeprefix(indent + '  ')}"
            yield from rest
        else:
            yield from _under(f"{indent}-", item, indent)


def _under(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict) and item:
        yield head
        yield from _map(item, f"{indent}  ")
    elif isinstance(item, list) and item:
        yield head
        yield from _list(item, f"{indent}  ")
    elif isinstance(item, str) and _is_block(item):
        yield f"{head} |{'' if item.endswith(chr(10)) else '-'}"
        yield from (f"{indent}  {line}" if line else "" for line in item.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(item)}"


def _is_block(text: str) -> bool:
    """Say whether a text can stand as a block: several lines of it, none of which YAML would change."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and not lines[0].startswith((" ", "\t"))
        and bool(lines[0])
        and bool(lines[-1])
        and all(line == line.rstrip() and line.replace("\t", " ").isprintable() for line in lines)
    )


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
