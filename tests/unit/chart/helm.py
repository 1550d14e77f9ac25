"""Renders the chart with the real Helm, and finds objects in what it gives."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "chart" / "default.yaml"
CHART = ROOT / "charts" / "wfe"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TESTBED = Path(os.environ.get("WFE_TESTBED") or CACHE / "wfe-testbed")
KUBERNETES = "1.35.0"
NAMESPACE = "wfe-system"

Object = dict[str, Any]


@cache
def find_helm() -> str:
    """Return the path of Helm: the one on the path, or the one that the test bed builds. Skips where there is none."""
    found = shutil.which("helm") or shutil.which("helm", path=str(TESTBED / "bin"))
    if found is None:
        pytest.skip("helm is not installed")
    return found


class Refused(Exception):
    """Helm renders nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The objects of one rendering."""

    objects: tuple[Object, ...]

    def kinds(self) -> set[str]:
        return {item["kind"] for item in self.objects}

    def all(self, kind: str) -> list[Object]:
        return [item for item in self.objects if item["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.all(kind)}

    def one(self, kind: str, name: str) -> Object:
        """Return the only object of that kind and name."""
        found = [item for item in self.all(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind}/{name}; there are {sorted(self.names(kind))}"
        return found[0]


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> str:
    """Run Helm and return what it printed.

    Raises:
        Refused: it ended with an error.
    """
    result = subprocess.run(
        [find_helm(), *arguments, *(["--values", "-"] if values is not None else [])],
        input=yaml.safe_dump(values) if values is not None else "",
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if result.returncode != 0:
        raise Refused(result.stdout + result.stderr)
    return result.stdout


def rendered(values: Mapping[str, Any] | None = None, *, release: str = "wfe", chart: Path = CHART) -> str:
    """Return what an installation with these values consists of, hooks too, as Helm writes it."""
    return helm(
        *("template", release, str(chart), "--namespace", NAMESPACE, "--kube-version", KUBERNETES),
        values=values or {},
    )


def render(values: Mapping[str, Any] | None = None, *, release: str = "wfe", chart: Path = CHART) -> Rendered:
    """Return the objects that an installation with these values consists of, hooks too."""
    text = rendered(values, release=release, chart=chart)
    return Rendered(tuple(item for item in yaml.safe_load_all(text) if item))


def notes(directory: Path, values: Mapping[str, Any] | None = None, *, chart: Path = CHART) -> str:
    """Return what people read after installing. `helm template` leaves it out, so a copy of the chart keeps it."""
    copied = directory / "wfe"
    shutil.copytree(chart, copied, dirs_exist_ok=True)
    text = (CHART / "templates" / "NOTES.txt").read_text("utf-8")
    (copied / "templates" / "_notes.tpl").write_text('{{ define "notes" }}' + text + "{{ end }}", "utf-8")
    (copied / "templates" / "notes.yaml").write_text('notes: {{ include "notes" . | toJson }}', "utf-8")
    rendered = helm(
        *("template", "wfe", str(copied), "--namespace", NAMESPACE, "--kube-version", KUBERNETES),
        *("--show-only", "templates/notes.yaml"),
        values=values or {},
    )
    return str(yaml.safe_load(rendered)["notes"])


def golden_text() -> str:
    """Return the default rendering as it is kept: without the definitions, which have a test of their own."""
    items = [item for item in render().objects if item["kind"] != "CustomResourceDefinition"]
    items.sort(key=lambda item: (item["kind"], item["metadata"]["name"]))
    return yaml.safe_dump_all(items, sort_keys=False, width=110)


if __name__ == "__main__":
    GOLDEN.write_text(golden_text(), "utf-8")
