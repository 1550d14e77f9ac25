"""A pipeline as others wrote them for the system this is modelled on loads, and says what it cannot do here."""

from pathlib import Path

import pytest

from wfe.graph.node import ChildSpec, OnError
from wfe.language.load import Loaded, load_text

TEXT = (Path(__file__).parent / "dialect.yaml").read_bytes()
VARIABLES = ("workspace_dir", "registry", "coverage_threshold")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    def read(path: str) -> bytes:
        raise FileNotFoundError(path)

    return load_text(TEXT, file="workflows.yaml", read=read, variables=VARIABLES)


def test_it_has_no_errors(loaded: Loaded) -> None:
    assert [str(problem) for problem in loaded.errors] == []
    assert [each.graph.workflow.id for each in loaded.workflows] == [
        "ci",
        "preflight",
        "test",
        "image",
        "cover",
    ]


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (
            "workflows[0].steps[2].config.workflow",
            "all that `cover` puts out comes back: `badge`, `coverage`",
        ),
        ("workflows[1].steps[0].outputs[1]", "`path` and `json_path` have no meaning here"),
        ("workflows[2].services.postgres.readiness.retries", "`retries` has no meaning here"),
        ("workflows[2].steps[1].type", "no executor for steps of type `cargo-nextest` here"),
        ("workflows[2].steps[1].when.all[1].not.field", "nothing before this puts out `skip`"),
        ("workflows[3].steps[0].type", "no executor for steps of type `buildkit` here"),
        ("workflows[3].steps[1].type", "a step of type `kubernetes` runs as a shell step in its image"),
        ("workflows[3].steps[1].config.pull_policy", "`pull_policy` has no meaning here"),
        ("workflows[3].steps[1].config.namespace", "`namespace` has no meaning here"),
    ],
)
def test_what_it_cannot_do_here_is_said(loaded: Loaded, field: str, says: str) -> None:
    assert [says in problem.what for problem in loaded.warnings if problem.field == field] == [True]


def test_and_nothing_else_is(loaded: Loaded) -> None:
    assert len(loaded.warnings) == 9


def test_its_words_mean_what_they_meant(loaded: Loaded) -> None:
    ci, preflight, test, _, cover = (each.graph for each in loaded.workflows)
    spec = ci.nodes["all/run-tests"].spec
    assert isinstance(spec, ChildSpec)
    assert (spec.workflow, spec.version, spec.outputs) == ("test", 1, {"passed": "passed"})
    assert ci.nodes["all/run-tests"].error.type is OnError.RETRY
    assert ci.nodes["all"].error.type is OnError.TERMINATE
    assert preflight.nodes["tools/on_failure"].name == "tools-failed"
    assert test.nodes["docker-up/ensure"].type == "shell"
    assert cover.nodes["report"].type == "deno"
