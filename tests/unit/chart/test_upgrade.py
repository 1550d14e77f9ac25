"""`helm upgrade --reuse-values` keeps the values of the release, and asks nobody for the defaults of today's chart.

Helm renders the templates of today with the values.yaml of the chart that was installed: an older one is put in place.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.chart.helm import CHART, notes, render, rendered
from tests.unit.chart.older import VALUES, chart_of

# How much memory and processors they get is not guessed.
MEASURED = {"operator", "webhook", "runner"}
PARTS = sorted(name for name, value in VALUES.items() if isinstance(value, dict))


@pytest.mark.parametrize("missing", [name for name in PARTS if name != "nodeSelector"])
def test_what_a_release_has_not_heard_of_is_as_it_would_be_by_default(tmp_path: Path, missing: str) -> None:
    values = {key: value for key, value in VALUES.items() if key != missing}
    older = rendered(chart=chart_of(tmp_path, values))
    if missing in MEASURED:
        assert older
    else:
        assert older == rendered()


def test_what_is_missing_deep_in_a_part_is_as_it_would_be_by_default(tmp_path: Path) -> None:
    policy = {key: value for key, value in VALUES["networkPolicy"].items() if key != "serverPorts"}
    postgres = {"url": "", "existingSecret": {"name": ""}}
    older = chart_of(tmp_path, {**VALUES, "networkPolicy": policy, "postgres": postgres})
    named: dict[str, Any] = {"postgres": {"url": "postgres://h/d"}, "networkPolicy": {"operator": True}}
    assert rendered(named, chart=older) == rendered(named)


def test_a_release_that_knows_nothing_gets_everything(tmp_path: Path) -> None:
    older = chart_of(tmp_path, {})
    assert render(chart=older).kinds() == render().kinds()
    assert "It does without" in notes(tmp_path / "notes", chart=older)


def test_the_notes_are_those_of_today(tmp_path: Path) -> None:
    kept = {key: value for key, value in VALUES.items() if key not in {"postgres", "opensearch", "valkey"}}
    older = chart_of(tmp_path, kept)
    assert notes(tmp_path / "upgraded", chart=older) == notes(tmp_path / "today")


def test_what_is_turned_off_stays_off(tmp_path: Path) -> None:
    values = {"cleanup": {"enabled": False}, "operator": {"podDisruptionBudget": {"enabled": False}}}
    older = render(values, chart=chart_of(tmp_path, {}))
    assert "Job" not in older.kinds()
    assert older.names("PodDisruptionBudget") == {"wfe-webhook"}


def test_a_limit_that_was_taken_away_stays_away() -> None:
    values = {"operator": {"resources": {"limits": {"memory": None}}}, "nodeSelector": None}
    pod = render(values).one("Deployment", "wfe-operator")["spec"]["template"]["spec"]
    assert not pod["containers"][0]["resources"]["limits"]
    assert "nodeSelector" not in pod


@pytest.mark.parametrize("template", sorted(CHART.glob("templates/*")), ids=lambda path: path.name)
def test_whichever_template_is_rendered_first_finds_all_values(template: Path) -> None:
    text = template.read_text("utf-8")
    assert template.suffix == ".tpl" or text.startswith('{{- include "wfe.filled" . -}}\n')


def test_the_defaults_for_upgrades_hold_every_part() -> None:
    kept = yaml.safe_load((CHART / "files" / "defaults.yaml").read_text("utf-8"))
    assert list(kept) == list(VALUES)
