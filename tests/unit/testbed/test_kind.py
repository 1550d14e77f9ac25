"""hack/testbed.d/kind.yaml, read by the real kind, which then finds that its Docker can do nothing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TESTBED = Path(os.environ.get("WFE_TESTBED") or CACHE / "wfe-testbed")
CONFIG = (ROOT / "hack" / "testbed.d" / "kind.yaml").read_text("utf-8")

# It knows every image and has no containers, but makes none.
DOCKER = """#!/bin/sh
case $1 in
    info) echo '{"CgroupVersion": "2", "MemoryLimit": true, "PidsLimit": true, "CPUShares": true}' ;;
    inspect) echo known ;;
    ps) ;;
    *) echo "cannot $*" >&2; exit 1 ;;
esac
"""


def _created(config: str, directory: Path) -> str:
    kind = shutil.which("kind") or shutil.which("kind", path=str(TESTBED / "bin"))
    if kind is None:
        pytest.skip("kind is not installed")
    docker = directory / "docker"
    docker.write_text(DOCKER, "utf-8")
    docker.chmod(0o755)
    (directory / "kind.yaml").write_text(config, "utf-8")
    done = subprocess.run(
        [kind, "create", "cluster", "--config", "kind.yaml", "--kubeconfig", "conf"],
        cwd=directory,
        env={"PATH": f"{directory}:{os.defpath}", "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_kind_takes_the_configuration_and_begins_to_make_a_cluster(tmp_path: Path) -> None:
    said = _created(CONFIG, tmp_path)
    assert "Ensuring node image (kindest/node:v1.35." in said
    assert "cannot network" in said, "it stops for another reason than that Docker does"


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        pytest.param("nodes:", "nodez:", "field nodez not found in type v1alpha4.Cluster", id="a-field"),
        pytest.param("control-plane", "master", '"master" is not a valid node role', id="a-value"),
    ],
)
def test_kind_would_say_what_is_wrong_in_it(right: str, wrong: str, expected: str, tmp_path: Path) -> None:
    assert expected in _created(CONFIG.replace(right, wrong), tmp_path)
