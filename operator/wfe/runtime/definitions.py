"""The workflows that a host knows: compiled once, found by digest, or by id and version."""

from collections.abc import Callable, Iterable

from wfe.errors import NotFound
from wfe.graph.graph import Graph
from wfe.model.instance import Instance, WorkflowRef
from wfe.ports.store import Definition, Store


class Definitions:
    """A cache over the store's definitions. `compile_source` makes a graph of a stored source."""

    def __init__(self, store: Store, compile_source: Callable[[str], Graph]) -> None:
        self._store = store
        self._compile = compile_source
        self._by_digest: dict[str, Graph] = {}
        self._registered: dict[tuple[str, int], Graph] = {}
        self._kept: set[str] = set()

    def register(self, graph: Graph) -> None:
        """Make a workflow known; the same id and version with other content replaces it for new instances."""
        self._by_digest[graph.workflow.digest] = graph
        self._registered[graph.workflow.id, graph.workflow.version] = graph

    def registered(self) -> list[Graph]:
        return list(self._registered.values())

    async def keep(self, graph: Graph) -> None:
        """Store a workflow before an instance is pinned to it."""
        if graph.workflow.digest not in self._kept:
            await self._store.put_definition(Definition(workflow=graph.workflow, source=graph.source))
            self._kept.add(graph.workflow.digest)

    async def pinned(self, ref: WorkflowRef) -> Graph:
        """Return the workflow that an instance is pinned to.

        Raises:
            NotFound: neither registered nor stored.
        """
        graph = self._by_digest.get(ref.digest)
        if graph is None:
            stored = await self._store.definition(ref.digest)
            if stored is None:
                raise NotFound(
                    f"workflow `{ref}` is not registered in this host, and the store does not have it"
                )
            graph = self._compile(stored.source)
            self._by_digest[ref.digest] = graph
        return graph

    async def find(self, workflow: str, version: int | None = None) -> Graph:
        """Return a workflow by id and version; without one the highest version known.

        Raises:
            NotFound: there is none; the message lists what there is.
        """
        versions = [number for name, number in self._registered if name == workflow]
        if version is None and versions:
            version = max(versions)
        if version is not None and (workflow, version) in self._registered:
            return self._registered[workflow, version]
        stored = await self._store.latest_definition(workflow, version)
        if stored is not None:
            return await self.pinned(stored.workflow)
        raise NotFound(f"there is no workflow `{_label(workflow, version)}`; {self._known()}")

    def _known(self) -> str:
        names = sorted({name for name, _ in self._registered})
        return f"registered are {', '.join(f'`{name}`' for name in names)}" if names else "none is registered"

    async def closure(self, graph: Graph) -> dict[str, str]:
        """Find every workflow that this one can start, and pin each by its digest.

        Raises:
            NotFound: a `workflow` step names one that nobody knows.
        """
        pins: dict[str, str] = {}
        pending: list[Graph] = [graph]
        while pending:
            for name, version in pending.pop().children():
                label = _label(name, version)
                if label not in pins:
                    child = await self.find(name, version)
                    pins[label] = child.workflow.digest
                    pending.append(child)
        for child in self._graphs(pins.values()):
            await self.keep(child)
        return pins

    def _graphs(self, digests: Iterable[str]) -> list[Graph]:
        return [self._by_digest[digest] for digest in digests]

    async def child(self, parent: Instance, workflow: str, version: int | None) -> Graph:
        """Return the workflow that a step of a running instance starts, as pinned at its start."""
        digest = parent.pins.get(_label(workflow, version))
        if digest is None:
            return await self.find(workflow, version)
        return await self.pinned(WorkflowRef(workflow, version or 0, digest))


def _label(workflow: str, version: int | None) -> str:
    return workflow if version is None else f"{workflow}@{version}"
