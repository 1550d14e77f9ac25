"""Which technologies can be which parts of a host."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contract.api_server import url_of_api_server
from wfe.hosts.wiring.parts import Parts
from wfe.providers import UrlInvalid


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_the_store_brings_what_nothing_else_is_named_for() -> None:
    parts = Parts("memory:")
    assert parts.store() is parts.store()
    assert parts.leases(None, "me", now=now) is not None
    assert parts.queue(None, now=now) is not None
    assert len(parts.used) == 1


def test_one_url_is_one_provider_whatever_it_is_used_for() -> None:
    parts = Parts("memory:")
    parts.store()
    parts.queue("sqlite:q.db", now=now)
    parts.leases("sqlite:q.db", "me", now=now)
    assert len(parts.used) == 2


def test_what_a_technology_is_not_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UrlInvalid, match=r"`kubernetes:` has no queue; use the store's own, or `redis://…`"):
        Parts("memory:").queue(url_of_api_server(tmp_path), now=now)


@pytest.mark.parametrize("part", ["queue", "locks"])
def test_what_one_process_alone_sees_is_refused_beside_a_store_of_several(part: str) -> None:
    parts = Parts("sqlite:x.db")
    with pytest.raises(UrlInvalid, match=f"`memory:` is seen by one process alone, .* as the {part}"):
        parts.queue("memory:", now=now) if part == "queue" else parts.leases("memory:", "me", now=now)
    assert Parts("memory:").queue("memory:", now=now) is not None


def test_a_store_without_a_queue_has_none_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert Parts(url_of_api_server(tmp_path)).queue(None, now=now) is None


def test_copies_are_none_unless_they_are_asked_for() -> None:
    parts = Parts("memory:")
    assert parts.search(None) is None
    assert parts.logs(None) is None
    assert parts.copies == []


def test_a_copy_is_opened_with_what_it_shares() -> None:
    parts = Parts("sqlite:x.db")
    store = parts.store()
    assert parts.search("sqlite:x.db") is not None
    assert parts.logs("files:logs") is not None
    assert [provider.store for provider in parts.used] == [store]
    assert [provider.logs for provider in parts.copies] == [parts.logs("files:logs")]


def test_a_technology_that_keeps_no_such_copy_is_refused() -> None:
    with pytest.raises(UrlInvalid, match=r"`files:` has no search; use `https://…`"):
        Parts("memory:").search("files:x")
    with pytest.raises(UrlInvalid, match=r"`redis:` keeps no logs; use `https://…`"):
        Parts("memory:").logs("redis://host")
