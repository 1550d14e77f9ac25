"""Certificates on both sides, checked by handshakes with a real server on loopback."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.kube.certificates import made_in
from tests.unit.kube.test_access import config, credential, program
from wfe.kube import ApiUnavailable, Client, find_access


@asynccontextmanager
async def server(directory: Path) -> AsyncIterator[tuple[str, list[str]]]:
    """A TLS server that says its version to whom it knows; its address, and the names of those who asked."""
    certificate, key = made_in(directory, "server")
    known, _ = made_in(directory, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(known)
    context.verify_mode = ssl.CERT_OPTIONAL
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        peer: Any = writer.get_extra_info("peercert")
        asked.append(peer["subject"][0][0][1] if peer else "nobody")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"https://127.0.0.1:{port}", asked
    finally:
        listening.close()


async def ask(directory: Path, cluster: dict[str, Any], user: dict[str, Any]) -> None:
    file = directory / "config"
    file.write_text(yaml.safe_dump(config(user, cluster)))
    client = Client(find_access(kubeconfig=file))
    try:
        await client.open()
    finally:
        await client.close()


def in_base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


NAMED = {"tls-server-name": "api.example.test"}


@pytest.mark.parametrize("inline", [True, False], ids=["data", "files"])
async def test_both_sides_show_certificates(tmp_path: Path, *, inline: bool) -> None:
    async with server(tmp_path) as (address, asked):
        parts = {"certificate-authority": "server.crt", "client-certificate": "client.crt"}
        parts |= {"client-key": "client.key"}
        if inline:
            parts = {f"{key}-data": in_base64(tmp_path / name) for key, name in parts.items()}
        cluster = {key: value for key, value in parts.items() if key.startswith("certificate")}
        user = {key: value for key, value in parts.items() if key.startswith("client")}
        await ask(tmp_path, {"server": address, **NAMED, **cluster}, user)
        assert asked == ["client"]


async def test_a_program_can_hand_out_a_certificate(tmp_path: Path) -> None:
    async with server(tmp_path) as (address, asked):
        certificate, key = (tmp_path / f"client.{kind}" for kind in ("crt", "key"))
        given = {"clientCertificateData": certificate.read_text(), "clientKeyData": key.read_text()}
        program(tmp_path, credential(**given))
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./get-credentials"}}
        await ask(tmp_path, {"server": address, **NAMED, "certificate-authority": "server.crt"}, user)
        assert asked == ["client"]


@pytest.mark.parametrize(
    ("cluster", "taken"),
    [
        pytest.param({"certificate-authority": "server.crt"} | NAMED, True, id="its-authority-and-name"),
        pytest.param({"certificate-authority": "server.crt"}, False, id="another-name"),
        pytest.param({"certificate-authority": "client.crt"} | NAMED, False, id="another-authority"),
        pytest.param(NAMED, False, id="the-systems-authorities"),
        pytest.param({"insecure-skip-tls-verify": True}, True, id="unchecked"),
    ],
)
async def test_a_server_is_believed_only_by_its_certificate(
    tmp_path: Path, cluster: dict[str, Any], *, taken: bool
) -> None:
    async with server(tmp_path) as (address, asked):
        if taken:
            await ask(tmp_path, {"server": address, **cluster}, {})
        else:
            with pytest.raises(ApiUnavailable, match=r"not believed.*certificate"):
                await ask(tmp_path, {"server": address, **cluster}, {})
        assert asked == (["nobody"] if taken else [])
