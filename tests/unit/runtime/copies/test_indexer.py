"""The index gets the newest revision of each instance, whatever happens to it meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.unit.engine.nodes import graph, task
from tests.unit.runtime.copies.test_log_shipper import Ledger
from tests.unit.runtime.site import virtually
from wfe.errors import NotFound, StoreUnavailable
from wfe.graph.graph import Graph
from wfe.model.failure import Failure, Reason
from wfe.model.instance import Instance, WorkflowRef
from wfe.model.record import InstanceChanged
from wfe.model.status import InstanceStatus
from wfe.ports.search import Document, SearchQuery
from wfe.providers.memory import MemorySearch
from wfe.runtime.copies.documents import LONGEST, document_of, document_with_steps
from wfe.runtime.copies.held import Held
from wfe.runtime.copies.indexer import Indexer
from wfe.testing.builders import NOON, an_instance
from wfe.testing.fakes import FakeClock
from wfe.testing.search_contract import ids

SECOND = timedelta(seconds=1)
CHANGE = InstanceChanged(status=InstanceStatus.RUNNING, reason=None, at=NOON)


class Index(MemorySearch):
    """An index that may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.puts: list[int] = []

    async def put(self, documents: Sequence[Document]) -> None:
        await asyncio.sleep(0.01)
        if self.away:
            raise StoreUnavailable("away")
        self.puts.append(len(documents))
        await super().put(documents)


class World:
    """An indexer, and a store of instances."""

    def __init__(self, *left: str) -> None:
        self.index = Index()
        self.ledger = Ledger(*left)
        self.stored: dict[str, Instance] = {}
        self.loads = 0
        self.indexer = Indexer(self.index, self._load, self._document, Held(self.ledger), FakeClock())

    async def _load(self, instance: str) -> Instance | None:
        self.loads += 1
        return self.stored.get(instance)

    async def _document(self, instance: Instance) -> Document:
        return await document_with_steps(instance, self._workflow)

    async def _workflow(self, ref: WorkflowRef) -> Graph:
        if ref.id == "unknown":
            raise NotFound("nobody knows it")
        return graph(task("compile"), task("check"))

    def changed(self, instance: Instance) -> None:
        self.stored[instance.id] = instance
        self.indexer.heard(instance, CHANGE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        running = asyncio.create_task(self.indexer.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def idle(self) -> None:
        async with asyncio.timeout(600):
            while not self.indexer.is_idle:  # noqa: ASYNC110 - virtual time passes
                await asyncio.sleep(0.1)


def at(revision: int, status: InstanceStatus = InstanceStatus.RUNNING, name: str = "i1") -> Instance:
    return an_instance(name, revision=revision).with_data(word=f"r{revision}").with_status(status)()


@virtually
async def test_many_changes_are_one_document() -> None:
    world = World()
    async with world.running():
        for revision in range(1, 50):
            world.changed(at(revision))
        await world.idle()
        assert await ids(world.index, text="r49 compile check") == ["i1"]
    assert world.index.puts == [1]


@virtually
async def test_an_instance_is_named_until_its_end_has_arrived() -> None:
    world = World()
    async with world.running():
        world.changed(at(1))
        await world.idle()
        assert world.ledger.named == {"i1"}
        world.index.away = True
        world.changed(at(2, InstanceStatus.COMPLETE))
        await asyncio.sleep(20)
        assert world.ledger.named == {"i1"}
        assert world.indexer.lag().trouble == "away"
        assert world.indexer.lag().behind >= 19 * SECOND
        world.index.away = False
        await world.idle()
        assert world.ledger.named == set()
    (found,) = (await world.index.find(SearchQuery())).found
    assert found.status is InstanceStatus.COMPLETE


@virtually
async def test_what_changes_while_the_index_is_away_is_read_from_the_store() -> None:
    world = World()
    world.index.away = True
    async with world.running():
        for number in range(3000):
            world.changed(at(1, name=f"i{number}"))
        await asyncio.sleep(60)
        world.index.away = False
        await world.idle()
    assert len((await world.index.find(SearchQuery(limit=5000))).found) == 3000
    assert 0 < world.loads < 3000


@virtually
async def test_what_a_process_left_is_read_from_the_store() -> None:
    world = World("i1", "gone")
    world.stored["i1"] = at(7, InstanceStatus.FAILED)
    world.indexer.adopt(world.ledger.open())
    async with world.running():
        await world.idle()
    assert await ids(world.index, text="r7") == ["i1"]
    assert world.ledger.named == set()


@virtually
async def test_a_workflow_that_nobody_knows_is_done_without() -> None:
    world = World()
    async with world.running():
        world.changed(an_instance("i1", workflow=WorkflowRef("unknown", 1, ""))())
        await world.idle()
    assert await ids(world.index) == ["i1"]


@virtually
async def test_closing_leaves_what_has_not_arrived() -> None:
    world = World()
    world.index.away = True
    async with world.running():
        world.changed(at(1))
        await asyncio.sleep(1)
        assert not await world.indexer.close(60 * SECOND)
    assert world.ledger.named == {"i1"}


def test_a_document_has_the_words_of_an_instance() -> None:
    instance = (
        an_instance(
            "i1",
            name="release-7",
            reference="order/12",
            inputs={"image": "app:1.2", "deep": {"list": [1, {"key": "välue"}], "no": None, "yes": True}},
            outputs={"digest": "sha256"},
            failure=Failure(reason=Reason.ERROR, message="disk full", step="push"),
        )
        .with_step("each[1]/push")
        .with_data(note="later")()
    )
    document = document_of(instance, ["build"])
    for piece in (
        "release-7",
        "order/12",
        "app:1.2",
        "deep",
        "välue",
        "sha256",
        "disk full",
        "push",
        "later",
    ):
        assert piece in document.text, piece
    assert "build" in document.text.split("\n")
    assert document.summary.id == "i1"


def test_of_a_long_text_the_beginning_counts() -> None:
    document = document_of(an_instance("i1", inputs={"big": "x" * 10 * LONGEST, "more": "y"})())
    assert len(document.text) <= LONGEST + 10
    assert document.text.startswith("i1")
