"""Kubeconfigs, service accounts, and credentials that change."""

import base64
import json
import os
import ssl
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.kube.certificates import made_in
from wfe.kube import Access, AccessUnclear, ApiForbidden, Client, find_access
from wfe.kube.credentials import TokenFile
from wfe.kube.program import FromProgram, Plugin
from wfe.testing.apiserver import ApiServer

CLUSTER = {"server": "https://10.0.0.1:6443/"}


def config(
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    *,
    name: str = "here",
    namespace: str | None = None,
) -> dict[str, Any]:
    context = {"cluster": name, "user": name, **({"namespace": namespace} if namespace else {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster or CLUSTER}],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": context}],
        "current-context": name,
    }


def written(directory: Path, content: Any, name: str = "config") -> Path:
    file = directory / name
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param({}, {}, id="nobody"),
        pytest.param({"token": "abc"}, {"Authorization": "Bearer abc"}, id="token"),
        pytest.param({"token": 12345}, {"Authorization": "Bearer 12345"}, id="token-of-digits"),
        pytest.param({"tokenFile": "token"}, {"Authorization": "Bearer from-file"}, id="token-file"),
        pytest.param(
            {"tokenFile": "token", "token": "abc"}, {"Authorization": "Bearer from-file"}, id="the-file-wins"
        ),
        pytest.param(
            {"username": "me", "password": "p:w"}, {"Authorization": basic("me:p:w")}, id="password"
        ),
    ],
)
async def test_a_user_shows_who_it_is(tmp_path: Path, user: dict[str, Any], expected: dict[str, str]) -> None:
    (tmp_path / "token").write_text("from-file\n")
    access = find_access(kubeconfig=written(tmp_path, config(user)))
    assert await access.headers() == expected
    assert (access.server, access.namespace) == ("https://10.0.0.1:6443", "default")


def test_a_context_says_which_cluster_and_namespace(tmp_path: Path) -> None:
    both = config(namespace="blue")
    other = config(cluster={"server": "http://other"}, name="other")
    for key in ("clusters", "users", "contexts"):
        both[key] += other[key]
    file = written(tmp_path, both)
    assert find_access(kubeconfig=file).namespace == "blue"
    assert find_access(kubeconfig=file, context="other").server == "http://other"
    with pytest.raises(AccessUnclear, match=r"no context 'nowhere'; there is here, other"):
        find_access(kubeconfig=file, context="nowhere")


async def test_of_several_files_the_first_that_says_something_wins(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "token").write_text("beside")
    first = written(tmp_path, {"current-context": "other"}, "first")
    second = written(tmp_path / "sub", config({"tokenFile": "token"}, name="other"))
    third = written(tmp_path, config({"token": "third"}, name="other"), "third")
    named = os.pathsep.join(map(str, (first, tmp_path / "missing", second, third)))
    access = find_access(environment={"KUBECONFIG": named})
    assert await access.headers() == {"Authorization": "Bearer beside"}


def test_without_a_name_the_file_of_the_home_directory_is_taken(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    written(tmp_path / ".kube", config(cluster={"server": "http://home"}))
    assert find_access(environment={"HOME": str(tmp_path)}).server == "http://home"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("[", "is no kubeconfig", id="no-yaml"),
        pytest.param("clusters: 7", "is no kubeconfig", id="another-shape"),
        pytest.param("", "has no current-context", id="empty"),
        pytest.param(
            config() | {"users": []}, r"has no user 'here'; there is none", id="a-user-that-is-not-there"
        ),
        pytest.param(config() | {"clusters": []}, "has no cluster 'here'", id="a-cluster-that-is-not-there"),
        pytest.param(config(cluster={"server": ""}), "has no server", id="no-server"),
        pytest.param(config(cluster=CLUSTER | {"proxy-url": "http://p"}), "proxy-url", id="proxy"),
        pytest.param(config({"auth-provider": {"name": "oidc"}}), "auth-provider", id="auth-provider"),
        pytest.param(
            config({"exec": {"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}}),
            "understood are client.authentication.k8s.io/v1, client.authentication.k8s.io/v1beta1",
            id="old-exec",
        ),
        pytest.param(
            config(cluster=CLUSTER | {"certificate-authority-data": "!"}), "cannot be read", id="no-base64"
        ),
        pytest.param(
            config(cluster=CLUSTER | {"certificate-authority": "ca.crt"}), "cannot be read", id="no-file"
        ),
        pytest.param(
            config(cluster=CLUSTER | {"certificate-authority-data": "bm8="}), "not valid", id="no-authority"
        ),
        pytest.param(
            config({"client-certificate-data": "bm8=", "client-key-data": "bm8="}), "not valid", id="no-pair"
        ),
    ],
)
def test_what_cannot_be_followed_is_told(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(AccessUnclear, match=words):
        find_access(kubeconfig=written(tmp_path, content))


def test_nothing_at_all_says_where_was_looked(tmp_path: Path) -> None:
    with pytest.raises(AccessUnclear, match=rf"looked for {tmp_path}/.kube/config.*{tmp_path}/account"):
        find_access(environment={"HOME": str(tmp_path)}, service_account=tmp_path / "account")


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
    ids=["v4", "v6"],
)
async def test_a_pod_uses_its_service_account(tmp_path: Path, host: str, server: str) -> None:
    authority, _ = made_in(tmp_path, "ca")
    (tmp_path / "ca.crt").write_bytes(authority.read_bytes())
    (tmp_path / "token").write_text("mine")
    (tmp_path / "namespace").write_text("green")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443", "HOME": "/nowhere"}
    access = find_access(environment=environment, service_account=tmp_path)
    assert (access.server, access.namespace) == (server, "green")
    assert isinstance(access.tls, ssl.SSLContext)
    assert await access.headers() == {"Authorization": "Bearer mine"}
    with pytest.raises(AccessUnclear, match="no KUBERNETES_SERVICE_HOST"):
        find_access(environment={"HOME": "/nowhere"}, service_account=tmp_path)


async def test_a_token_file_is_read_once_a_minute_or_when_it_is_refused(tmp_path: Path) -> None:
    now = 0.0
    file = tmp_path / "token"
    file.write_text("one")
    token = TokenFile(file, lambda: now)

    async def shown() -> str:
        return (await token.headers())["Authorization"]

    assert await shown() == "Bearer one"
    file.write_text("two")
    now = 59.0
    assert await shown() == "Bearer one"
    now = 60.0
    assert await shown() == "Bearer two"
    file.write_text("three")
    token.refused()
    assert await shown() == "Bearer three"
    file.unlink()
    now = 300.0
    assert await shown() == "Bearer three"
    with pytest.raises(AccessUnclear, match="cannot be read"):
        await TokenFile(file).headers()


async def test_a_rotated_token_is_used_after_a_refusal_without_anyone_noticing(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    server = ApiServer(token="one")
    server.documents.pop("/version")
    access = await server.start()
    client = Client(Access(access.server, credentials=TokenFile(file)))
    await client.transport.open()
    server.token = "two"
    with pytest.raises(ApiForbidden, match="Unauthorized"):
        await client.raw("/apis/x")
    file.write_text("two")
    # It is known now who we are: the answer is another.
    with pytest.raises(Exception, match="could not find"):
        await client.raw("/apis/x")
    await client.close()
    await server.stop()


def program(directory: Path, *answers: dict[str, Any], fails: str = "") -> Path:
    """Write a credential program that gives one answer after another, and keeps what it was asked."""
    (directory / "answers").write_text(json.dumps(answers))
    file = directory / "get-credentials"
    file.write_text(
        f"#!{sys.executable}\n"
        "import json, os, pathlib, sys\n"
        f"here = pathlib.Path({str(directory)!r})\n"
        "with open(here / 'asked', 'a') as asked:\n"
        "    print(os.environ['KUBERNETES_EXEC_INFO'], sys.argv[1:], os.environ.get('EXTRA'), file=asked)\n"
        f"if {fails!r}:\n"
        f"    sys.exit({fails!r})\n"
        "number = len((here / 'asked').read_text().splitlines()) - 1\n"
        "print(json.dumps(json.loads((here / 'answers').read_text())[number]))\n"
    )
    file.chmod(0o755)
    return file


def credential(version: str = "v1", **status: Any) -> dict[str, Any]:
    api_version = f"client.authentication.k8s.io/{version}"
    return {"kind": "ExecCredential", "apiVersion": api_version, "status": status}


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_program_hands_out_a_token_once(tmp_path: Path, version: str) -> None:
    program(tmp_path, credential(version, token="given"))
    user = {
        "exec": {
            "apiVersion": f"client.authentication.k8s.io/{version}",
            "command": "./get-credentials",
            "args": ["--for", "me"],
            "env": [{"name": "EXTRA", "value": "more"}],
            "provideClusterInfo": True,
            "interactiveMode": "Never",
        }
    }
    access = find_access(kubeconfig=written(tmp_path, config(user)))
    for _ in range(2):
        assert await access.headers() == {"Authorization": "Bearer given"}
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 1
    assert "['--for', 'me'] more" in asked[0]
    assert '"server":"https://10.0.0.1:6443/"' in asked[0]


async def test_a_program_is_asked_again_when_its_token_ends_or_is_refused(tmp_path: Path) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    later = now + timedelta(minutes=10)
    answers = [
        credential(token="one", expirationTimestamp=later.isoformat()),
        credential(token="two"),
        credential(token="three"),
    ]
    file = program(tmp_path, *answers)
    moment = now
    plugin = Plugin(str(file), (), {}, "client.authentication.k8s.io/v1", None)
    given = FromProgram(plugin, lambda: moment, _no_certificate)
    assert await given.headers() == {"Authorization": "Bearer one"}
    moment = later - timedelta(seconds=31)
    assert await given.headers() == {"Authorization": "Bearer one"}
    moment = later - timedelta(seconds=29)
    assert await given.headers() == {"Authorization": "Bearer two"}
    moment = later + timedelta(days=1)
    assert await given.headers() == {"Authorization": "Bearer two"}
    given.refused()
    assert await given.headers() == {"Authorization": "Bearer three"}


def _no_certificate(*_: str) -> None: ...


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda path: path / "missing", "cannot run.*install it so", id="missing"),
        pytest.param(
            lambda path: program(path, fails="log in first"), "ended with 1: log in first", id="fails"
        ),
        pytest.param(lambda path: program(path, {}), "answered with no ExecCredential", id="nonsense"),
        pytest.param(
            lambda path: program(path, credential("v1beta1", token="x")), "speaks .*v1beta1", id="version"
        ),
    ],
)
async def test_a_program_that_does_not_help_is_told(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    version = "client.authentication.k8s.io/v1"
    plugin = Plugin(str(make(tmp_path)), (), {}, version, None, "install it so")
    with pytest.raises(AccessUnclear, match=words):
        await FromProgram(plugin, lambda: datetime(2030, 1, 1, tzinfo=UTC), _no_certificate).headers()
