"""Search: instances by the words in them. A copy of what the store has, never read for a decision.

Instances of a cluster are kept under NAMESPACE/NAME, in logs as well: names are theirs only in their namespace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wfe.errors import Permanent
from wfe.model.status import InstanceStatus
from wfe.ports.store import Summary


@dataclass(frozen=True, slots=True)
class Document:
    """An instance as it is searched: its summary, and the text of its inputs, outputs, step names and failure."""

    summary: Summary
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """Which instances to find.

    Attributes:
        text: words (`ports.words`), all of which have to be in the document; case and diacritics do not matter,
            nor does what stands between words. A word with `*` at its end stands for all that begin so. A text
            without words finds everything.
        statuses: any of these; none for all.
        workflow: the id of its workflow.
        reference: its reference, whole.
        name: the name under which it is kept, whole.
        namespace: only instances of this namespace of a cluster.
        parent: the id of the instance whose step started it.
        since: created at this time or later.
        until: created before this time.
        after: `next` of the page before.
        limit: the most on a page.
    """

    text: str = ""
    statuses: frozenset[InstanceStatus] = frozenset()
    workflow: str | None = None
    reference: str | None = None
    name: str | None = None
    namespace: str | None = None
    parent: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found, newest first, and where the next page begins; None if there is none."""

    found: Sequence[Summary]
    next: str | None


class DocumentsRefused(Permanent):
    """Some of the documents can never be kept, and the text says why. All others are kept."""


class Search(Protocol):
    """Promise: what was put is found within about a second, in the newest revision that was put."""

    async def put(self, documents: Sequence[Document]) -> None:
        """Keep documents, by the id of the instance; one of an older revision than the kept one changes nothing.

        Raises:
            DocumentsRefused: some of them can never be kept.
            Permanent: nothing can be kept before somebody changes something.
            Retryable: the server cannot be reached; some may have been kept.
        """
        ...

    async def remove(self, instances: Sequence[str]) -> None:
        """Forget instances, by id; harmless if there are none."""
        ...

    async def kept(self, instances: Sequence[str]) -> Sequence[Summary]:
        """Return the summaries that are kept of these instances, in any order; nothing of those that are unknown.

        What was put is there at once.

        Raises:
            Retryable: the server cannot be reached.
        """
        ...

    async def find(self, query: SearchQuery) -> SearchPage:
        """Return a page, by creation time and then id, newest first.

        Raises:
            Permanent: `after` is no page's `next`.
            Retryable: the server cannot be reached.
        """
        ...
