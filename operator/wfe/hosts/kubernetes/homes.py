"""Homes: where the processes of an instance tree run, and what they need there.

A tree is at home in one pod, which is made from the pinned closure of its root. A child that is not of that closure
(its workflow was chosen at run time) has a home of its own. Homes are found out before an instance is driven; what
the executors ask for afterwards is known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from wfe.definition import model_from_source
from wfe.definition.workflow import WorkflowModel
from wfe.engine import ScopeNames
from wfe.errors import NotFound, Retryable
from wfe.expr.errors import ExpressionError
from wfe.expr.template import render
from wfe.graph.graph import Graph
from wfe.model.instance import ROOT, Instance, Scope, WorkflowRef
from wfe.model.json import Data
from wfe.pods.home import Home, Owner
from wfe.pods.needs import Needs, NeedsRefused, needs_of
from wfe.ports.store import Store
from wfe.providers.customresource.names import INSTANCES
from wfe.runtime.definitions import Definitions

MOST_REMEMBERED: Final = 500


class NotKnownYet(Retryable):
    """The home of an instance is found out when it is driven, and nobody drives it."""


class EpochStore(Store, Protocol):
    """A store that counts the epochs of runners."""

    async def raise_epoch(self, root: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Place:
    """The namespace that instances are in, and where to look for more."""

    namespace: str
    store: EpochStore
    definitions: Definitions


@dataclass(frozen=True, slots=True)
class _Tree:
    """The home of a tree, and the digests of the workflows that are at home there."""

    home: Home
    digests: frozenset[str]


@dataclass(slots=True)
class TreeHomes:
    """The homes of the instances that this process drives; it keeps the promise of the executors' `Homes`.

    Attributes:
        image: where steps run that name none.
    """

    image: str
    _trees: dict[str, _Tree] = field(default_factory=dict)
    _homes: dict[str, Home] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)
    _needs: dict[tuple[str, ...], Needs] = field(default_factory=dict)

    # -- what executors ask ------------------------------------------------------------------------------------

    async def home(self, instance: str) -> Home:
        """Return the home of an instance.

        Raises:
            NotKnownYet: nobody here drives it.
        """
        found = self.known(instance)
        if found is None:
            raise NotKnownYet(f"the home of instance `{instance}` is not known yet")
        return found

    def known(self, instance: str) -> Home | None:
        """Return the home of an instance, if it is known."""
        return self._homes.get(instance)

    async def epoch(self, root: str) -> int:
        """Raise the epoch that is saved with a root instance."""
        place = self._places.get(root)
        if place is None:
            raise NotKnownYet(f"instance `{root}` is not driven here")
        return await place.store.raise_epoch(root)

    # -- what the host tells -----------------------------------------------------------------------------------

    async def learn(self, place: Place, instance: Instance) -> None:
        """Find out the home of an instance that is about to be driven.

        Raises:
            NeedsRefused: no pod can be what it needs.
            NotFound: its root, or a workflow of it, is gone.
        """
        root = instance.root or instance.id
        if root not in self._trees:
            await self._learn_tree(place, await self._root_of(place, instance))
        self.of(instance, await place.definitions.pinned(instance.workflow))

    async def _root_of(self, place: Place, instance: Instance) -> Instance:
        if instance.root is None or instance.root == instance.id:
            return instance
        found = await place.store.load(instance.root)
        if found is None:
            raise NotFound(f"the root of instance `{instance.name}` is gone; somebody deleted it")
        return found

    async def _learn_tree(self, place: Place, root: Instance) -> None:
        graphs = [await place.definitions.pinned(root.workflow)]
        graphs += [
            await place.definitions.pinned(WorkflowRef("", 0, pin)) for pin in sorted(root.pins.values())
        ]
        self.expect(place, root, graphs)

    def expect(self, place: Place, root: Instance, graphs: Sequence[Graph]) -> Home:
        """Return the home of a tree that is about to begin; `graphs` are its closure, the root's first.

        Raises:
            NeedsRefused: no pod can be what it needs.
        """
        needs = self._needs_of(graphs, root)
        home = _home(place.namespace, root.id, root, needs)
        self._trees[root.id] = _Tree(home, frozenset(graph.workflow.digest for graph in graphs))
        self._homes[root.id] = home
        self._places[root.id] = place
        return home

    def of(self, instance: Instance, graph: Graph) -> Home:
        """Return the home of an instance whose tree is known.

        Raises:
            NotKnownYet: it is not.
            NeedsRefused: no pod can be what it needs.
        """
        known = self._homes.get(instance.id)
        if known is not None:
            return known
        tree = self._trees.get(instance.root or instance.id)
        if tree is None:
            raise NotKnownYet(f"the home of instance `{instance.name}` is not known yet")
        home = tree.home
        if instance.workflow.digest not in tree.digests:
            needs = self._needs_of([graph], instance)
            home = Home(instance.id, home.namespace, home.owner, instance.workflow.id, needs)
            self._places[instance.id] = self._places[tree.home.root]
        self._homes[instance.id] = home
        return home

    def namespace_of(self, instance: str) -> str | None:
        """Return the namespace of an instance whose home is known."""
        found = self._homes.get(instance)
        return None if found is None else found.namespace

    def place_of(self, instance: str) -> Place | None:
        """Return where an instance is whose home is known."""
        found = self._homes.get(instance)
        return None if found is None else self._places.get(found.root)

    def has_own(self, instance: Instance) -> bool:
        """Tell whether an instance is the one that its home was made for."""
        found = self._homes.get(instance.id)
        return instance.root in {None, instance.id} if found is None else found.root == instance.id

    def forget(self, instances: Iterable[str]) -> None:
        """Instances are no longer driven here."""
        for instance in instances:
            self._trees.pop(instance, None)
            self._homes.pop(instance, None)
            self._places.pop(instance, None)

    # -- what is needed ----------------------------------------------------------------------------------------

    def _needs_of(self, graphs: Sequence[Graph], instance: Instance) -> Needs:
        key = tuple(graph.workflow.digest for graph in graphs)
        found = self._needs.get(key)
        if found is None:
            models = [model_from_source(graph.source) for graph in _distinct(graphs)]
            found = self.needs(models, instance)
            if any(model.services for model in models):
                return found  # placeholders of services are filled in for each instance
            if len(self._needs) >= MOST_REMEMBERED:
                self._needs.pop(next(iter(self._needs)))
            self._needs[key] = found
        return found

    def needs(self, models: Sequence[WorkflowModel], instance: Instance) -> Needs:
        """Return what workflows need, with what an instance was given.

        Raises:
            NeedsRefused: no pod can be that.
        """
        return needs_of(models, default_image=self.image, fill=_filler(instance))


def _distinct(graphs: Sequence[Graph]) -> list[Graph]:
    return list({graph.workflow.digest: graph for graph in graphs}.values())


def _filler(instance: Instance) -> Callable[[str, Data], Data]:
    # What it was given, and not what its steps have made of it: a pod that is made again is the same pod.
    scopes = {ROOT: Scope(parent=None, data=dict(instance.inputs))}
    names = ScopeNames(scopes=scopes, scope=ROOT, variables=instance.variables)

    def fill(workflow: str, written: Data) -> Data:
        try:
            filled = render(dict(written), names)
        except ExpressionError as error:
            raise NeedsRefused(f"a service of workflow `{workflow}`: {error}") from error
        return filled if isinstance(filled, dict) else {}

    return fill


def _home(namespace: str, id: str, root: Instance, needs: Needs) -> Home:  # noqa: A002 (the word for it)
    owner = Owner(INSTANCES.api_version, INSTANCES.kind, root.name, root.id)
    return Home(id, namespace, owner, root.workflow.id, needs, root.volume_of)
