"""What the chart says of itself is so: its README, its schema, its definitions."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.docs.blocks import blocks_of
from tests.unit.chart.helm import CHART, ROOT
from wfe.hosts.kubernetes.metrics import Metrics
from wfe.hosts.kubernetes.verdict import judge

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


SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")
KUBERNETES = (ROOT / "docs" / "kubernetes.md").read_text("utf-8")


@pytest.mark.parametrize("reference", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", SECURITY))))
def test_what_the_security_page_says_is_shown_by_the_test_it_names(reference: str) -> None:
    path, _, name = reference.partition("::")
    assert re.search(rf"def {name}\b", (ROOT / path).read_text("utf-8"))


def test_every_threat_in_scope_names_a_test() -> None:
    table = SECURITY.partition("## In scope")[2].partition("## Out of scope")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) > 15
    assert not [row for row in rows if "::test_" not in row]


def test_every_value_that_a_page_names_exists() -> None:
    places = {place[1:] for place, _ in _places(SCHEMA)}
    tops = {place.partition(".")[0] for place in places} - {"metrics", "image"}
    for name in re.findall(r"`([a-z]\w*(?:\.\w+)+)[:`]", SECURITY + KUBERNETES):
        if name.partition(".")[0] in tops:
            assert name in places, name


BLOCKS = blocks_of("docs/kubernetes.md")


def test_the_workflows_of_the_page_are_good_ones() -> None:
    specs = [
        item["spec"]
        for block in BLOCKS
        if block.language == "yaml"
        for item in yaml.safe_load_all(block.text)
        if item.get("kind") == "Workflow"
    ]
    assert len(specs) == 2
    for spec in specs:
        assert not judge(spec).errors


def test_the_page_shows_how_a_faulty_one_is_refused() -> None:
    shown = next(block for block in BLOCKS if block.after.startswith("says: "))
    spec = yaml.safe_load(shown.text.partition("\n")[2].rpartition("YAML\n")[0])["spec"]
    assert shown.after.removeprefix("says: ") in judge(spec).message


def test_links_of_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", KUBERNETES, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", KUBERNETES):
        path, _, anchor = target.partition("#")
        assert not path or (ROOT / "docs" / path).exists(), target
        assert path or anchor in slugs, target


def test_its_commands_are_at_least_shell() -> None:
    for block in BLOCKS:
        if block.language == "bash":
            subprocess.run(["bash", "-n", "-c", block.text], check=True)


def test_the_dashboard_asks_for_what_the_operator_counts() -> None:
    """A name of a counter or histogram has what Prometheus adds to it."""
    text = (CHART / "files" / "dashboards" / "wfe.json").read_text("utf-8")
    panels = json.loads(text)["panels"]
    exposed = {
        name
        for family in Metrics().registry.collect()
        for name in (family.name, *(f"{family.name}_{end}" for end in ("total", "bucket", "count", "sum")))
        if name != family.name or family.type == "gauge"
    }
    asked = set(
        re.findall(r"\bwfe_\w+", " ".join(target["expr"] for panel in panels for target in panel["targets"]))
    )
    assert asked <= exposed, asked - exposed
    assert len({panel["id"] for panel in panels}) == len(panels)
    measured = {family.name for family in Metrics().registry.collect()}
    unseen = {name for name in measured if not any(one.startswith(name) for one in asked)}
    assert not unseen
