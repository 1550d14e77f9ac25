"""A prefix for each test on the OpenSearch server that tests share."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.integration.servers import url_of


def url_of_opensearch(directory: Path) -> str:
    """Return the URL of a prefix that nobody else uses, where what was written is found at once."""
    return (
        f"{url_of('opensearch')}?prefix=test-{sha256(str(directory).encode()).hexdigest()[:16]}-&refresh=50ms"
    )


def drop(url: str) -> None:
    """Remove all that is under the prefix: a server has room for a thousand indices or so."""
    server, _, options = url.partition("?")
    prefix = options.partition("prefix=")[2].partition("&")[0]
    for index in ask(server, "GET", f"/_cat/indices/{prefix}*?format=json&expand_wildcards=all&h=index"):
        ask(server, "DELETE", f"/{index['index']}")
    for name in ("instances", "logs"):
        ask(server, "DELETE", f"/_index_template/{prefix}{name}")


def ask(server: str, method: str, path: str, body: object = None) -> Any:
    """Make a request of a server on loopback and return the answer; None for what is not there."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{server}{path}", data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())
    except HTTPError as error:
        error.close()
        if error.code != 404:
            raise
        return None
