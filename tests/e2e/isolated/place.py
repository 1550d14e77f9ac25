"""A namespace, an owner and an executor of isolated pods on the real cluster; and an image without a shell."""

import asyncio
import io
import json
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Cluster, instance
from tests.e2e.kube.places import client_of_the_cluster
from tests.unit.isolated.cluster import attached
from tests.unit.pods.homes import a_task, a_workflow
from wfe.definition import WorkflowModel
from wfe.executors.pod import PodExecutor
from wfe.kube import Client
from wfe.model.ids import AttemptKey
from wfe.model.instance import Instance
from wfe.model.task import ProcessTask
from wfe.pods import labels
from wfe.pods.home import Home, Owner
from wfe.pods.needs import needs_of
from wfe.pods.settings import PodSettings
from wfe.testing.builders import an_instance
from wfe.testing.executor_contract import Recorder

BUSYBOX = "localhost/busybox:testbed"
DEBIAN = "localhost/debian:testbed"
RUNNER = "localhost/wfe-runner:testbed"
POSTGRES = "localhost/postgres:testbed"
SHELL_LESS = "localhost/shell-less:e2e"
MEBI = 1024**2
SETTINGS = PodSettings(image=BUSYBOX, trouble_within=timedelta(seconds=1))


def an_owner(cluster: Cluster, namespace: str, name: str) -> Owner:
    """Make an instance that nobody runs, for pods to belong to."""
    cluster.apply(namespace, instance(name, "nothing"))
    found = cluster.get(namespace, "wfi", name)
    return Owner(found["apiVersion"], found["kind"], name, found["metadata"]["uid"])


@dataclass
class Place:
    """Where the attempts of one test run."""

    cluster: Cluster
    client: Client
    namespace: str
    owner: Owner
    model: WorkflowModel
    settings: PodSettings = SETTINGS
    sink: Recorder = field(default_factory=Recorder)

    @property
    def home(self) -> Home:
        """The home of the instance."""
        needs = needs_of([self.model], default_image=self.settings.image)
        return Home(self.owner.uid, self.namespace, self.owner, self.model.id, needs)

    @property
    def instance(self) -> Instance:
        """The instance, of which only the id matters."""
        return an_instance(self.owner.uid)()

    def task(self, script: str = "true", step: str = "build", **changes: Any) -> ProcessTask:
        """Return an attempt that runs a script, or with `argv` a command."""
        files = {"script": script.encode(), "data.json": b'{"n": 1}'}
        key = AttemptKey(self.owner.uid, step, 1)
        return a_task(**{"key": key, "files": files, "env": {}, "timeout": timedelta(minutes=2), **changes})

    def pod(self, task: ProcessTask) -> dict[str, Any]:
        """Return the pod of an attempt, as it is now; {} if there is none."""
        return self.cluster.get(self.namespace, "pods", labels.attempt_name(task.key))

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[PodExecutor]:
        """Give an executor, as in one life of a controller."""

        async def home(_: str) -> Home:
            return self.home

        made = PodExecutor(self.client, home, self.settings, self.sink, namespaces=[self.namespace])
        async with attached(made) as executor:
            yield executor

    async def until_it_prints(self, task: ProcessTask, text: bytes) -> None:
        """Wait until the log has a text."""
        while text not in self.sink.bytes_of(task.key):  # noqa: ASYNC110  # the sink raises no events
            await asyncio.sleep(0.05)


@asynccontextmanager
async def a_place(
    cluster: Cluster, namespace: str, settings: PodSettings = SETTINGS, **fields: Any
) -> AsyncIterator[Place]:
    """Give a place for one test, and take all pods away in the end."""
    async with client_of_the_cluster() as client:
        owner = an_owner(cluster, namespace, "of-the-test")
        place = Place(cluster, client, namespace, owner, a_workflow(**fields), settings)
        try:
            yield place
        finally:
            async with place.executor() as executor:
                await executor.release(owner.uid)


def with_patience(seconds: float) -> PodSettings:
    """Return settings that give up a pod sooner."""
    return replace(SETTINGS, start_within=timedelta(seconds=seconds))


def image_without_a_shell(path: Path) -> Path:
    """Write an archive of an image in which there is one program, busybox, and nothing else."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox is not installed"
    layer = _tar({"busybox": (Path(busybox).read_bytes(), 0o755)})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(layer).hexdigest()}"]},
        }
    ).encode()
    manifest = json.dumps(
        [{"Config": "config.json", "RepoTags": [SHELL_LESS], "Layers": ["layer.tar"]}]
    ).encode()
    path.write_bytes(
        _tar(
            {"config.json": (config, 0o644), "layer.tar": (layer, 0o644), "manifest.json": (manifest, 0o644)}
        )
    )
    return path


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (body, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(body), mode
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()
