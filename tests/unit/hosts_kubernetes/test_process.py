"""The command of the operator's image, and what it does before it leaves a cluster."""

import asyncio
import gc
import json
import logging
import sys
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest

from wfe.hosts.kubernetes.__main__ import VERBS, main
from wfe.hosts.kubernetes.cleanup import DEPLOYMENTS, free, stop
from wfe.hosts.kubernetes.driving import driver_type
from wfe.hosts.kubernetes.logs import configure
from wfe.hosts.kubernetes.settings import Log, Settings
from wfe.kube.resource import PODS
from wfe.pods import labels
from wfe.runtime.driver import Driver
from wfe.testing.apiserver import serving


@pytest.mark.parametrize("arguments", [["walk"], ["run", "twice"]])
def test_bad_usage_lists_the_verbs(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert all(verb in said for verb in VERBS)


def test_faulty_settings_end_it_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path_factory.mktemp("config") / "config.yaml"
    file.write_text("prot: 1")
    monkeypatch.setenv("WFE_CONFIG_FILE", str(file))
    assert main(["run"]) == 1
    assert "there is no such setting" in capsys.readouterr().err


def test_what_was_imported_is_not_looked_through_again_and_again(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("config") / "config.yaml"
    file.write_text("port: 1")
    monkeypatch.setenv("WFE_CONFIG_FILE", str(file))
    frozen: list[int] = []

    async def run(_: Settings) -> None:
        frozen.append(gc.get_freeze_count())

    monkeypatch.setitem(sys.modules, VERBS["run"], cast(ModuleType, SimpleNamespace(run=run)))
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        assert main(["run"]) == 0
    finally:
        gc.unfreeze()
        root.handlers = before
        root.setLevel(level)
    assert frozen[0] > 10_000


def test_a_log_record_is_one_line_of_json_and_not_too_long(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    try:
        configure(Log())
        logging.getLogger("wfe.test").warning("much: %s", "x" * 9000)
    finally:
        root.handlers = before
        root.setLevel(level)
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["level"], record["logger"]) == ("warning", "wfe.test")
    assert len(record["event"]) < 5000


async def test_the_operator_is_stopped_before_its_finalizers_are_taken_off() -> None:
    async with serving([PODS, DEPLOYMENTS]) as (_, client):
        selector = {"matchLabels": {"app": "wfe"}}
        deployment = {"metadata": {"name": "wfe-operator"}, "spec": {"replicas": 2, "selector": selector}}
        await client.create(DEPLOYMENTS, deployment, "wfe")
        await client.create(PODS, {"metadata": {"name": "wfe-operator-1", "labels": {"app": "wfe"}}}, "wfe")
        stopping = asyncio.create_task(stop(client, "wfe-operator", "wfe"))
        while (await client.get(DEPLOYMENTS, "wfe-operator", "wfe"))["spec"]["replicas"]:
            pass
        assert not stopping.done()
        await client.delete(PODS, "wfe-operator-1", "wfe")
        await stopping
        await stop(client, "another", "wfe")


async def test_only_our_finalizers_are_taken_off() -> None:
    async with serving([PODS]) as (_, client):
        for name, finalizers in (("a", [labels.FINALIZER]), ("b", [labels.FINALIZER, "x/y"]), ("c", [])):
            metadata = {"name": name, "labels": {labels.ROLE: labels.ATTEMPT}, "finalizers": finalizers}
            await client.create(PODS, {"metadata": metadata}, "team")
        assert await free(client, None) == 2
        found = {
            pod["metadata"]["name"]: pod["metadata"].get("finalizers") async for pod in client.list(PODS)
        }
        assert [found["a"] or [], found["b"], found["c"] or []] == [[], ["x/y"], []]


def test_every_kind_of_driver_is_one_of_the_runtimes() -> None:
    async def prepare(instance: object) -> None: ...

    def told(_instance: str, _error: Exception) -> None: ...

    assert issubclass(driver_type(prepare, lambda _instance, _due: None, told, told), Driver)
