"""The pipeline of this project, from preflight to release, with programs in place of those that take long."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

# Programs say that they are not there, or do as little as the next step needs; `$0` is where they were called from.
FAKES = {
    "clone/hack/venv": "",
    "clone/hack/check": '[ ! -e build/badly-formatted ] || { echo "would reformat"; exit 1; }',
    "clone/hack/testbed": """
[ ! -e build/can-build ] || exec > /dev/null
[[ $* != *missing ]] || echo "it needs root"
[ "$1" != save ] || touch "$2/wfe-operator-image.tar.gz" "$2/wfe-runner-image.tar.gz"
""",
    "bin/docker": "exit 1",
    "bin/helm": "exit 1",
    "clone/.venv/bin/python": """
case "$*" in
    --version) echo Python 3 ;;
    *"-m pytest"*) echo "== 3 passed in 0.1s ==" ;;
    "-m coverage json"*)
        echo '{"totals": {"percent_covered": 91.23}, "files": {"a.py": {"summary": {"missing_lines": 2}}}}' \\
            > build/coverage.json ;;
    "-m venv --without-pip build/tools")
        mkdir -p build/tools/bin
        printf '#!/bin/sh\\ntouch build/packages/wfe-0.1.0-py3-none-any.whl build/packages/wfe-0.1.0.tar.gz' \\
            > build/tools/bin/hatchling
        chmod +x build/tools/bin/hatchling ;;
    "-m pip --python build/try/"*) mkdir -p build/try/bin && touch build/try/bin/wfe && chmod +x build/try/bin/wfe ;;
    "-m pip download"*) mkdir -p build/downloaded && cp build/index/wfe/*.whl build/downloaded ;;
esac
""",
}
WHO = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "a@example.com"}
GIT = {
    **WHO,
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository with what the pipeline needs, and programs that are none."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "hack/pipeline", clone / "hack/pipeline")
    (clone / "charts/wfe").mkdir(parents=True)
    for name in ("workflows.yaml", "pyproject.toml", "CHANGELOG.md", "hack/pytest", "charts/wfe/Chart.yaml"):
        shutil.copy(ROOT / name, clone / name)
    for name, script in FAKES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    (clone / ".gitignore").write_text("build/\n")
    git(clone, "init", "--quiet")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "--message", "Begin it all")
    return clone


def git(clone: Path, *arguments: str) -> str:
    environment = {**os.environ, **GIT}
    done = subprocess.run(
        ["git", *arguments], cwd=clone, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def run(clone: Path, **config: object) -> subprocess.CompletedProcess[str]:
    """Run it through the library from another directory, as `WFE_CONFIG` says."""
    return subprocess.run(
        [sys.executable, ROOT / "examples/run_pipeline.py", clone / "workflows.yaml", "ci"],
        cwd=clone.parent,
        env={
            "PATH": f"{clone.parent / 'bin'}:/usr/bin:/bin",
            "HOME": str(clone.parent),
            "WFE_CONFIG": json.dumps({"workspace_dir": str(clone), **config}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_packages_and_publishes_to_a_directory_and_leaves_out_what_is_not_there(clone: Path) -> None:
    found = run(clone, coverage_threshold=85)
    assert found.returncode == 0, found.stdout + found.stderr
    last = found.stdout.splitlines()[-1]
    outputs = json.loads(last.partition("Complete: ")[2])
    assert outputs == {
        "version": "0.1.0",
        "coverage": 91.2,
        "packages": ["wfe-0.1.0-py3-none-any.whl", "wfe-0.1.0.tar.gz"],
        "index": "build/index",
        "notes": "build/RELEASE-NOTES.md",
        "tests": dict.fromkeys(("unit", "simulation", "integration"), "3 passed in 0.1s"),
    }
    skipped = {line.split()[1] for line in found.stdout.splitlines() if line.startswith("Skipped")}
    assert skipped == {
        "checkout",
        "test/fan-out/lint",
        "test/fan-out/integration/with-servers/with-all",
        "test/fan-out/cluster/with-cluster/suites",
        "results/package/make/chart",
        "results/package/make/images",
        "release/push-tag",
    }
    assert "- Begin it all (" in (clone / "build/RELEASE-NOTES.md").read_text()
    assert (clone / "build/index/wfe/index.html").read_text().count("#sha256=") == 2
    refs = git(clone, "for-each-ref", "--format=%(refname)").split()
    assert "refs/candidates/v0.1.0" in refs
    assert not [ref for ref in refs if ref.startswith("refs/tags/")], "nothing was said of pushing"


def test_images_are_built_by_the_test_bed_where_docker_does_not_work(clone: Path) -> None:
    (clone / "build").mkdir()
    (clone / "build/can-build").touch()
    found = run(clone, with_cluster=False)
    assert found.returncode == 0, found.stdout + found.stderr
    packages = json.loads(found.stdout.splitlines()[-1].partition("Complete: ")[2])["packages"]
    assert {"wfe-operator-image.tar.gz", "wfe-runner-image.tar.gz"} <= set(packages)


def test_it_pushes_a_tag_that_bears_the_notes_if_told_so(clone: Path, tmp_path: Path) -> None:
    git(clone, "init", "--quiet", "--bare", str(tmp_path / "there.git"))
    git(clone, "config", "user.name", "Ada")
    git(clone, "config", "user.email", "a@example.com")
    found = run(clone, push=True, git_remote=str(tmp_path / "there.git"), with_cluster=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "# WFE 0.1.0" in git(tmp_path / "there.git", "cat-file", "-p", "v0.1.0")


@pytest.mark.parametrize(
    ("config", "broken", "step"),
    [
        pytest.param({"coverage_threshold": 95}, None, "cover", id="too-little-is-covered"),
        pytest.param({}, "badly-formatted", "lint", id="a-check-fails"),
    ],
)
def test_it_stops_at_what_is_not_good(
    config: dict[str, object], broken: str | None, step: str, clone: Path
) -> None:
    if broken:
        (clone / "build").mkdir()
        (clone / "build" / broken).touch()
    found = run(clone, **config)
    assert found.returncode == 1
    assert step in found.stdout.splitlines()[-1]
    assert not (clone / "build/index").exists()
