"""The chart of today with values of another day."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.unit.chart.helm import CHART

VALUES: Mapping[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))


def chart_of(directory: Path, values: Mapping[str, Any]) -> Path:
    """Return a copy of the chart, made in a directory, whose own values are these."""
    chart = directory / "older" / "wfe"
    shutil.copytree(CHART, chart)
    (chart / "values.yaml").write_text(yaml.safe_dump(dict(values)), "utf-8")
    return chart
