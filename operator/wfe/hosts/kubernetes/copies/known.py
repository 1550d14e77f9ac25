"""What is known of instances on their way to where they are searched, and where that is."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from wfe.hosts.kubernetes.homes import Place
from wfe.model.instance import Instance
from wfe.ports.logs import LogStore, NoOverflow, Overflow
from wfe.ports.provider import Provider
from wfe.ports.search import Search
from wfe.runtime.copies.log_shipper import About


@dataclass(frozen=True, slots=True)
class Known:
    """Where an instance is, and what its lines are searched by."""

    place: Place
    name: str
    workflow: str
    has_ended: bool = False

    @property
    def about(self) -> About:
        return About(f"{self.place.namespace}/{self.name}", self.workflow, has_ended=self.has_ended)


@dataclass(frozen=True, slots=True)
class Target:
    """Where copies go.

    Attributes:
        provider: of both; it need not be open.
        overflow: where lines wait that do not fit into memory.
    """

    provider: Provider
    search: Search
    logs: LogStore
    overflow: Overflow = field(default_factory=NoOverflow)


class Arrivals:
    """A ledger that keeps nothing, and tells when an instance is struck off."""

    def __init__(self, arrived: Callable[[str], None]) -> None:
        self._arrived = arrived

    def open(self) -> list[str]:
        return []

    def add(self, instance: str) -> None: ...

    def remove(self, instance: str) -> None:
        self._arrived(instance)

    def close(self) -> None: ...


def named(place: Place, instance: Instance) -> Instance:
    """Return an instance under the name that copies have it by: names are theirs only in their namespace."""
    return replace(instance, name=f"{place.namespace}/{instance.name}")
