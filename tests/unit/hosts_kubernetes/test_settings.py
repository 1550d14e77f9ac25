"""What the operator is told."""

from datetime import timedelta
from pathlib import Path

import pytest

from wfe.hosts.kubernetes.settings import Settings, SettingsInvalid, read_settings


def _read(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return read_settings({"WFE_CONFIG_FILE": str(file), **environment})


def test_without_a_file_every_setting_has_a_value() -> None:
    settings = read_settings({})
    assert (settings.namespaces, settings.port, settings.home) == ((), 8080, "default")


def test_a_file_is_read_in_the_words_of_the_chart(tmp_path: Path) -> None:
    settings = _read(
        tmp_path,
        """
        namespaces: [a, b]
        log: {level: debug, format: console}
        defaults: {ttlAfterFinished: 12h}
        runner: {image: "r:1", pool: {size: 2, namespaces: [a]}, resources: {limits: {cpu: 2, memory: 1Gi}}}
        webhook: {port: 1234}
        """,
        POD_NAME="wfe-1",
        POD_NAMESPACE="wfe",
    )
    assert settings.namespaces == ("a", "b")
    assert settings.defaults.ttl_after_finished == "12h"
    assert settings.runner.pool.size == 2
    assert settings.runner.resources.limits == {"cpu": 2, "memory": "1Gi"}
    assert (settings.identity, settings.home) == ("wfe-1", "wfe")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("prot: 1", "prot: there is no such setting", id="a-typo"),
        pytest.param("runner: {pool: {size: many}}", "runner.pool.size", id="a-wrong-type"),
        pytest.param("defaults: {ttlAfterFinished: soon}", "is not a duration", id="no-duration"),
        pytest.param("logs: {keep: soon}", "logs.keep.*is not a duration", id="no-duration-to-keep"),
        pytest.param("- a", "is not a mapping", id="a-list"),
        pytest.param("a: *b", "cannot be read", id="no-yaml"),
        pytest.param("servers: {postgres: x}", "WFE_POSTGRES_URL.* take it out", id="a-password-in-the-file"),
    ],
)
def test_what_nobody_understands_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        _read(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        read_settings({"WFE_CONFIG_FILE": str(tmp_path / "none.yaml")})


def test_servers_come_from_the_environment_and_are_never_shown(tmp_path: Path) -> None:
    url = "postgres://wfe:hidden@db/wfe"
    settings = _read(tmp_path, "port: 1", WFE_POSTGRES_URL=url)
    assert settings.servers.postgres.get_secret_value() == url
    assert (settings.servers.valkey.get_secret_value(), "hidden" in repr(settings)) == ("", False)


@pytest.mark.parametrize(
    ("text", "history", "logs"),
    [
        pytest.param("port: 1", None, None, id="for-ever-where-nothing-is-said"),
        pytest.param(
            '{history: {keep: ""}, logs: {keep: ""}}', None, None, id="for-ever-as-the-chart-says-it"
        ),
        pytest.param(
            "{history: {keep: 365d}, logs: {keep: 30d}}",
            timedelta(days=365),
            timedelta(days=30),
            id="durations",
        ),
    ],
)
def test_how_long_copies_are_kept(
    tmp_path: Path, text: str, history: timedelta | None, logs: timedelta | None
) -> None:
    settings = _read(tmp_path, text)
    assert (settings.history.within, settings.logs.within) == (history, logs)
