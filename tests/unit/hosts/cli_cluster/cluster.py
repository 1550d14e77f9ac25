"""A cluster of one process: a fake API server, `wfe` against it, and somebody who works on instances.

The server and the worker have threads of their own, so that `wfe` can be called as its user calls it.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from click.testing import CliRunner, Result

from wfe.hosts.cli import main
from wfe.hosts.embedded.files import chosen, load_workflows
from wfe.hosts.embedded.host import WorkflowHost
from wfe.kube import Access, Client
from wfe.kube.resource import CONFIG_MAPS, CONTROLLER_REVISIONS, LEASES, PODS, Resource
from wfe.providers.customresource import INSTANCES, WORKFLOW_EVENTS, WORKFLOWS
from wfe.testing.apiserver import ApiServer, Served

T = TypeVar("T")
Object = dict[str, Any]
NAMESPACE = "demo"
SELECTABLE = ("status.active", "status.phase", "spec.workflowRef.name", "spec.parent.id")
SERVED = (
    WORKFLOWS,
    Served(INSTANCES, SELECTABLE),
    WORKFLOW_EVENTS,
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    LEASES,
    PODS,
)


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something there, and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a function there."""

        async def called() -> T:
            return function(*arguments, **named)

        return self.do(called())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Cluster:
    """A fake cluster, and `wfe` in a directory of its own."""

    def __init__(self, directory: Path, served: tuple[Resource | Served, ...] = SERVED) -> None:
        self.directory = directory
        self.kubeconfig = directory / "kubeconfig"
        self._loop = Loop()
        self.server = ApiServer(served)
        self.address = self._loop.do(self.server.start()).server
        self.configure(self.address)

    def configure(self, address: str, namespace: str = NAMESPACE) -> None:
        """Write the kubeconfig."""
        context = {"cluster": "fake", "user": "fake", "namespace": namespace}
        config = {
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": address}}],
            "users": [{"name": "fake", "user": {}}],
            "contexts": [{"name": "fake", "context": context}],
        }
        self.kubeconfig.write_text(json.dumps(config))

    def close(self) -> None:
        self._loop.do(self.server.stop())
        self._loop.close()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Give a client, open for as long as the block lasts."""
        found = Client(Access(self.address))
        await found.open()
        try:
            yield found
        finally:
            await found.close()

    # -- what a user does --------------------------------------------------------------------------------------

    def wfe(self, *arguments: str, code: int = 0, kubectl: bool = False) -> Result:
        """Run `wfe` in the cluster; it must exit with that code."""
        result = CliRunner().invoke(
            main,
            arguments,
            env={"KUBECONFIG": str(self.kubeconfig), "WFE_CLUSTER": "true", "TZ": "UTC", "WFE_DEBUG": "1"},
            obj={"kubectl": True} if kubectl else None,
            prog_name="kubectl wfe" if kubectl else "wfe",
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.wfe(*arguments, "-o", "json", code=code).stdout)

    def write(self, text: str, name: str = "w.yaml") -> str:
        """Write a file and return its path."""
        path = self.directory / name
        path.write_text(text)
        return str(path)

    # -- what is in the cluster --------------------------------------------------------------------------------

    def get(self, resource: Resource, name: str, namespace: str = NAMESPACE) -> Object:
        return self._loop.call(self.server.objects.get, resource, name, namespace)

    def all(self, resource: Resource) -> list[Object]:
        return self._loop.call(self.server.objects.all, resource, NAMESPACE)

    def create(self, resource: Resource, name: str, spec: Object | None = None, **metadata: Any) -> Object:
        body = {"metadata": {"name": name, **metadata}, "spec": spec or {}}
        return self._loop.call(self.server.objects.create, resource, body, NAMESPACE)

    def patch(self, resource: Resource, name: str, patch: Object, subresource: str = "") -> Object:
        objects = self.server.objects
        return self._loop.call(objects.patch, resource, name, NAMESPACE, patch, subresource=subresource)

    def status(self, name: str, **status: Any) -> Object:
        """Write the status of an instance."""
        return self.patch(INSTANCES, name, {"status": status}, "status")

    def delete(self, resource: Resource, name: str) -> None:
        self._loop.call(self.server.objects.delete, resource, name, NAMESPACE)

    def until(self, condition: Callable[[ApiServer], object]) -> None:
        """Wait until something is so at the server."""

        async def so() -> None:
            while not condition(self.server):  # noqa: ASYNC110 - others make it so
                await asyncio.sleep(0.005)

        self._loop.do(so())

    def order(self, fault: Callable[..., Any], *arguments: Any, **kind: Any) -> None:
        """Order a fault of the server's."""
        self._loop.call(fault, *arguments, **kind)

    # -- what an operator does ---------------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator["Worker"]:
        """Give somebody who runs workflows of files on this machine, and keeps them in the cluster."""
        loop = Loop()
        url = f"kubernetes:{NAMESPACE}?kubeconfig={self.kubeconfig}"
        host = WorkflowHost(url, state=self.directory / "state", workspace=self.directory)
        loop.do(host.start_host())
        try:
            yield Worker(loop, host)
        finally:
            loop.do(host.stop())
            loop.close()


class Worker:
    """Runs workflows."""

    def __init__(self, loop: Loop, host: WorkflowHost) -> None:
        self._loop = loop
        self.host = host

    def start(self, file: str, name: str, **inputs: Any) -> str:
        """Start an instance and return its id."""
        found = load_workflows(file)
        self.host.register(*found.values())
        return self.do(lambda host: host.start(chosen(found, None, file), inputs, name=name))

    def run(self, file: str, name: str, **inputs: Any) -> str:
        """Run an instance to its end and return its id."""
        self.start(file, name, **inputs)
        return self.do(lambda host: host.wait(name)).id

    def do(self, work: Callable[[WorkflowHost], Awaitable[T]]) -> T:
        """Do something with the host."""

        async def done() -> T:
            return await work(self.host)

        return self._loop.do(done())
