"""The operator's log says each thing once."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from wfe.hosts.kubernetes.logs import configure
from wfe.hosts.kubernetes.settings import Log


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written; all is as it was afterwards."""
    root, level = logging.getLogger(), logging.getLogger("opensearch").level
    before = root.handlers, root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure(Log())
    yield written
    root.handlers, root.level = before
    logging.getLogger("opensearch").setLevel(level)


def test_a_client_that_tells_of_each_failed_request_is_not_heard(said: io.StringIO) -> None:
    logging.getLogger("opensearch").warning("POST http://host/_bulk [status:N/A]")
    logging.getLogger("wfe").warning("lines of logs wait, steps go on")
    assert [json.loads(line)["event"] for line in said.getvalue().splitlines()] == [
        "lines of logs wait, steps go on"
    ]
