"""Finding the API server: by the files that kubectl reads, or as a pod finds it."""

import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from wfe.kube.access import Access
from wfe.kube.credentials import TokenFile
from wfe.kube.errors import AccessUnclear
from wfe.kube.kubeconfig import access_from_kubeconfig

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def find_access(
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    environment: Mapping[str, str] | None = None,
    service_account: Path = SERVICE_ACCOUNT,
) -> Access:
    """Find the way: a kubeconfig that is named (or by KUBECONFIG, or ~/.kube/config), else the pod's service account.

    Tokens, token files, client certificates (paths or data), basic auth and exec plugins are understood. Of several
    files in KUBECONFIG the first that says something wins.

    Raises:
        AccessUnclear: nothing was found, or there is no such context; the text says where was looked.
    """
    environment = os.environ if environment is None else environment
    files = [kubeconfig] if kubeconfig else _usual_files(environment)
    found = [file for file in files if file.is_file()]
    if found:
        return access_from_kubeconfig(found, context)
    if kubeconfig is None and context is None and (service_account / "token").is_file():
        return access_from_service_account(service_account, environment)
    looked = ", ".join(str(file) for file in files)
    raise AccessUnclear(f"no kubeconfig (looked for {looked}) and no service account in {service_account}")


def _usual_files(environment: Mapping[str, str]) -> Sequence[Path]:
    if named := environment.get("KUBECONFIG"):
        return [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    return [Path(environment.get("HOME", "~")).expanduser() / ".kube" / "config"]


def access_from_service_account(directory: Path, environment: Mapping[str, str]) -> Access:
    """Return the access that Kubernetes gives to a pod."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise AccessUnclear(f"there is a service account in {directory}, but no KUBERNETES_SERVICE_HOST")
    namespace = directory / "namespace"
    return Access(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
        tls=ssl.create_default_context(cafile=directory / "ca.crt"),
        credentials=TokenFile(directory / "token"),
    )
