"""Every verb of clusters and every way in which it cannot speak to one: what, where, the way out, an exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster
from tests.unit.hosts.cli_cluster.test_apply import HELLO
from wfe.errors import NotFound, Retryable, StoreUnavailable
from wfe.hosts.cli import IN_CLUSTER
from wfe.hosts.cli.cluster.place import Place
from wfe.hosts.cli.cluster.refusals import Asked, Refused, Unreachable, in_words, said
from wfe.kube import ApiError
from wfe.kube.errors import error_from

VERBS = {
    "apply": ("apply", "FILE"),
    "submit": ("submit", "FILE", "-i", "who=me"),
    "watch": ("watch", "x"),
    "resume": ("resume", "x"),
    "list": ("list",),
    "show": ("show", "x"),
    "logs": ("logs", "x"),
    "search": ("search", "x"),
    "rebuild-mirror": ("rebuild-mirror", "--history-url", "memory:"),
    "suspend": ("suspend", "x"),
    "cancel": ("cancel", "x"),
    "retry": ("retry", "x"),
    "publish": ("publish", "e", "k"),
    "activity": ("activity", "fetch", "a"),
    "shards": ("shards",),
}
# `search` asks the server that the operator copies to.
ASKING = sorted(VERBS.keys() - {"search"})
ASKED = Asked("https://host", "demo", Place())


def test_every_verb_is_in_the_table() -> None:
    assert VERBS.keys() == IN_CLUSTER.keys()


def no_kubeconfig(cluster: Cluster) -> None:
    cluster.kubeconfig.unlink()


def no_server(cluster: Cluster) -> None:
    cluster.configure("http://127.0.0.1:1")


def unknown(cluster: Cluster) -> None:
    cluster.server.token = "another"


def forbidden(cluster: Cluster) -> None:
    cluster.order(cluster.server.faults.answer, 403)


def busy(cluster: Cluster) -> None:
    cluster.order(cluster.server.faults.answer, 503, times=99)


SITUATIONS: dict[str, tuple[Callable[[Cluster], None], str, int]] = {
    "no-kubeconfig": (no_kubeconfig, "name one with --kubeconfig or KUBECONFIG", 2),
    "no-server": (no_server, "see whether the cluster is up", 75),
    "unknown-user": (unknown, "does not know who you are", 2),
    "forbidden": (forbidden, "the cluster forbids it", 2),
    "busy": (busy, "cannot do it now", 75),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("verb", ASKING)
def test_a_verb_that_cannot_speak_to_its_cluster_says_why(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, verb: str, situation: str
) -> None:
    monkeypatch.setattr("wfe.hosts.cli.cluster.room.PATIENCE_SECONDS", 0.0)
    arrange, words, code = SITUATIONS[situation]
    file = cluster.write(HELLO)
    arrange(cluster)

    result = cluster.wfe(*(file if word == "FILE" else word for word in VERBS[verb]), code=code)

    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"activity", "search"}))
def test_a_cluster_without_wfe_says_how_to_install_it(tmp_path: Path, verb: str) -> None:
    bare = Cluster(tmp_path, served=())
    file = bare.write(HELLO)
    try:
        result = bare.wfe(*(file if word == "FILE" else word for word in VERBS[verb]), code=2)
    finally:
        bare.close()

    assert "helm install wfe" in result.stderr


@pytest.mark.parametrize("verb", ["watch", "resume", "show", "suspend", "cancel", "retry"])
def test_an_instance_that_is_not_there_is_said_with_the_way_to_those_that_are(
    cluster: Cluster, verb: str
) -> None:
    assert cluster.wfe(verb, "x", code=2).stderr == (
        "wfe: there is no instance `x` in namespace `demo`; `wfe list --cluster` shows those there are\n"
    )


FORBIDDEN = (
    'workflowinstances.wfe.sunbeam.pt is forbidden: User "ada" cannot {verb} resource "workflowinstances" '
    'in API group "wfe.sunbeam.pt" in the namespace "demo"'
)


@pytest.mark.parametrize(
    ("status", "message", "kind", "words"),
    [
        pytest.param(
            403,
            FORBIDDEN.format(verb="list"),
            Refused,
            "ClusterRole `wfe-view`, which is part of `view`",
            id="read",
        ),
        pytest.param(
            403, FORBIDDEN.format(verb="patch"), Refused, "`ada` may not patch workflowinstances", id="write"
        ),
        pytest.param(
            403,
            'pods is forbidden: User "ada" cannot list resource "pods" in API group "" in the namespace "demo"',
            Refused,
            "ask for the ClusterRole `view` there",
            id="of-kubernetes",
        ),
        pytest.param(
            403,
            'leases is forbidden: User "ada" cannot list resource "leases" in API group "coordination.k8s.io" '
            'in the namespace "demo"',
            Refused,
            "ask for the ClusterRole `edit` there",
            id="viewers-see-no-leases",
        ),
        pytest.param(
            403,
            'x is forbidden: User "ada" cannot list resource "x" in API group "" at the cluster scope',
            Refused,
            "name a namespace with -n",
            id="everywhere",
        ),
        pytest.param(
            403,
            'admission webhook "v" denied the request: spec.inputs.a: it is missing',
            Refused,
            "the cluster refuses it: spec.inputs.a: it is missing",
            id="webhook-forbids",
        ),
        pytest.param(
            400,
            'admission webhook "v" denied the request: not so',
            Refused,
            "the cluster refuses it: not so",
            id="webhook-refuses",
        ),
        pytest.param(
            422,
            'WorkflowInstance.wfe.sunbeam.pt "h" is invalid: spec: Invalid value: workflowRef cannot be changed',
            Refused,
            "workflowRef cannot be changed",
            id="rule",
        ),
        pytest.param(404, "404 page not found", Refused, "helm install wfe", id="not-installed"),
        pytest.param(
            404, 'namespaces "n" not found', NotFound, "`kubectl create namespace n` makes it", id="namespace"
        ),
        pytest.param(
            404,
            'workflows.wfe.sunbeam.pt "w" not found',
            NotFound,
            "`wfe apply FILE` puts one there",
            id="workflow",
        ),
        pytest.param(404, 'pods "p" not found', NotFound, "there is no pod `p`", id="anything-else"),
        pytest.param(409, "it was modified", Unreachable, "try again (it was modified)", id="conflict"),
        pytest.param(429, "too many requests", Unreachable, "cannot do it now", id="too-busy"),
    ],
)
def test_what_the_server_says_is_said_with_the_way_out(
    status: int, message: str, kind: type[Exception], words: str
) -> None:
    error = said(answer(status, message), ASKED)

    assert isinstance(error, kind)
    assert words in str(error)


def reading() -> None:
    try:
        raise answer(403, FORBIDDEN.format(verb="get"))
    except ApiError as error:
        raise StoreUnavailable("reading instance `x`") from error


def test_what_a_store_could_not_do_is_said_by_what_the_server_said() -> None:
    with pytest.raises(Refused, match="may not get"), in_words(ASKED):
        reading()


def test_errors_of_others_pass() -> None:
    with pytest.raises(Retryable, match="later"), in_words(ASKED):
        raise Retryable("later")


def answer(status: int, message: str) -> ApiError:
    return error_from(status, json.dumps({"kind": "Status", "message": message, "code": status}).encode())
