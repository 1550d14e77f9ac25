"""The files that kubectl reads: which cluster, which user, which namespace."""

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import yaml

from wfe.kube.access import Access
from wfe.kube.credentials import Anonymous, Credentials, Fixed, TokenFile, bearer
from wfe.kube.errors import AccessUnclear
from wfe.kube.program import FromProgram, Plugin

EXEC_VERSIONS: Final = {f"client.authentication.k8s.io/{version}": version for version in ("v1", "v1beta1")}


class Cluster(msgspec.Struct, frozen=True, rename="kebab"):
    """Where a server is, and how to know that it is the right one."""

    server: str = ""
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None


class Variable(msgspec.Struct, frozen=True):
    """One environment variable of a credential program."""

    name: str
    value: str


class Program(msgspec.Struct, frozen=True, rename="camel"):
    """A credential program."""

    command: str
    api_version: str = ""
    args: list[str] | None = None
    env: list[Variable] | None = None
    provide_cluster_info: bool = False
    install_hint: str = ""


class User(msgspec.Struct, frozen=True, rename="kebab"):
    """Ways to show who we are."""

    token: str | None = None
    token_file: str | None = msgspec.field(default=None, name="tokenFile")
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    username: str | None = None
    password: str | None = None
    exec: Program | None = None
    auth_provider: dict[str, Any] | None = None


class Context(msgspec.Struct, frozen=True):
    """A cluster, a user and a namespace that go together."""

    cluster: str
    user: str = ""
    namespace: str | None = None


class NamedCluster(msgspec.Struct, frozen=True):
    """An entry of `clusters`."""

    name: str
    cluster: Cluster


class NamedUser(msgspec.Struct, frozen=True):
    """An entry of `users`."""

    name: str
    user: User | None = None


class NamedContext(msgspec.Struct, frozen=True):
    """An entry of `contexts`."""

    name: str
    context: Context


class Kubeconfig(msgspec.Struct, frozen=True, rename="kebab"):
    """One file."""

    clusters: list[NamedCluster] | None = None
    users: list[NamedUser] | None = None
    contexts: list[NamedContext] | None = None
    current_context: str = ""


Entry = TypeVar("Entry", NamedCluster, NamedUser, NamedContext)


def access_from_kubeconfig(files: Sequence[Path], context: str | None = None) -> Access:
    """Return what the context says (or the current one), from the first file that knows each name.

    Raises:
        AccessUnclear: a file cannot be read, or something that is named is not there.
    """
    configs = [(file.parent, _read(file)) for file in files]
    where = ", ".join(str(file) for file in files)
    name = context or next((config.current_context for _, config in configs if config.current_context), "")
    if not name:
        raise AccessUnclear(f"{where} has no current-context: name one")
    chosen, _ = _find(name, "context", where, [(base, config.contexts) for base, config in configs])
    wanted, around = chosen.context, [(base, config.clusters) for base, config in configs]
    cluster, beside = _find(wanted.cluster, "cluster", where, around)
    user, home = User(), beside
    if wanted.user:
        known, home = _find(wanted.user, "user", where, [(base, config.users) for base, config in configs])
        user = known.user or user
    return _access(_absolute_cluster(cluster.cluster, beside), _absolute_user(user, home), wanted.namespace)


def _read(file: Path) -> Kubeconfig:
    try:
        # BaseLoader leaves every scalar a text: a token of digits is no number.
        content = yaml.load(file.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
        return msgspec.convert(content or {}, Kubeconfig, strict=False)
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise AccessUnclear(f"{file} is no kubeconfig: {error}") from error


def _find(
    name: str, what: str, where: str, lists: Sequence[tuple[Path, list[Entry] | None]]
) -> tuple[Entry, Path]:
    for base, entries in lists:
        for entry in entries or ():
            if entry.name == name:
                return entry, base
    there = sorted({entry.name for _, entries in lists for entry in entries or ()})
    raise AccessUnclear(f"{where} has no {what} {name!r}; there is {', '.join(there) or 'none'}")


def _absolute_cluster(cluster: Cluster, base: Path) -> Cluster:
    return msgspec.structs.replace(
        cluster, certificate_authority=_beside(base, cluster.certificate_authority)
    )


def _absolute_user(user: User, base: Path) -> User:
    program = user.exec
    if program and os.sep in program.command:
        program = msgspec.structs.replace(program, command=_beside(base, program.command))
    return msgspec.structs.replace(
        user,
        token_file=_beside(base, user.token_file),
        client_certificate=_beside(base, user.client_certificate),
        client_key=_beside(base, user.client_key),
        exec=program,
    )


def _beside(base: Path, path: str | None) -> str | None:
    return str(base / path) if path else None


def _access(cluster: Cluster, user: User, namespace: str | None) -> Access:
    if not cluster.server:
        raise AccessUnclear("the cluster of the kubeconfig has no server")
    if cluster.proxy_url:
        raise AccessUnclear("proxy-url in a kubeconfig is not supported")
    tls = _tls(cluster, user) if cluster.server.startswith("https:") else True
    return Access(
        server=cluster.server.rstrip("/"),
        namespace=namespace or "default",
        tls=tls,
        credentials=_credentials(cluster, user, tls),
        server_name=cluster.tls_server_name,
    )


def _credentials(cluster: Cluster, user: User, tls: ssl.SSLContext | bool) -> Credentials:
    if user.token_file:
        return TokenFile(Path(user.token_file))
    if user.token:
        return Fixed(bearer(user.token))
    if user.username is not None:
        return Fixed.password(user.username, user.password or "")
    if user.exec:
        return _program(cluster, user.exec, tls)
    if user.auth_provider:
        raise AccessUnclear("auth-provider in a kubeconfig is not supported: use an exec plugin")
    return Anonymous()


def _program(cluster: Cluster, program: Program, tls: ssl.SSLContext | bool) -> FromProgram:
    if program.api_version not in EXEC_VERSIONS:
        raise AccessUnclear(
            f"the credential program {program.command} speaks {program.api_version or 'no version'}; "
            f"understood are {', '.join(EXEC_VERSIONS)}"
        )

    def certify(certificate: str, key: str) -> None:
        if isinstance(tls, ssl.SSLContext):
            _load_pair(tls, certificate.encode(), key.encode())

    plugin = Plugin(
        command=program.command,
        arguments=program.args or (),
        environment={variable.name: variable.value for variable in program.env or ()},
        api_version=program.api_version,
        cluster=_cluster_info(cluster) if program.provide_cluster_info else None,
        install_hint=program.install_hint,
    )
    return FromProgram(plugin, _utc_now, certify)


def _utc_now() -> datetime:
    # An expiry is compared with this machine's own clock, as every client of such a program does.
    return datetime.now(UTC)  # noqa: TID251


def _cluster_info(cluster: Cluster) -> dict[str, Any]:
    authority = _data(cluster.certificate_authority_data, cluster.certificate_authority)
    said = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify or None,
        "certificate-authority-data": base64.b64encode(authority).decode() if authority else None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _tls(cluster: Cluster, user: User) -> ssl.SSLContext:
    authority = _data(cluster.certificate_authority_data, cluster.certificate_authority)
    try:
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise AccessUnclear(f"the certificate authority of the kubeconfig is not valid: {error}") from error
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate = _data(user.client_certificate_data, user.client_certificate)
    key = _data(user.client_key_data, user.client_key)
    if certificate and key:
        _load_pair(context, certificate, key)
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # The ssl module takes a pair from files alone; a directory that only we may enter holds them for a moment.
    with tempfile.TemporaryDirectory() as directory:
        pair = Path(directory, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_bytes(certificate + b"\n" + key)
        try:
            context.load_cert_chain(pair)
        except ssl.SSLError as error:
            raise AccessUnclear(f"the client certificate or its key is not valid: {error}") from error


def _data(text: str | None, path: str | None) -> bytes | None:
    """Return what is given in base64, which wins, or in a file."""
    try:
        if text:
            return base64.b64decode(text, validate=True)
        return Path(path).read_bytes() if path else None
    except (OSError, binascii.Error) as error:
        raise AccessUnclear(f"a certificate or key of the kubeconfig cannot be read: {error}") from error
