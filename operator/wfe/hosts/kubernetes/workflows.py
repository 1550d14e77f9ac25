"""Workflow objects: each is read when it has changed, and told what came of it.

Reading takes as long as its text is, so it is done in a thread, one at a time; the event loop goes on meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wfe.expr.errors import suggestion
from wfe.graph.graph import Graph
from wfe.hosts.kubernetes.objects import Condition, WorkflowObject
from wfe.hosts.kubernetes.verdict import Verdict, judge, said
from wfe.kube import ApiConflict, ApiNotFound, Client, Informer
from wfe.providers.customresource.names import WORKFLOWS
from wfe.providers.customresource.words import stamp

log = logging.getLogger(__name__)
Key = tuple[str, str]
INVALID: Final = "Invalid"
VALID: Final = "Valid"
LONGEST: Final = 8 * 1024
LONGEST_PROBLEM: Final = 2000
MOST_PROBLEMS: Final = 100


@dataclass(frozen=True, slots=True)
class Known:
    """What came of one generation of a Workflow."""

    uid: str
    generation: int
    graph: Graph | None
    problems: tuple[str, ...]

    @property
    def message(self) -> str:
        """What is wrong with it, as one text that fits into a condition."""
        return said(self.problems)

    def is_of(self, found: WorkflowObject) -> bool:
        return (self.uid, self.generation) == (found.metadata.uid, found.metadata.generation)


@dataclass(slots=True)
class Workflows:
    """The Workflow objects of all namespaces.

    Attributes:
        is_first: whether this replica tells Workflows what came of them.
        judged: told the namespace whenever a Workflow of it was read.
    """

    client: Client
    informer: Informer[WorkflowObject]
    is_first: Callable[[], bool]
    judged: Callable[[str], None] = lambda _: None
    _known: dict[Key, Known] = field(default_factory=dict)
    _told: dict[Key, Known] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def find(self, namespace: str, name: str) -> Known | None:
        """Return what came of a Workflow as it is now; None if there is none."""
        found = self.informer.get(namespace, name)
        known = self._known.get((namespace, name))
        if found is not None and known is not None and known.is_of(found):
            return known
        return await self._read(namespace, name)

    async def of(self, namespace: str) -> Sequence[Known]:
        """Return what came of every Workflow of a namespace."""
        here = [one.metadata.name for one in self.informer.values() if one.metadata.namespace == namespace]
        found = [await self.find(namespace, name) for name in here]
        return [one for one in found if one is not None]

    def hint(self, namespace: str, name: str) -> str:
        """Return what somebody may have meant."""
        here = [one.metadata.name for one in self.informer.values() if one.metadata.namespace == namespace]
        return suggestion(name, here)

    async def look(self, key: Key) -> None:
        """Read a Workflow that may have changed, and tell it what came of that."""
        found = self.informer.get(*key)
        if found is None or found.metadata.deletion_timestamp is not None:
            self._known.pop(key, None)
            self._told.pop(key, None)
            return
        known = await self.find(*key)
        if known is None:
            return
        status = status_of(found, known, now=stamp(self.client.now()) or "")
        if status is not None and self.is_first():
            await self._tell(key, found.metadata.resource_version, status)
        if self._told.get(key) != known:
            self._told[key] = known
            self.judged(key[0])

    async def _read(self, namespace: str, name: str) -> Known | None:
        async with self._turn:
            try:
                body = await self.client.get(WORKFLOWS, name, namespace)
            except ApiNotFound:
                self._known.pop((namespace, name), None)
                return None
            metadata = body["metadata"]
            known = self._known.get((namespace, name))
            if known is not None and (known.uid, known.generation) == _version(metadata):
                return known
            verdict = await asyncio.to_thread(verdict_on, body)
            known = Known(*_version(metadata), verdict.graph, verdict.errors)
            self._known[namespace, name] = known
        log.info(
            "workflow read", extra={"namespace": namespace, "workflow": name, "valid": bool(known.graph)}
        )
        return known

    async def _tell(self, key: Key, version: str, status: dict[str, Any]) -> None:
        namespace, name = key
        try:
            await self.client.patch(
                WORKFLOWS,
                name,
                namespace,
                {"status": status},
                subresource="status",
                resource_version=version,
                metadata_only=True,
            )
        except (ApiConflict, ApiNotFound):
            return  # it has changed, which is news that brings us here again


def _version(metadata: dict[str, Any]) -> tuple[str, int]:
    return metadata["uid"], metadata.get("generation", 0)


def verdict_on(body: dict[str, Any]) -> Verdict:
    """Judge a Workflow object; a spec that has no id has the object's name."""
    metadata, spec = body.get("metadata", {}), body.get("spec")
    if isinstance(spec, dict) and "id" not in spec:
        spec = {"id": metadata.get("name"), **spec}
    return judge(spec, annotations=metadata.get("annotations"))


def status_of(found: WorkflowObject, known: Known, *, now: str) -> dict[str, Any] | None:
    """Return the status that a Workflow should have; None if it has it."""
    before = next((one for one in found.status.conditions if one.type == "Accepted"), None)
    accepted = "True" if known.graph is not None else "False"
    reason = VALID if known.graph is not None else INVALID
    steps = known.graph.total_steps if known.graph is not None else 0
    message = known.message or f"it has {steps} {'step' if steps == 1 else 'steps'}"
    wanted = Condition(
        type="Accepted",
        status=accepted,
        reason=reason,
        message=message[:LONGEST],
        last_transition_time=before.last_transition_time if before and before.status == accepted else now,
        observed_generation=known.generation,
    )
    if before == wanted:
        return None
    graph = known.graph
    return {
        "observedGeneration": known.generation,
        "version": graph.workflow.version if graph else None,
        "steps": graph.total_steps if graph else None,
        "digest": graph.workflow.digest if graph else None,
        "problems": [problem[:LONGEST_PROBLEM] for problem in known.problems[:MOST_PROBLEMS]] or None,
        "conditions": [
            {
                "type": wanted.type,
                "status": wanted.status,
                "reason": wanted.reason,
                "message": wanted.message,
                "lastTransitionTime": wanted.last_transition_time,
                "observedGeneration": wanted.observed_generation,
            }
        ],
    }
