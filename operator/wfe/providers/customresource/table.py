"""What the store knows of each instance of its namespace: no parts of it, but where they are and how new that is.

It is told by the informer, by answers to the store's own writes, and by reads.
"""

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from wfe.model.status import InstanceStatus as Phase
from wfe.providers.customresource.kinds import Engine, InstanceObject, InstanceSpec, InstanceStatus
from wfe.providers.customresource.layout import Layout
from wfe.providers.customresource.records import Archive, Archived
from wfe.providers.customresource.words import Condition

FINAL: Final = frozenset(status.value for status in Phase if status.is_final)
REMEMBERED: Final = 10_000
UNBORN: Final = -1
# One of each for all instances.
_NONE: Final[list[str]] = []
_NO_CONDITIONS: Final[list[Condition]] = []
_NO_TEXTS: Final[dict[str, str]] = {}


@dataclass(slots=True)
class Stored:
    """How the status of an instance is laid out at one revision."""

    revision: int
    layout: Layout
    ring: dict[str, int]
    archive: Archive
    recent: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @classmethod
    def empty(cls) -> "Stored":
        """Return the layout of an instance before its first save."""
        return cls(UNBORN, Layout(), {}, Archive(), (), ())


@dataclass(slots=True)
class Kept:
    """What is known of one instance.

    Attributes:
        id, name, uid: the instance's id, its object's name and uid.
        version: the newest resource version that was seen.
        revision: the newest revision that was seen; UNBORN without a first save.
        created: when it was made, as text that sorts.
        mail: the numbers of the signals in its inbox.
        generation: the generation of the spec that somebody has acted on.
        stored: the layout, if the store has read or written all of it.
        fresh: the engine's texts as the informer saw them, until they are loaded.
        archiving: the writing of its history that a save has begun.
        lock: one write at a time; made when first asked for.
    """

    id: str
    name: str
    uid: str
    version: int = 0
    revision: int = UNBORN
    created: str = ""
    phase: str = ""
    active: bool = True
    mail: frozenset[int] = frozenset()
    generation: int = 0
    resumes: int = 0
    stored: Stored | None = None
    fresh: InstanceObject | None = None
    archiving: asyncio.Future[Archived | None] | None = None
    _lock: asyncio.Lock | None = None

    @property
    def lock(self) -> asyncio.Lock:
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    @property
    def is_written(self) -> bool:
        """Whether somebody writes it just now."""
        return self._lock is not None and self._lock.locked()

    def rest(self) -> None:
        """Nobody works on it: hold nothing that can be read again."""
        if not self.is_written:
            self.stored, self.fresh, self._lock = None, None, None

    def saw(self, found: InstanceObject) -> None:
        """Take in an object, unless something newer is known."""
        if found.version < self.version:
            return
        self.version = found.version
        self.active = found.status.active is not False
        engine = found.status.engine
        if engine is None:
            return
        self.revision = engine.revision
        self.phase = found.status.phase
        self.created = engine.created
        self.mail = frozenset(map(int, engine.inbox))

    @property
    def has_ended(self) -> bool:
        return self.phase in FINAL


def _always(_: InstanceObject) -> bool:
    return True


class Table:
    """The instances of one namespace by id and by the names of their objects.

    Attributes:
        holds: tells of which instances texts are held that are heard, until they are loaded.
        changed: set when others have told an instance something, or ended one.
    """

    def __init__(self, namespace: str, identity: str) -> None:
        self._namespace = namespace
        self._identity = identity
        self._by_id: dict[str, Kept] = {}
        self._by_name: dict[str, Kept] = {}
        self._left: OrderedDict[str, str] = OrderedDict()
        self._workflows: dict[str, Any] = {}
        self.holds: Callable[[InstanceObject], bool] = _always
        self.changed = asyncio.Event()

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._by_id.values())

    def get(self, instance: str) -> Kept | None:
        return self._by_id.get(instance)

    def named(self, name: str) -> Kept | None:
        return self._by_name.get(name)

    def last_name(self, instance: str) -> str | None:
        """Return the name of the object of an instance that has left the table."""
        return self._left.get(instance)

    def learn(self, found: InstanceObject) -> Kept:
        """Take in what was read or written."""
        kept = self._by_name.get(found.metadata.name)
        if kept is not None and (kept.uid != found.metadata.uid or kept.id != found.id):
            self._remove(kept)
            kept = None
        if kept is None:
            kept = Kept(found.id, found.metadata.name, found.metadata.uid)
            kept.generation = _number(found.status.observed_generation)
            self._by_id[kept.id] = self._by_name[kept.name] = kept
            self._left.pop(kept.id, None)
        kept.saw(found)
        return kept

    def forget(self, kept: Kept) -> None:
        """An instance is gone."""
        if self._by_name.get(kept.name) is kept:
            self._remove(kept)
        self._left.pop(kept.id, None)

    def _remove(self, kept: Kept) -> None:
        del self._by_name[kept.name]
        if self._by_id.get(kept.id) is kept:
            del self._by_id[kept.id]

    def told(self, key: tuple[str, str], before: InstanceObject | None, after: InstanceObject | None) -> None:
        """Hear of a change from the informer."""
        if key[0] != self._namespace:
            return
        if after is not None:
            self._heard_of(after)
        elif before is not None:
            self._heard_the_end_of(before)

    def _heard_of(self, found: InstanceObject) -> None:
        known = self._by_name.get(found.metadata.name)
        is_news = known is None or known.version < found.version
        if known is not None and known.uid != found.metadata.uid and not is_news:
            return  # its successor has been read already
        engine = found.status.engine
        kept = self.learn(found)
        if engine is None:
            return
        # What another store has heard of before has no head any more.
        is_at_rest = kept.stored is None and kept.version == found.version and not kept.is_written
        if engine.head and is_at_rest and self.holds(found):
            kept.fresh = InstanceObject(found.metadata, found.spec, msgspec.structs.replace(found.status))
        by_others = not engine.saved.startswith(self._identity)
        self._lighten(found, engine)
        # How far an instance of others has come is nothing that anybody here waits for, and there are many of them.
        if is_news and (kept.mail or (by_others and kept.has_ended)):
            self.changed.set()

    def _lighten(self, found: InstanceObject, engine: Engine) -> None:
        """Leave in the informer's memory what the host asks of an instance that has begun; there are many."""
        found.spec = InstanceSpec(
            desired_state=_interned(found.spec.desired_state),
            resumes=found.spec.resumes,
            ttl_after_finished=_interned(found.spec.ttl_after_finished),
            parent=found.spec.parent,
        )
        found.status = InstanceStatus(
            active=found.status.active,
            phase=sys.intern(found.status.phase),
            resumes=found.status.resumes,
            observed_generation=found.status.observed_generation,
            finished_at=found.status.finished_at,
            workflow=self._shared(found.status.workflow),
            recent=_NONE,
            conditions=_NO_CONDITIONS,
            engine=Engine(
                id=found.metadata.uid if engine.id == found.metadata.uid else engine.id,
                created=engine.created,
                revision=engine.revision,
                inbox=engine.inbox or _NO_TEXTS,
                posted=engine.posted,
                parts=_NO_TEXTS,
                chunks=_NONE,
                gone=_NONE,
                ring=_NO_TEXTS,
                history=_NONE,
            ),
        )
        found.metadata.namespace = self._namespace
        found.metadata.creation_timestamp = ""
        found.metadata.labels = found.metadata.labels or _NO_TEXTS

    def _shared(self, workflow: Any) -> Any:
        """Return the same value for the same workflow."""
        digest = workflow.get("digest") if isinstance(workflow, dict) else None
        if not isinstance(digest, str) or not digest:
            return workflow
        known = self._workflows.setdefault(digest, workflow)
        return known if known == workflow else workflow

    def _heard_the_end_of(self, found: InstanceObject) -> None:
        # It may only have left the informer's selection, so its object's name is kept for a while.
        kept = self._by_name.get(found.metadata.name)
        if kept is None or kept.uid != found.metadata.uid:
            return
        self._remove(kept)
        self._left[kept.id] = kept.name
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        self.changed.set()


def _interned(value: Any) -> Any:
    return sys.intern(value) if isinstance(value, str) else value


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
