"""Which verb goes where."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.unit.hosts.cli_cluster.cluster import Cluster
from wfe.hosts.cli import IN_CLUSTER, VERBS, main
from wfe.hosts.cli.cluster.place import CLUSTER_VARIABLE, CLUSTER_VERBS, Place

LOCAL = "nothing was run in this directory"
REMOTE = "namespace `demo`"


@pytest.fixture
def here(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return cluster


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        pytest.param("show x", None, LOCAL, id="nothing-is-said"),
        pytest.param("show x --cluster", None, REMOTE, id="cluster"),
        pytest.param("--cluster show x", None, REMOTE, id="cluster-before-the-verb"),
        pytest.param("show x --context fake", None, REMOTE, id="context"),
        pytest.param("show x --context=fake", None, REMOTE, id="context-with-equals"),
        pytest.param("show x -n demo", None, REMOTE, id="namespace"),
        pytest.param("-n other show x -n demo", None, REMOTE, id="what-is-behind-the-verb-wins"),
        pytest.param("show x", "true", REMOTE, id="environment"),
        pytest.param("show x", "0", LOCAL, id="environment-that-says-no"),
        pytest.param("show x --store sqlite:.wfe/wfe.db", "true", LOCAL, id="a-store-is-here"),
        pytest.param("show -- --cluster", None, LOCAL, id="behind-two-dashes-are-no-options"),
        pytest.param("watch x", None, REMOTE, id="a-verb-of-clusters-alone"),
    ],
)
def test_a_verb_goes_where_its_user_says(
    here: Cluster, arguments: str, environment: str | None, said: str
) -> None:
    result = CliRunner().invoke(main, arguments.split(), env={CLUSTER_VARIABLE: environment or ""})

    assert said in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param("run w.yaml --cluster", "wfe submit FILE --wait --logs", id="run"),
        pytest.param("validate w.yaml -n x", "`validate` needs no cluster", id="validate"),
        pytest.param("--context x graph w.yaml", "`graph` needs no cluster", id="graph"),
    ],
)
def test_a_verb_that_knows_no_cluster_says_what_to_do_instead(arguments: str, said: str) -> None:
    result = CliRunner().invoke(main, arguments.split())

    assert (said in result.output, result.exit_code) == (True, 2)


def test_the_plugin_of_kubectl_is_in_the_cluster_without_being_told(here: Cluster) -> None:
    said = here.wfe("show", "x", kubectl=True, code=2).stderr

    assert "`kubectl wfe list` shows those there are" in said


@pytest.mark.parametrize("verb", IN_CLUSTER)
def test_a_verb_says_the_same_of_itself_here_and_in_a_cluster(verb: str) -> None:
    _, command, _ = main.resolve_command(click.Context(main), [verb, "--cluster"])

    assert command is not None
    first = (command.help or "").splitlines()[0]
    assert first == VERBS[verb][1] or verb == "resume"
    assert {"--cluster", "--context", "--namespace", "--kubeconfig"} <= _options(command)


def _options(command: click.Command) -> set[str]:
    if isinstance(command, click.Group):
        return set.intersection(*(_options(each) for each in command.commands.values()))
    return {option for parameter in command.params for option in parameter.opts}


def test_the_verbs_that_need_not_be_told_are_those_that_have_no_other_meaning() -> None:
    assert {verb for verb, (here, _) in VERBS.items() if not here} == CLUSTER_VERBS


@pytest.mark.parametrize(
    ("place", "line"),
    [
        pytest.param(Place(), "wfe show x --cluster", id="nothing-but-a-cluster"),
        pytest.param(Place(context="c", namespace="n"), "wfe show x --context c -n n", id="context"),
        pytest.param(Place(kubeconfig="k"), "wfe show x --cluster --kubeconfig k", id="another-kubeconfig"),
        pytest.param(
            Place(namespace="n", command="kubectl wfe", is_implied=True),
            "kubectl wfe show x -n n",
            id="kubectl",
        ),
    ],
)
def test_a_command_that_is_recommended_works_in_the_same_place(place: Place, line: str) -> None:
    assert place.line("show", "x") == line
    assert "--cluster" not in place.line("watch", "x")


def test_without_the_extra_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [*sys.modules]:
        if name.startswith(("wfe.hosts.cli.cluster.", "wfe.kube")) and not name.endswith(".place"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiohttp", None)

    result = CliRunner().invoke(main, ["list", "--cluster"])

    assert 'pip install "wfe[operator]"' in result.output
    assert result.exit_code == 2


def test_help_imports_nothing_that_speaks_to_clusters() -> None:
    call = "main(['list', '--help'], standalone_mode=False)"
    code = f"import sys; from wfe.hosts.cli import main; {call}; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert not {"aiohttp", "wfe.kube", "kopf"} & set(shown.splitlines()[-1].split())
    assert "wfe list --cluster --help" in shown
