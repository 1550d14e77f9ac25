"""Programs that hand out credentials, as a kubeconfig names them ("exec plugins")."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from wfe.kube.credentials import bearer
from wfe.kube.errors import AccessUnclear

# A credential that ends while a request is under way is of no use.
RENEW_BEFORE_SECONDS: Final = 30.0


class ExecStatus(msgspec.Struct, frozen=True, rename="camel"):
    """What a credential program answers with."""

    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class ExecCredential(msgspec.Struct, frozen=True, rename="camel"):
    """The program's answer, of client.authentication.k8s.io/v1 or v1beta1."""

    status: ExecStatus
    api_version: str = ""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A program that hands out credentials, as a kubeconfig names it."""

    command: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    api_version: str
    cluster: Mapping[str, Any] | None
    install_hint: str = ""


class FromProgram:
    """Asks a program, and again when what it gave has expired or is refused."""

    def __init__(
        self,
        plugin: Plugin,
        now: Callable[[], datetime],
        certify: Callable[[str, str], None],
    ) -> None:
        self._plugin = plugin
        self._now = now
        self._certify = certify
        self._given: ExecStatus | None = None
        self._asking = asyncio.Lock()

    async def headers(self) -> dict[str, str]:
        async with self._asking:
            if self._given is None or self._expires_soon(self._given):
                self._given = await self._ask()
                if self._given.client_certificate_data and self._given.client_key_data:
                    self._certify(self._given.client_certificate_data, self._given.client_key_data)
        return bearer(self._given.token) if self._given.token else {}

    def refused(self) -> None:
        self._given = None

    def _expires_soon(self, given: ExecStatus) -> bool:
        end = given.expiration_timestamp
        return end is not None and (end - self._now()).total_seconds() < RENEW_BEFORE_SECONDS

    async def _ask(self) -> ExecStatus:
        plugin = self._plugin
        spec: dict[str, Any] = {"interactive": False}
        if plugin.cluster is not None:
            spec["cluster"] = plugin.cluster
        question = {"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec}
        environment = {
            **os.environ,
            **plugin.environment,
            "KUBERNETES_EXEC_INFO": msgspec.json.encode(question).decode(),
        }
        try:
            process = await asyncio.create_subprocess_exec(
                plugin.command,
                *plugin.arguments,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            hint = f"; {plugin.install_hint}" if plugin.install_hint else ""
            raise AccessUnclear(
                f"the credential program {plugin.command} cannot run: {error}{hint}"
            ) from error
        out, err = await process.communicate()
        if process.returncode != 0:
            said = err.decode(errors="replace").strip()[-500:]
            raise AccessUnclear(
                f"the credential program {plugin.command} ended with {process.returncode}: {said}"
            )
        return self._read(out)

    def _read(self, answer: bytes) -> ExecStatus:
        try:
            credential = msgspec.json.decode(answer, type=ExecCredential)
        except msgspec.DecodeError as error:
            raise AccessUnclear(
                f"the credential program {self._plugin.command} answered with no ExecCredential: {error}"
            ) from error
        if credential.api_version != self._plugin.api_version:
            raise AccessUnclear(
                f"the credential program {self._plugin.command} speaks {credential.api_version or 'no version'}, "
                f"but the kubeconfig asks for {self._plugin.api_version}"
            )
        return credential.status
