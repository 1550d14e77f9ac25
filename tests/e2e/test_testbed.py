"""What the other tests on a cluster rely on: volumes, exec, services, admission, and the images."""

import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Cluster

pytestmark = pytest.mark.e2e

OPERATOR, RUNNER, BUSYBOX = (
    f"localhost/{name}:testbed" for name in ("wfe-operator", "wfe-runner", "busybox")
)
Object = dict[str, Any]


def pod(name: str, image: str, *command: str, mounts: dict[str, Object] | None = None) -> Object:
    """Return a pod that "restricted" admits, with a root file system that nobody can write."""
    volumes = mounts or {}
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": f"v{at}", "mountPath": path} for at, path in enumerate(volumes)],
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": f"v{at}", **volume} for at, volume in enumerate(volumes.values())],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": spec,
    }


def service(name: str, port: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": 8080}]},
    }


def claim(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def _until_ready(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", f"pod/{name}", "--timeout=240s")


def _inside(cluster: Cluster, namespace: str, name: str, *command: str) -> str:
    return cluster.kubectl("exec", "-n", namespace, name, "--", *command, check=False)


def test_a_restricted_pod_writes_to_its_volume_as_65532(cluster: Cluster, namespace: str) -> None:
    mounts = {"/data": {"persistentVolumeClaim": {"claimName": "data"}}}
    writer = pod("writer", BUSYBOX, "sh", "-c", "id -u >/data/who && exec sleep 1000", mounts=mounts)
    cluster.apply(namespace, claim("data"), writer)
    _until_ready(cluster, namespace, "writer")
    assert _inside(cluster, namespace, "writer", "cat", "/data/who") == "65532\n"


def test_a_privileged_pod_is_refused(cluster: Cluster, namespace: str) -> None:
    bold = pod("bold", BUSYBOX, "true")
    bold["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        cluster.apply(namespace, bold)


def test_a_pod_reaches_another_and_itself_through_services(cluster: Cluster, namespace: str) -> None:
    serve = ("python", "-m", "http.server", "8080", "--directory", "/opt/wfe")
    cluster.apply(
        namespace, service("web", 80), pod("web", OPERATOR, *serve), pod("asks", RUNNER, "sleep", "1000")
    )
    for name in ("web", "asks"):
        _until_ready(cluster, namespace, name)
    address = cluster.get(namespace, "services", "web")["spec"]["clusterIP"]
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://{address}', timeout=5).status)"

    def asked_by_another() -> bool:
        answer = _inside(
            cluster,
            namespace,
            "asks",
            "curl",
            "-sS",
            "-m",
            "5",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            address,
        )
        return answer == "200"

    cluster.until(asked_by_another, what="the service answers a pod")
    assert _inside(cluster, namespace, "web", "python", "-c", fetch) == "200\n"


REVIEWER = """
import http.server, json, ssl

class Reviewer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {"uid": review["request"]["uid"], "allowed": False, "status": {"message": "not on my watch"}}
        body = json.dumps({**review, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("", 8080), Reviewer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/keys/tls.crt", "/keys/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_the_api_server_asks_a_webhook_behind_a_service(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    host = f"reviewer.{namespace}.svc"
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    subject = ("-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-days", "1")
    made = subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            *subject,
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    keys = {"secret": {"secretName": "keys"}}
    cluster.kubectl(
        "create", "secret", "tls", "keys", "-n", namespace, f"--key={key}", f"--cert={certificate}"
    )
    cluster.apply(
        namespace,
        service("reviewer", 443),
        pod("reviewer", OPERATOR, "python", "-c", REVIEWER, mounts={"/keys": keys}),
    )
    _until_ready(cluster, namespace, "reviewer")
    webhook = {
        "name": "reviewer.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
        ],
        "clientConfig": {
            "service": {"name": "reviewer", "namespace": namespace},
            "caBundle": b64encode(certificate.read_bytes()).decode(),
        },
    }
    cluster.apply(
        namespace,
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": namespace},
            "webhooks": [webhook],
        },
    )

    def is_refused() -> bool:
        said = cluster.kubectl("create", "configmap", "x", "-n", namespace, "--dry-run=server", check=False)
        return "not on my watch" in said

    try:
        cluster.until(is_refused, what="the webhook is asked")
    finally:
        cluster.kubectl("delete", "validatingwebhookconfiguration", namespace)


@pytest.mark.parametrize(
    ("image", "command", "expected"),
    [
        pytest.param(RUNNER, "deno eval 'console.log(6 * 7)'", "42", id="deno-in-the-runner"),
        pytest.param(
            RUNNER, "git init -q /tmp/x && bash -c 'echo ${BASH_VERSINFO[0]}'", "5", id="bash-and-git"
        ),
        pytest.param(OPERATOR, "wfe --version", "wfe 0.1.0", id="wfe-in-the-operator"),
        pytest.param(
            OPERATOR,
            'python -c \'from importlib.util import find_spec as f; print(f("kopf") and not f("kubernetes"))\'',
            "True",
            id="no-second-client",
        ),
    ],
)
def test_the_images_work_as_65532_on_a_read_only_root(
    cluster: Cluster, namespace: str, image: str, command: str, expected: str
) -> None:
    script = f"export HOME=/tmp DENO_DIR=/tmp/deno; {command}"
    cluster.apply(namespace, pod("once", image, "sh", "-c", "sleep 1000", mounts={"/tmp": {"emptyDir": {}}}))
    _until_ready(cluster, namespace, "once")
    assert _inside(cluster, namespace, "once", "sh", "-c", script) == f"{expected}\n"
