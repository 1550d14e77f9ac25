"""A way for pods to servers of this machine, which listen on loopback alone: a port of the address that nodes reach.

It is a process of its own, so that it can end in the middle of whatever is said. With a certificate, TLS ends here.
"""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.e2e.cluster import ROOT, Cluster

ENCRYPTED = {"http": "https", "redis": "rediss"}
Certified = tuple[Path, Path]


@contextmanager
def way_in(cluster: Cluster, url: str, certified: Certified | tuple[()] = ()) -> Iterator[str]:
    """Yield the URL by which pods reach the server of a URL of this machine.

    Args:
        cluster: where the pods are.
        url: what this machine calls the server.
        certified: files with a certificate for `address_of(cluster)` and its key; none is a way in without TLS.
    """
    parts = urlsplit(url)
    address = address_of(cluster)
    command = [sys.executable, "-m", "tests.e2e.way_in", address, str(parts.hostname), str(parts.port)]
    command += map(str, certified)
    scheme = ENCRYPTED[parts.scheme] if certified else parts.scheme
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            yield urlunsplit(parts._replace(scheme=scheme, netloc=f"{address}:{port}"))
        finally:
            process.kill()


def address_of(cluster: Cluster) -> str:
    """Return the address of this machine on the way to a node."""
    node = cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect((node, 9))
        return str(asked.getsockname()[0])


async def _serve(address: str, host: str, port: str, *certified: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certified else None
    if context is not None:
        context.load_cert_chain(*certified)

    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    server = await asyncio.start_server(both_ways, address, 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # for whoever started it
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
