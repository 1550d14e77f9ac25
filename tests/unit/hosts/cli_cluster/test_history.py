"""What is said when there is no history to look in."""

import pytest

from tests.unit.hosts.cli_cluster.cluster import Cluster


@pytest.mark.parametrize(
    "words",
    [("list", "--history"), ("show", "--history", "one"), ("rebuild-mirror",), ("rebuild-mirror", "--check")],
)
def test_without_a_url_it_is_said_how_to_name_one(cluster: Cluster, words: tuple[str, ...]) -> None:
    said = cluster.wfe(*words, code=2).output
    assert "nobody says where the history is" in said
    assert "--history-url postgres://USER@HOST:PORT/DATABASE` or WFE_HISTORY" in said


def test_a_server_without_a_history_is_refused_and_its_password_not_shown(cluster: Cluster) -> None:
    said = cluster.wfe("list", "--history", "--history-url", "redis://me:secret@host", code=2).output
    assert "keeps no history" in said
    assert "secret" not in said


def test_what_is_not_there_is_said_to_be_missing(cluster: Cluster) -> None:
    assert (
        "the history has no such instances"
        in cluster.wfe("list", "--history", "--history-url", "memory:").output
    )
    said = cluster.wfe("show", "one", "--history", "--history-url", "memory:", code=2).output
    assert "the history has no instance `one` in namespace `demo`" in said
