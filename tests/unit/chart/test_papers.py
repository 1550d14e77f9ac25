"""What the chart says of itself is so: its README, its schema, its definitions."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from tests.unit.chart.helm import CHART, ROOT

VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))


def test_what_the_chart_repeats_from_elsewhere_is_as_it_is_there() -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "hack" / "gen-helm", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"run hack/gen-helm\n{result.stdout}{result.stderr}"


def _places(schema: dict[str, Any], at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in schema.get("properties", {}).items():
        yield f"{at}.{key}", value
        yield from _places(value, f"{at}.{key}")


def _value(place: str) -> Any:
    value: Any = VALUES
    for key in place.split(".")[1:]:
        value = value[key]
    return value


def test_the_schema_and_the_values_have_the_same_places() -> None:
    for place, schema in _places(SCHEMA):
        # Helm gives `global` to every chart; requests and limits may be written or not.
        if place != ".global" and not place.endswith((".requests", ".limits")):
            assert isinstance(_value(place), dict) == (
                "properties" in schema or schema.get("type") == "object"
            )


def test_no_part_of_the_values_takes_unknown_keys() -> None:
    for place, schema in (("", SCHEMA), *_places(SCHEMA)):
        if "properties" in schema:
            assert schema["additionalProperties"] is False, place


def test_the_chart_is_of_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'version = "{chart["appVersion"]}"' in text
    assert chart["version"] == chart["appVersion"]


def test_links_of_the_readme_lead_somewhere() -> None:
    for part in (CHART / "README.md").read_text("utf-8").split("](")[1:]:
        assert (CHART / part.partition(")")[0]).exists(), part
